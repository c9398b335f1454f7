// SAs for tests, with keys that are no secret.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/bytes.h"
#include "esp/inbound_sa.h"
#include "esp/outbound_sa.h"
#include "esp/tunnel_command.h"
#include "net/test_packets.h"

namespace isthmus::esp::test {

using isthmus::test::packet_of;
using isthmus::test::Parts;
using isthmus::test::random_octets;

inline constexpr crypto::Cipher kCiphers[] = {crypto::Cipher::kAes128Gcm, crypto::Cipher::kAes256Gcm,
                                              crypto::Cipher::kChaCha20Poly1305};

inline SaParameters parameters(std::uint32_t spi, crypto::Cipher cipher = crypto::Cipher::kAes128Gcm,
                               bool is_esn = false) {
  SaParameters sa;
  sa.spi = Spi{spi};
  sa.cipher = cipher;
  std::ranges::copy(random_octets(crypto::kMaxKeySize, spi), sa.key.writable().begin());
  std::ranges::copy(random_octets(crypto::kSaltSize, spi + 1), sa.salt.begin());
  sa.is_esn = is_esn;
  return sa;
}

inline SaCipher cipher_of(const SaParameters& sa) {
  return {crypto::make_aead(sa.cipher, sa.key.reveal().first(crypto::key_size(sa.cipher))).value(), sa.salt};
}

// `text` with the room behind it that sealing wants.
inline Bytes with_room(ConstBytes text) {
  Bytes room(text.begin(), text.end());
  room.resize(text.size() + kTrailerRoom, 0xd7);
  return room;
}

// Both halves of one SA, as if `past` were the number last sent and received.
struct SaHalves {
  explicit SaHalves(const SaParameters& sa, SequenceNumber past = {}, const SaLimits* limits = nullptr)
      : outbound({.spi = sa.spi, .is_esn = sa.is_esn, .last = past}, cipher_of(sa),
                 limits != nullptr ? *limits : SaLimits::of(sa.is_esn)),
        inbound({.spi = sa.spi, .is_esn = sa.is_esn, .highest = past}, cipher_of(sa)) {}

  Bytes seal(ConstBytes text, std::uint8_t next_header = kNextIpv4) {
    Bytes out(sealed_size(text.size()));
    out.resize(try_seal(text, out, next_header).value());
    return out;
  }
  Verdict<std::size_t> try_seal(ConstBytes text, MutableBytes out, std::uint8_t next_header = kNextIpv4) {
    Bytes room = with_room(text);
    return outbound.seal(room, next_header, out);
  }
  // The text that comes out.
  Verdict<Bytes> open(ConstBytes packet) {
    Bytes out(opened_size(packet.size()));
    const auto head = parse_head(packet);
    if (!head) return std::unexpected(head.error());
    const auto opened = inbound.open(*head, packet, out);
    if (!opened) return std::unexpected(opened.error());
    if (!opened->payload) return std::unexpected(opened->payload.error());
    return Bytes(opened->payload->text.begin(), opened->payload->text.end());
  }

  OutboundSa outbound;
  InboundSa inbound;
};

}  // namespace isthmus::esp::test
