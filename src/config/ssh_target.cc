#include "config/ssh_target.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/parse_number.h"

namespace isthmus::config {
namespace {

constexpr std::size_t kMaxHost = 255;
constexpr int kMaxSeconds = 24 * 60 * 60;
constexpr int kMaxAttempts = 1000;

const char* name_of(const std::optional<Family>& family) {
  if (!family) return "any";
  switch (*family) {
    case Family::kIpv4:
      return "inet";
    case Family::kIpv6:
      return "inet6";
  }
  return "any";
}

std::string_view take_word(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

std::optional<int> number_in(std::string_view word, int least, int most) {
  const std::optional<int> number = parse_number<int>(word);
  return number && *number >= least && *number <= most ? number : std::nullopt;
}

}  // namespace

std::string encode_ssh_target(const SshTarget& target) {
  return fmt::format("{} {} {} {} {}", target.host, target.port, name_of(target.family),
                     target.timeout.count(), target.attempts);
}

Result<SshTarget> decode_ssh_target(std::string_view text) {
  const bool has_more = text.ends_with(' ');
  const std::string_view host = take_word(text);
  const std::optional<int> port = number_in(take_word(text), 1, 65535);
  const auto family = parse_address_family(take_word(text));
  const std::optional<int> seconds = number_in(take_word(text), 0, kMaxSeconds);
  const std::optional<int> attempts = number_in(take_word(text), 1, kMaxAttempts);
  if (!is_target_host(host) || !port || !family || !seconds || !attempts || !text.empty() || has_more)
    return fail(Error::Code::kInvalid, "where to connect to for ssh: HOST PORT FAMILY SECONDS ATTEMPTS");
  return SshTarget{std::string{host}, static_cast<std::uint16_t>(*port), *family,
                   std::chrono::seconds{*seconds}, *attempts};
}

std::optional<std::optional<Family>> parse_address_family(std::string_view word) {
  if (word == "any") return std::optional<Family>{};
  if (word == "inet") return std::optional{Family::kIpv4};
  if (word == "inet6") return std::optional{Family::kIpv6};
  return std::nullopt;
}

bool is_target_host(std::string_view host) {
  const auto is_plain = [](char c) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return is_letter || std::string_view{".:-_%"}.contains(c);
  };
  return !host.empty() && host.size() <= kMaxHost && host.front() != '-' &&
         std::ranges::all_of(host, is_plain);
}

}  // namespace isthmus::config
