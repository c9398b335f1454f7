#include "keying/key_schedule.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/byte_writer.h"
#include "base/check.h"

namespace isthmus::keying {
namespace {

constexpr std::string_view kLabel = "isthmus esp 1";

// RFC 5869 section 3.1: the salt of extraction is what both ends put in at random.
Bytes salt_of(const Transcript& transcript) {
  Bytes salt;
  ByteWriter out{salt};
  out.raw(transcript.caller_nonce);
  out.raw(transcript.called_nonce);
  return salt;
}

}  // namespace

KeySchedule::KeySchedule(const crypto::Secret<crypto::kX25519Size>& shared_secret,
                         const Transcript& transcript)
    : pseudorandom_key_(crypto::hkdf_extract(salt_of(transcript), shared_secret.reveal())),
      transcript_hash_(crypto::sha256({transcript.offer, transcript.answer})) {}

SaKey KeySchedule::derive(Direction direction, std::size_t worker, crypto::Cipher cipher) const {
  CHECK(worker < kMaxWorkers);
  Bytes info;
  ByteWriter out{info};
  out.raw(bytes_of(kLabel));
  out.u8(std::to_underlying(direction));
  out.u8(static_cast<std::uint8_t>(worker));
  out.raw(transcript_hash_);

  // Key, then salt, as RFC 4106 section 8.1 and RFC 7634 section 2 order keying material.
  crypto::Secret<crypto::kMaxKeySize + crypto::kSaltSize> material;
  const std::size_t size = crypto::key_size(cipher);
  crypto::hkdf_expand(pseudorandom_key_, info, material.writable().first(size + crypto::kSaltSize));
  SaKey derived;
  std::ranges::copy(material.reveal().first(size), derived.key.writable().begin());
  std::ranges::copy(material.reveal().subspan(size, crypto::kSaltSize), derived.salt.begin());
  return derived;
}

}  // namespace isthmus::keying
