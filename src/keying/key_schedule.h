// From one exchange to the keys of all its SAs (docs/design/keying.md): HKDF-SHA256 over the X25519 secret,
// the nonces of both ends and the transcript.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "crypto/aead.h"
#include "crypto/kdf.h"
#include "crypto/key_exchange.h"
#include "crypto/secret.h"
#include "keying/key_message.h"

namespace isthmus::keying {

enum class Direction : std::uint8_t { kFromCaller = 0, kFromCalled = 1 };

// What both ends said, the caller first. Messages are as they crossed the stream, without padding.
struct Transcript {
  ExchangeNonce caller_nonce{};
  ExchangeNonce called_nonce{};
  ConstBytes offer;  // both views are read by the KeySchedule's constructor alone
  ConstBytes answer;
};

struct SaKey {
  crypto::Secret<crypto::kMaxKeySize> key;  // the first key_size(cipher) octets
  std::array<std::uint8_t, crypto::kSaltSize> salt{};
};

class KeySchedule {
 public:
  KeySchedule(const crypto::Secret<crypto::kX25519Size>& shared_secret, const Transcript& transcript);

  // `worker` is the number of the sender's worker, below kMaxWorkers.
  [[nodiscard]] SaKey derive(Direction direction, std::size_t worker, crypto::Cipher cipher) const;

 private:
  crypto::Secret<crypto::kSha256Size> pseudorandom_key_;
  crypto::Sha256 transcript_hash_;
};

}  // namespace isthmus::keying
