#include "ppp/hdlc_encoder.h"

#include <algorithm>
#include <array>

#include "ppp/fcs.h"
#include "ppp/framing_kernels.h"
#include "ppp/hdlc.h"

namespace isthmus::ppp {
namespace {

constexpr std::uint32_t kEveryControlCharacter = 0xffffffff;
constexpr FramingOptions kLcpFraming{.accm = kEveryControlCharacter,
                                     .protocol_field_compression = false,
                                     .address_control_compression = false};

// Puts the octets of one frame, stuffed, at the end of `out`. They are made in a block that stays in the
// processor's first cache and appended from there: a Bytes can only grow by octets that are there to be
// copied or by zeros, and zeros for the longest frame that may come of a packet cost more than the copy.
class FrameWriter {
 public:
  FrameWriter(std::uint32_t accm, Bytes& out) : accm_(accm), out_(out) { put_flag(); }

  // Each piece goes through FCS and stuffing while it is in that cache.
  void append(ConstBytes octets) {
    while (!octets.empty()) {
      const ConstBytes piece = octets.first(std::min(octets.size(), kPiece));
      fcs_ = kernels_.fcs16(piece, fcs_);
      append_stuffed(piece);
      octets = octets.subspan(piece.size());
    }
  }

  void finish() {
    const auto field = static_cast<std::uint16_t>(~fcs_);
    append_stuffed(std::array{static_cast<std::uint8_t>(field), static_cast<std::uint8_t>(field >> 8)});
    put_flag();
    flush();
  }

 private:
  static constexpr std::size_t kPiece = 4096;
  static constexpr std::size_t kRoom = 3 * kPiece;

  void append_stuffed(ConstBytes piece) {
    // A flag may have to follow.
    if (kRoom - used_ < 2 * piece.size() + 1) flush();
    used_ += kernels_.stuff(piece, accm_, MutableBytes{block_}.subspan(used_));
  }

  void put_flag() { block_[used_++] = kFlag; }

  void flush() {
    out_.insert(out_.end(), block_.begin(), block_.begin() + static_cast<std::ptrdiff_t>(used_));
    used_ = 0;
  }

  const FramingKernels& kernels_ = best_kernels();
  std::uint32_t accm_;
  Bytes& out_;
  std::uint16_t fcs_ = kInitialFcs;
  std::size_t used_ = 0;
  std::array<std::uint8_t, kRoom> block_;  // what is behind used_ is undefined
};

// Address, Control and Protocol, as far as they are sent.
class FrameHeader {
 public:
  FrameHeader(std::uint16_t protocol, const FramingOptions& options) {
    if (!options.address_control_compression) {
      append(kAllStations);
      append(kUnnumberedInformation);
    }
    // An even low octet would be taken for the first of two; no such number is assigned (RFC 1661 section 2).
    // 0x00ff alone would be taken for an Address field, and is reserved for that (RFC 1662 section 3.2).
    const bool fits_one_octet = protocol < 0xff && (protocol & 1) != 0;
    if (!options.protocol_field_compression || !fits_one_octet)
      append(static_cast<std::uint8_t>(protocol >> 8));
    append(static_cast<std::uint8_t>(protocol));
  }

  [[nodiscard]] ConstBytes octets() const { return ConstBytes{octets_}.first(size_); }

 private:
  void append(std::uint8_t octet) { octets_[size_++] = octet; }

  std::array<std::uint8_t, kAddressControlSize + kProtocolSize> octets_{};
  std::size_t size_ = 0;
};

}  // namespace

void encode_frame(std::uint16_t protocol, ConstBytes information, const FramingOptions& options, Bytes& out) {
  encode_frame(protocol, SplitInformation{{}, information}, options, out);
}

void encode_frame(std::uint16_t protocol, const SplitInformation& information, const FramingOptions& options,
                  Bytes& out) {
  const bool is_lcp = protocol == static_cast<std::uint16_t>(Protocol::kLcp);
  const FramingOptions& framing = is_lcp ? kLcpFraming : options;
  const FrameHeader header{protocol, framing};

  FrameWriter writer{framing.accm, out};
  writer.append(header.octets());
  writer.append(information.head);
  writer.append(information.body);
  writer.finish();
}

}  // namespace isthmus::ppp
