// What two Isthmuses say over VSNP of the datagram path, beside the key exchange (keying/key_message.h):
// where each can be reached, what has arrived, and the end of it. docs/protocol/vsnp.md has the format; every
// field is checked, unknown ones are skipped.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/aead.h"
#include "esp/generation.h"
#include "keying/rekeyer.h"
#include "net/address.h"

namespace isthmus::session {

inline constexpr std::size_t kMaxOwnAddresses = 8;
inline constexpr std::size_t kMaxSeenAddresses = 2;

// The first of these messages on a stream; again when the sender's addresses change.
struct DatagramHello {
  std::uint16_t port = 0;               // the sender's, on each of its addresses
  std::vector<IpAddress> addresses;     // the sender's own, as far as it knows them
  std::vector<IpAddress> seen;          // the receiver's, as the sender sees its end of the ssh connection
  std::vector<crypto::Cipher> ciphers;  // that the sender can do, the preferred first
  keying::KeyingState keying;
  friend bool operator==(const DatagramHello&, const DatagramHello&) = default;
};

// Authentic packets that have come to the sender, dummies among them.
struct PathReport {
  struct Received {
    esp::Generation generation{};
    std::uint64_t packets = 0;  // since the generation was installed
    // The highest sequence numbers of its SAs, together: so many had gone out when the last of them came.
    // Older ends do not tell it.
    std::optional<std::uint64_t> highest = {};
    friend bool operator==(const Received&, const Received&) = default;
  };
  std::vector<Received> received;
  std::optional<std::uint16_t> probe_size;  // the largest probe since the last report: its outer IP packet
  friend bool operator==(const PathReport&, const PathReport&) = default;
};

// The sender neither sends nor takes datagrams any more; only another stream can begin them again.
struct PathClose {
  enum class Reason : std::uint8_t { kSwitchedOff = 1 };
  Reason reason = Reason::kSwitchedOff;
  friend bool operator==(const PathClose&, const PathClose&) = default;
};

using DatagramMessage = std::variant<DatagramHello, PathReport, PathClose>;

// Whether a VSNP message is one of these, by its first octets.
bool is_datagram_message(ConstBytes octets);

// Lists longer than their limits are cut.
Bytes encode(const DatagramMessage& message);
// kProtocol: it breaks the format. kUnsupported: another version, or another message.
Result<DatagramMessage> decode_datagram_message(ConstBytes octets);

}  // namespace isthmus::session
