// The octets of an ESP packet (RFC 4303 section 2) with an AEAD whose IV has 8 octets and whose ICV has 16
// (RFC 4106, RFC 7634): SPI, sequence number, IV, ciphertext of text, padding, pad length and next header,
// ICV.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "crypto/aead.h"
#include "esp/drop.h"
#include "esp/sequence_number.h"
#include "esp/spi.h"

namespace isthmus::esp {

// IANA's protocol numbers, as Next Header has them (RFC 4303 section 2.6).
inline constexpr std::uint8_t kNextIpv4 = 4;
inline constexpr std::uint8_t kNextIpv6 = 41;
inline constexpr std::uint8_t kNextDummy = 59;

inline constexpr std::size_t kHeaderSize = 8 + crypto::kIvSize;
inline constexpr std::size_t kAlignment = 4;    // of the ICV (RFC 4303 section 2.4)
inline constexpr std::size_t kTrailerSize = 2;  // pad length and next header
// What a sealer lends behind its text, for the longest trailer we write (crypto/aead.h has the reason).
inline constexpr std::size_t kTrailerRoom = kTrailerSize + kAlignment - 1;
inline constexpr std::size_t kMinPacket = kHeaderSize + kAlignment + crypto::kIcvSize;

constexpr std::size_t padding_of(std::size_t text) {
  return (kAlignment - (text + kTrailerSize) % kAlignment) % kAlignment;
}

// Octets of the ESP packet that holds `text` octets.
constexpr std::size_t sealed_size(std::size_t text) {
  return kHeaderSize + text + padding_of(text) + kTrailerSize + crypto::kIcvSize;
}

// Blocks of 16 octets that the cipher makes of `text` octets and their trailer.
constexpr std::uint64_t blocks_of(std::size_t text) {
  return (text + padding_of(text) + kTrailerSize + 15) / 16;
}

// Octets of output that opening an ESP packet of `packet` octets needs: text and trailer.
constexpr std::size_t opened_size(std::size_t packet) {
  return packet < kMinPacket ? 0 : packet - kHeaderSize - crypto::kIcvSize;
}

// What one SA's keys came to. The key itself is in the Aead, which wipes it.
struct SaCipher {
  std::unique_ptr<crypto::Aead> aead;
  std::array<std::uint8_t, crypto::kSaltSize> salt{};
};

// What the ICV covers beside the text.
struct PacketLabel {
  Spi spi{};
  SequenceNumber sequence;
  bool is_esn = false;
};

struct Payload {
  // The text and kTrailerRoom octets behind it, which are lent: they are as they were when the packet is
  // made.
  MutableBytes room;
  std::uint8_t next_header = kNextIpv4;
  std::uint64_t iv = 0;  // never twice with one key

  [[nodiscard]] std::size_t text_size() const { return room.size() - kTrailerRoom; }
};

// Writes a whole packet of sealed_size(text) octets into the beginning of `out`, which is at least as long.
// `out` does not overlap the room, unless the text begins kHeaderSize octets into it; then nothing is given
// back.
void seal_packet(const SaCipher& cipher, const PacketLabel& label, const Payload& payload, MutableBytes out);

// The fields in the clear at the head of a packet.
struct PacketHead {
  Spi spi{};
  std::uint32_t sequence = 0;  // its lower half, with ESN
};

// kBadLength unless `packet` has a length that an ESP packet can have: kMinPacket at least, and the ICV
// aligned.
Verdict<PacketHead> parse_head(ConstBytes packet);

// Decrypts `packet`, which parse_head() has let pass, into `plain`, which has opened_size(packet.size())
// octets and does not overlap it, unless it begins kHeaderSize octets into it. False: not authentic; `plain`
// is all zero.
[[nodiscard]] bool open_packet(const SaCipher& cipher, const PacketLabel& label, ConstBytes packet,
                               MutableBytes plain);

struct OpenedPayload {
  MutableBytes text;
  std::uint8_t next_header = 0;
};

// Takes padding, pad length and next header off. kBadTrailer if the padding is longer than there is or is not
// 1, 2, 3, ... (RFC 4303 section 2.4).
Verdict<OpenedPayload> strip_trailer(MutableBytes plain);

}  // namespace isthmus::esp
