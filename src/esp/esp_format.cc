#include "esp/esp_format.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/guard.h"
#include "net/big_endian.h"

namespace isthmus::esp {
namespace {

constexpr std::size_t kSequenceAt = 4;
constexpr std::size_t kIvAt = 8;

// SPI and sequence number, the latter in 4 or 8 octets (RFC 4106 section 5, RFC 7634 section 2.1).
class AssociatedData {
 public:
  explicit AssociatedData(const PacketLabel& label) : size_(label.is_esn ? 12 : 8) {
    store_u32(octets_, 0, std::to_underlying(label.spi));
    if (label.is_esn) {
      store_u64(octets_, kSequenceAt, label.sequence.value());
    } else {
      store_u32(octets_, kSequenceAt, label.sequence.low());
    }
  }
  [[nodiscard]] ConstBytes octets() const { return ConstBytes{octets_}.first(size_); }

 private:
  std::array<std::uint8_t, 12> octets_{};
  std::size_t size_;
};

// Salt, then IV (RFC 4106 section 4, RFC 7634 section 2).
crypto::Nonce nonce_of(const SaCipher& cipher, ConstBytes iv) {
  crypto::Nonce nonce{};
  std::ranges::copy(cipher.salt, nonce.begin());
  std::ranges::copy(iv, nonce.begin() + crypto::kSaltSize);
  return nonce;
}

// Padding, pad length and next header behind `text` octets. The padding is 1, 2, 3, ... (RFC 4303
// section 2.4).
class Trailer {
 public:
  Trailer(std::size_t text, std::uint8_t next_header) : padding_(padding_of(text)) {
    for (std::size_t i = 0; i < padding_; ++i) octets_[i] = static_cast<std::uint8_t>(i + 1);
    octets_[padding_] = static_cast<std::uint8_t>(padding_);
    octets_[padding_ + 1] = next_header;
  }
  [[nodiscard]] ConstBytes octets() const { return ConstBytes{octets_}.first(padding_ + kTrailerSize); }

 private:
  std::array<std::uint8_t, kAlignment - 1 + kTrailerSize> octets_{};
  std::size_t padding_;
};

}  // namespace

void seal_packet(const SaCipher& cipher, const PacketLabel& label, const Payload& payload, MutableBytes out) {
  const std::size_t text = payload.text_size();
  const std::size_t size = sealed_size(text);
  CHECK(out.size() >= size);
  store_u32(out, 0, std::to_underlying(label.spi));
  store_u32(out, kSequenceAt, label.sequence.low());
  store_u64(out, kIvAt, payload.iv);
  const Trailer trailer{text, payload.next_header};
  cipher.aead->seal(nonce_of(cipher, out.subspan(kIvAt, crypto::kIvSize)), AssociatedData{label}.octets(),
                    payload.room.first(text + trailer.octets().size()), trailer.octets(),
                    out.subspan(kHeaderSize, size - kHeaderSize));
}

Verdict<PacketHead> parse_head(ConstBytes packet) {
  const bool is_possible = packet.size() >= kMinPacket && packet.size() % kAlignment == 0;
  if (!guard<Guard::kEspLength>(is_possible)) return std::unexpected(Drop::kBadLength);
  return PacketHead{Spi{load_u32(packet, 0)}, load_u32(packet, kSequenceAt)};
}

bool open_packet(const SaCipher& cipher, const PacketLabel& label, ConstBytes packet, MutableBytes plain) {
  return cipher.aead->open(nonce_of(cipher, packet.subspan(kIvAt, crypto::kIvSize)),
                           AssociatedData{label}.octets(), packet.subspan(kHeaderSize), plain);
}

Verdict<OpenedPayload> strip_trailer(MutableBytes plain) {
  CHECK(plain.size() >= kTrailerSize);
  const std::uint8_t next_header = plain.back();
  const std::size_t padding = plain[plain.size() - kTrailerSize];
  const MutableBytes padded = plain.first(plain.size() - kTrailerSize);
  if (!guard<Guard::kEspPadding>(padding <= padded.size())) return std::unexpected(Drop::kBadTrailer);

  const ConstBytes pad = padded.last(padding);
  for (std::size_t i = 0; i < padding; ++i) {
    if (!guard<Guard::kEspPadding>(pad[i] == i + 1)) return std::unexpected(Drop::kBadTrailer);
  }
  return OpenedPayload{padded.first(padded.size() - padding), next_header};
}

}  // namespace isthmus::esp
