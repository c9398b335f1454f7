// What an engine that somebody else has taken over may say to its monitor: requests at random, of values that
// mean something as often as not, and those said before, again.
#pragma once

#include <array>
#include <random>
#include <vector>

#include "app/monitor_request.h"

namespace isthmus::app::testing {

class RandomRequests {
 public:
  explicit RandomRequests(std::uint64_t seed) : random_(seed) {}

  // One in eight has been said before; of the others one in eight is damaged.
  RequestOctets next() {
    if (!said_.empty() && below(8) == 0) return said_[below(said_.size())];
    RequestOctets octets = encode_monitor_request(request()).value_or(RequestOctets{});
    if (below(8) == 0) octets[below(64)] = static_cast<std::uint8_t>(below(256));
    if (said_.size() < kKept) said_.push_back(octets);
    return octets;
  }

  // Those that policy is to permit come first.
  static constexpr std::array kPrefixes{
      "10.2.0.0/24",  "2001:db8:2::/64", "10.1.0.0/24", "0.0.0.0/0",      "::/0",           "0.0.0.0/1",
      "128.0.0.0/1",  "127.0.0.0/8",     "10.2.0.0/16", "10.2.0.0/25",    "169.254.0.0/16", "224.0.0.0/4",
      "192.0.2.7/32", "10.1.0.1/32",     "fe80::/10",   "2001:db8:1::/64"};
  static constexpr std::array kAddresses{"10.1.0.1", "10.2.0.1",  "10.2.0.77", "127.0.0.1",       "0.0.0.0",
                                         "10.1.0.9", "224.0.0.1", "192.0.2.7", "255.255.255.255", "::1"};

 private:
  static constexpr std::size_t kKept = 512;

  std::size_t below(std::size_t most) { return random_() % most; }
  LegId leg() { return static_cast<LegId>(below(4)); }
  IpAddress address() { return IpAddress::parse(kAddresses[below(kAddresses.size())]).value(); }
  std::vector<Prefix> prefixes() {
    std::vector<Prefix> some;
    for (std::size_t left = below(4); left > 0; --left)
      some.push_back(Prefix::parse(kPrefixes[below(2) == 0 ? below(3) : below(kPrefixes.size())]).value());
    return some;
  }
  static Prefix prefix(const char* text) { return Prefix::parse(text).value(); }
  // What policy permits, so that there is something to lose.
  static session::Hello good_hello() {
    session::Hello hello;
    hello.is_caller = true;
    hello.offers = {prefix("10.2.0.0/24"), prefix("2001:db8:2::/64")};
    hello.wants = {prefix("10.1.0.0/24")};
    return hello;
  }
  Join good_join() {
    return {.leg = leg(),
            .accepted = {prefix("10.2.0.0/24")},
            .offered = {prefix("10.1.0.0/24")},
            .ipv4 = AgreedIpv4{IpAddress::parse("10.1.0.1").value(), IpAddress::parse("10.2.0.1").value()},
            .ipv6 = {}};
  }
  session::Hello hello() {
    if (below(2) == 0) return good_hello();
    return {.node = {static_cast<std::uint8_t>(below(4))},
            .host = {static_cast<std::uint8_t>(below(4))},
            .name = "peer",
            .is_caller = below(4) != 0,
            .plan_only = below(8) == 0,
            .offers = prefixes(),
            .wants = prefixes()};
  }
  Join join() {
    if (below(4) == 0) return good_join();
    Join join{.leg = leg(), .accepted = prefixes(), .offered = prefixes(), .ipv4 = {}, .ipv6 = {}};
    if (below(4) != 0) join.ipv4 = AgreedIpv4{address(), address()};
    if (below(4) != 0) join.ipv6 = AgreedIpv6{below(3), below(3)};
    return join;
  }
  static Note note() {
    Note note;
    note.phase = "up";
    note.peer_name = "peer";
    note.accepted = {"10.0.0.0/8"};
    return note;
  }
  MonitorRequest request() {
    switch (below(20)) {
      case 0:
        return ReadFacts{};
      case 1:
        return LookForRivals{leg(), {static_cast<std::uint8_t>(below(4))}};
      case 2:
        return FindTwin{{static_cast<std::uint8_t>(below(4))}};
      case 3:
        return AskEndpoints{leg()};
      case 4:
        return ReadOuter{below(2) == 0 ? "../../etc/passwd" : "office"};
      case 5:
      case 6:
        return Judged{leg(), below(8) == 0 ? std::nullopt : std::optional{hello()}};
      case 7:
      case 8:
      case 9:
        return join();
      case 10:
        return Suspend{};
      case 11:
        return Resume{};
      case 12:
        return OpenTunnel{static_cast<int>(below(70'000)), static_cast<std::uint8_t>(below(12))};
      case 13:
        return ChangeMtu{static_cast<int>(below(70'000)) - 100};
      case 14:
        return OpenSockets{leg(), static_cast<std::uint8_t>(below(12))};
      case 15:
        return below(64) != 0 ? MonitorRequest{DialSsh{}} : MonitorRequest{EndLeg{leg()}};
      case 16:
        return PassOn{below(2) == 0 ? "../x" : "office", leg()};
      case 17:
        return PutBack{};
      case 18:
        return below(8) == 0 ? MonitorRequest{ReadFirewall{}}
                             : MonitorRequest{TellProven{static_cast<std::uint8_t>(below(256))}};
      default:
        return note();
    }
  }

  std::mt19937_64 random_;
  std::vector<RequestOctets> said_;
};

}  // namespace isthmus::app::testing
