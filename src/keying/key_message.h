// The messages of a key exchange, which two Isthmuses say to each other in VSNP over the ssh stream.
// docs/protocol/vsnp.md has their format; every field is checked, unknown ones are skipped.
#pragma once

#include <array>
#include <cstdint>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/aead.h"
#include "crypto/key_exchange.h"
#include "esp/generation.h"
#include "esp/spi.h"

namespace isthmus::keying {

// An end has at most so many outbound SAs in a generation, one for each worker.
inline constexpr std::size_t kMaxWorkers = 16;
inline constexpr std::size_t kMaxCiphers = 8;
inline constexpr std::size_t kExchangeNonceSize = 32;
using ExchangeNonce = std::array<std::uint8_t, kExchangeNonceSize>;

// The caller's half. `spis` are for the called end's SAs towards the caller, one for each of its workers.
struct KeyOffer {
  esp::Generation generation{};
  ExchangeNonce nonce{};
  crypto::PublicKey public_key{};
  std::vector<crypto::Cipher> ciphers;  // acceptable ones, the best first
  bool is_aes_slow = false;             // the caller has no instructions for AES
  bool wants_esn = false;
  std::vector<esp::Spi> spis;
  friend bool operator==(const KeyOffer&, const KeyOffer&) = default;
};

// The called end's half. `spis` are for the caller's SAs towards the called end.
struct KeyAnswer {
  esp::Generation generation{};
  ExchangeNonce nonce{};
  crypto::PublicKey public_key{};
  crypto::Cipher cipher = crypto::Cipher::kAes128Gcm;
  bool is_esn = false;
  std::vector<esp::Spi> spis;
  friend bool operator==(const KeyAnswer&, const KeyAnswer&) = default;
};

// The called end's no.
struct KeyRefusal {
  enum class Reason : std::uint8_t {
    kNoCommonCipher = 1,
    kStaleGeneration = 2,  // not the next
    kBadSpi = 3,           // below 256, twice, or not one for each worker
    kBadPublicKey = 4,
    kNotNow = 5,  // too soon after the last exchange, or before the last one is done with
  };
  esp::Generation generation{};
  Reason reason = Reason::kNotNow;
  friend bool operator==(const KeyRefusal&, const KeyRefusal&) = default;
};

// All of the sender's packets go by this generation from now on.
struct KeyDone {
  esp::Generation generation{};
  friend bool operator==(const KeyDone&, const KeyDone&) = default;
};

using KeyMessage = std::variant<KeyOffer, KeyAnswer, KeyRefusal, KeyDone>;

// Whether a VSNP message is one of these, by its first octets.
bool is_key_message(ConstBytes octets);

Bytes encode(const KeyMessage& message);
// kProtocol: it breaks the format. kUnsupported: another version, or another message.
Result<KeyMessage> decode_key_message(ConstBytes octets);

// The octets of a message without the padding that PPP may have put behind it; for octets that decode.
ConstBytes without_padding(ConstBytes octets);

}  // namespace isthmus::keying
