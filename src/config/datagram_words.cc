#include "config/datagram_words.h"

#include "base/printable.h"
#include "crypto/cipher_name.h"

namespace isthmus::config {
namespace {

std::unexpected<Error> no_such(std::string_view word, const char* words) {
  return fail(Error::Code::kInvalid, "'" + printable(word, 40) + "': " + words);
}

}  // namespace

Result<session::PathMode> parse_path_mode(std::string_view word) {
  if (word == "auto") return session::PathMode::kAuto;
  if (word == "stream") return session::PathMode::kStream;
  if (word == "datagram") return session::PathMode::kDatagram;
  return no_such(word, "auto, stream or datagram");
}

Result<crypto::Cipher> parse_cipher(std::string_view word) {
  const std::optional<crypto::Cipher> cipher = crypto::parse_cipher(word);
  if (cipher) return *cipher;
  return no_such(word, "aes128-gcm, aes256-gcm or chacha20-poly1305");
}

}  // namespace isthmus::config
