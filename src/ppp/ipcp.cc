#include "ppp/ipcp.h"

#include <fmt/format.h>

#include <utility>

#include "base/guard.h"

namespace isthmus::ppp {
namespace {

constexpr std::uint8_t kIpAddresses = 1;  // deprecated by RFC 1332 section 3.1
constexpr std::uint8_t kIpCompression = 2;
constexpr std::uint8_t kIpAddress = 3;
constexpr std::uint8_t kPrimaryDns = 129;
constexpr std::uint8_t kPrimaryWins = 130;
constexpr std::uint8_t kSecondaryDns = 131;
constexpr std::uint8_t kSecondaryWins = 132;

std::optional<IpAddress> address_in(const Option& option) {
  if (option.value.size() != 4) return std::nullopt;
  const Result<IpAddress> address = IpAddress::from_octets(option.value);
  return address ? std::optional(*address) : std::nullopt;
}

Bytes value_of(const IpAddress& address) {
  return {address.octets().begin(), address.octets().end()};
}

std::string_view label(std::uint8_t type) {
  switch (type) {
    case kIpAddresses:
      return "addresses of both ends (deprecated)";
    case kIpCompression:
      return "header compression";
    case kIpAddress:
      return "address";
    case kPrimaryDns:
      return "first DNS server";
    case kSecondaryDns:
      return "second DNS server";
    case kPrimaryWins:
      return "first WINS server";
    case kSecondaryWins:
      return "second WINS server";
    default:
      return {};
  }
}

}  // namespace

IpcpPolicy::IpcpPolicy(NetworkOptions options, const AddressPolicy& policy)
    : options_(std::move(options)), policy_(policy) {
  reset();
}

Result<Ipv4Up> IpcpPolicy::agreement() const {
  if (local_.is_unspecified()) return fail(Error::Code::kRefused, "the peer gave us no IPv4 address");
  // Neither end may go on with addresses the other has not heard of or has refused.
  if (has_refused_peer()) {
    return fail(
        Error::Code::kRefused,
        fmt::format("the peer wants to be {} and nothing else: not permitted here", refused_->to_string()));
  }
  if (remote_.is_unspecified())
    return fail(Error::Code::kRefused, "the peer names no IPv4 address of its own");
  if (remote_ == local_) {
    return fail(Error::Code::kRefused, fmt::format("both ends claim the address {}", local_.to_string()));
  }
  Ipv4Up up{local_, remote_, {}};
  for (const DnsWish& wish : dns_)
    if (wish.is_asked && !wish.server.is_unspecified()) up.dns.push_back(wish.server);
  return up;
}

void IpcpPolicy::reset() {
  local_ = options_.local_ipv4.value_or(IpAddress());
  remote_ = IpAddress();
  refused_.reset();
  has_rejected_address_ = false;
  dns_.fill({options_.ask_for_dns, IpAddress()});
}

void IpcpPolicy::append_request(Bytes& out) {
  append_option(kIpAddress, value_of(local_), out);
  if (dns_[0].is_asked) append_option(kPrimaryDns, value_of(dns_[0].server), out);
  if (dns_[1].is_asked) append_option(kSecondaryDns, value_of(dns_[1].server), out);
}

Judgement IpcpPolicy::judge(const Option& option) {
  if (option.type == kIpAddress) return judge_address(option);
  if (option.type == kPrimaryDns || option.type == kSecondaryDns) return judge_dns(option);
  return Judgement::reject();
}

Judgement IpcpPolicy::judge_address(const Option& option) {
  const std::optional<IpAddress> address = address_in(option);
  if (address && may_be_remote(*address)) return Judgement::ack();
  if (address && !address->is_unspecified()) refused_ = address;
  const std::optional<IpAddress>& ours = options_.remote_ipv4;
  // To suggest what was just refused would go round in circles.
  has_rejected_address_ = !ours || *ours == local_ || address == ours;
  if (has_rejected_address_) return Judgement::reject();
  return Judgement::nak(value_of(*ours));
}

bool IpcpPolicy::may_be_remote(const IpAddress& address) const {
  const bool is_anothers = address.is_unicast_host() && address != local_;
  const bool is_permitted =
      address == options_.remote_ipv4 || (options_.accept_remote_ipv4 && policy_.permits_remote(address));
  return guard<Guard::kRemoteAddress>(is_anothers && is_permitted);
}

Judgement IpcpPolicy::judge_dns(const Option& option) const {
  const std::size_t place = option.type == kPrimaryDns ? 0 : 1;
  if (place >= options_.dns_to_offer.size()) return Judgement::reject();
  const IpAddress& server = options_.dns_to_offer[place];
  if (!server.is_v4()) return Judgement::reject();
  return address_in(option) == server ? Judgement::ack() : Judgement::nak(value_of(server));
}

void IpcpPolicy::append_missing(const std::vector<Option>& request, Bytes& out) {
  // RFC 1661 section 5.4: what was rejected must not be asked for again.
  if (has_rejected_address_ || contains(request, kIpAddress)) return;
  // RFC 1332 section 3.3: an address that would do, or zeros: "tell us yours".
  append_option(kIpAddress, value_of(options_.remote_ipv4.value_or(IpAddress())), out);
}

void IpcpPolicy::grant(const std::vector<Option>& request) {
  remote_ = IpAddress();
  for (const Option& option : request)
    if (option.type == kIpAddress) remote_ = address_in(option).value_or(IpAddress());
}

Result<void> IpcpPolicy::nakked(const std::vector<Option>& suggested) {
  for (const Option& option : suggested) {
    const std::optional<IpAddress> address = address_in(option);
    if (!address) continue;
    if (option.type == kIpAddress && !address->is_unspecified()) TRY(take_local(*address));
    DnsWish* const wish = dns_wish(option.type);
    if (wish == nullptr || !wish->is_asked) continue;
    wish->is_asked = address->is_unicast_host();
    wish->server = *address;
  }
  return {};
}

Result<void> IpcpPolicy::take_local(const IpAddress& suggested) {
  // A peer may insist on nothing: with an address of our own we ask again, and Max-Failure ends it.
  if (options_.local_ipv4 && !options_.accept_local_ipv4) return {};
  const bool is_anothers = suggested.is_unicast_host() && suggested != remote_;
  if (!guard<Guard::kLocalAddress>(is_anothers && policy_.permits_local(suggested))) {
    return fail(
        Error::Code::kRefused,
        fmt::format("the peer assigns us the address {}, which is not permitted", suggested.to_string()));
  }
  local_ = suggested;
  return {};
}

Result<void> IpcpPolicy::rejected(const std::vector<Option>& refused) {
  if (contains(refused, kPrimaryDns)) dns_[0].is_asked = false;
  if (contains(refused, kSecondaryDns)) dns_[1].is_asked = false;
  if (!contains(refused, kIpAddress)) return {};
  if (local_.is_unspecified()) return fail(Error::Code::kRefused, "the peer has no IPv4 address for us");
  return fail(Error::Code::kRefused, fmt::format("the peer refuses our address {}", local_.to_string()));
}

std::string IpcpPolicy::describe(const Option& option) const {
  const std::string_view name = label(option.type);
  if (name.empty()) return describe_unknown(option);
  const std::optional<IpAddress> address = address_in(option);
  if (!address || option.type == kIpCompression) return std::string(name);
  return fmt::format("{} {}", name, address->to_string());
}

IpcpPolicy::DnsWish* IpcpPolicy::dns_wish(std::uint8_t type) {
  if (type == kPrimaryDns) return &dns_[0];
  return type == kSecondaryDns ? &dns_[1] : nullptr;
}

}  // namespace isthmus::ppp
