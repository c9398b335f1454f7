#include "config/destination.h"

#include <algorithm>

#include "base/guard.h"
#include "base/parse_number.h"
#include "base/printable.h"
#include "net/address.h"

namespace isthmus::config {
namespace {

constexpr std::size_t kMaxHost = 253;  // of a DNS name
constexpr std::size_t kMaxUser = 64;
constexpr std::string_view kScheme = "ssh://";

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool consists_of(std::string_view text, std::string_view signs) {
  return std::ranges::all_of(text, [&](char c) { return is_letter_or_digit(c) || signs.contains(c); });
}

std::unexpected<Error> wrong(std::string_view text, const std::string& why) {
  return fail(Error::Code::kInvalid, "destination '" + printable(text, 80) + "': " + why);
}

// An IPv6 address, with the zone that a link-local one needs.
bool is_ipv6(std::string_view text) {
  const std::size_t percent = text.find('%');
  const Result<IpAddress> address = IpAddress::parse(text.substr(0, percent));
  if (!address || address->is_v4()) return false;
  if (percent == std::string_view::npos) return true;
  const std::string_view zone = text.substr(percent + 1);
  return !zone.empty() && zone.size() <= 15 && zone.front() != '-' && consists_of(zone, "._-");
}

Result<std::uint16_t> parse_port(std::string_view whole, std::string_view digits) {
  const auto port = parse_number<std::uint16_t>(digits);
  if (!port || *port == 0) return wrong(whole, "a port is a number from 1 to 65535");
  return *port;
}

Result<void> check_user(std::string_view whole, std::string_view user) {
  if (user.empty()) return wrong(whole, "nothing stands before the '@'");
  if (!guard<Guard::kDestination>(user.front() != '-')) return wrong(whole, "a user cannot begin with '-'");
  if (!guard<Guard::kDestination>(user.size() <= kMaxUser && consists_of(user, "._-+@")))
    return wrong(whole, "a user consists of letters, digits and . _ - + @");
  return {};
}

Result<void> check_host(std::string_view whole, std::string_view host) {
  if (host.empty()) return wrong(whole, "the host is missing, as in root@gateway.example");
  if (!guard<Guard::kDestination>(host.front() != '-')) return wrong(whole, "a host cannot begin with '-'");
  if (host.contains(':'))
    return wrong(whole, "an IPv6 address stands in brackets, as in [2001:db8::1]; a port goes with -p");
  if (!guard<Guard::kDestination>(host.size() <= kMaxHost && consists_of(host, "._-")))
    return wrong(whole, "a host consists of letters, digits and . _ -");
  return {};
}

}  // namespace

std::string Destination::to_string() const {
  std::string text = user.empty() ? "" : user + "@";
  text += host.contains(':') ? "[" + host + "]" : host;
  if (port) text += ":" + std::to_string(*port);
  return text;
}

Result<Destination> parse_destination(std::string_view text) {
  Destination destination;
  std::string_view rest = text;
  const bool is_url = rest.starts_with(kScheme);
  if (is_url) {
    rest.remove_prefix(kScheme.size());
    if (rest.ends_with('/')) rest.remove_suffix(1);
  }

  // The last '@': a user may hold one itself (user@realm).
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    TRY(check_user(text, rest.substr(0, at)));
    destination.user = rest.substr(0, at);
    rest.remove_prefix(at + 1);
  }

  std::string_view port;
  if (rest.starts_with('[')) {
    const std::size_t close = rest.find(']');
    const std::string_view host = rest.substr(1, close == std::string_view::npos ? 0 : close - 1);
    if (!is_ipv6(host)) return wrong(text, "between brackets stands an IPv6 address");
    destination.host = host;
    port = rest.substr(close + 1);
    if (!port.empty() && (!is_url || port.front() != ':')) return wrong(text, "text after the ']'");
  } else {
    const std::size_t colon = is_url ? rest.find(':') : std::string_view::npos;
    if (colon != std::string_view::npos) port = rest.substr(colon);
    const std::string_view host = rest.substr(0, colon);
    TRY(check_host(text, host));
    destination.host = host;
  }
  if (!port.empty()) destination.port = TRY(parse_port(text, port.substr(1)));
  return destination;
}

}  // namespace isthmus::config
