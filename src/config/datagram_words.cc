#include "config/datagram_words.h"

#include <fmt/format.h>

#include <chrono>

#include "base/parse_number.h"
#include "base/printable.h"
#include "crypto/cipher_name.h"

namespace isthmus::config {
namespace {

std::unexpected<Error> no_such(std::string_view word, std::string_view words) {
  return fail(Error::Code::kInvalid, fmt::format("'{}': {}", printable(word, 40), words));
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

Result<void> lower_limits(session::SoftLimits& limits, std::string_view word) {
  using std::chrono::seconds;
  constexpr std::uint64_t kMostPackets = session::SoftLimits{}.packets;
  constexpr std::uint64_t kMostSeconds = session::SoftLimits{}.time / seconds{1};

  const bool is_time = word.ends_with('s');
  const auto number = parse_number<std::uint64_t>(is_time ? word.substr(0, word.size() - 1) : word);
  if (!number || *number == 0 || *number > (is_time ? kMostSeconds : kMostPackets))
    return no_such(word, fmt::format("1 to {} packets, as in 1000, or 1 to {} seconds, as in 60s",
                                     kMostPackets, kMostSeconds));
  if (is_time) {
    limits.time = seconds{*number};
  } else {
    limits.packets = *number;
  }
  return {};
}

}  // namespace isthmus::config
