// Puts PPP frames on an octet stream: octet-stuffed framing of RFC 1662 section 4.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "ppp/frame.h"

namespace isthmus::ppp {

// The most octets that encode_frame() can append for an information field of `information_octets`: two flags,
// and everything between them escaped.
constexpr std::size_t max_encoded_size(std::size_t information_octets) {
  return 2 + 2 * (4 + information_octets + 2);
}

// An information field that lies in two places, so that a long packet need not be copied behind a header.
struct SplitInformation {
  SplitInformation(ConstBytes front, ConstBytes rest) : head(front), body(rest) {}
  ConstBytes head;
  ConstBytes body;
};

// Appends one frame to `out`. Each frame has a Flag Sequence of its own at both ends, so that it can be cut
// out of the stream or follow whatever noise came before it (RFC 1662 section 4.4.2).
//
// `options` is what the peer asked for. LCP frames ignore it: RFC 1661 sections 6.5 and 6.6 want them
// uncompressed, and they escape every control character, so that they are understood in any state of the
// link.
void encode_frame(std::uint16_t protocol, ConstBytes information, const FramingOptions& options, Bytes& out);
// The same frame as of the head and the body joined.
void encode_frame(std::uint16_t protocol, const SplitInformation& information, const FramingOptions& options,
                  Bytes& out);

}  // namespace isthmus::ppp
