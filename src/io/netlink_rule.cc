#include <linux/fib_rules.h>

#include <algorithm>

#include "base/check.h"
#include "io/netlink.h"
#include "io/netlink_message.h"

namespace isthmus::io {
namespace {

constexpr std::uint32_t kWholeMark = 0xffffffff;

NetlinkMessage message_for(int type, int flags, const RuleChange& change) {
  fib_rule_hdr header{};
  header.family = static_cast<std::uint8_t>(address_family(change.family));
  header.action = FR_ACT_TO_TBL;
  if (change.to) header.dst_len = static_cast<std::uint8_t>(change.to->length());
  NetlinkMessage message = new_message(type, flags, header);
  put_u32(*message, FRA_PRIORITY, change.priority);
  put_u32(*message, FRA_TABLE, change.table);
  put_u8(*message, FRA_PROTOCOL, kRouteProtocol);
  if (change.to) put_octets(*message, FRA_DST, change.to->address().octets());
  if (change.ip_protocol) put_u8(*message, FRA_IP_PROTO, *change.ip_protocol);
  if (change.destination_port) {
    const fib_rule_port_range range{*change.destination_port, *change.destination_port};
    CHECK(nla_put(message.get(), FRA_DPORT_RANGE, sizeof range, &range) == 0);
  }
  if (change.mark) {
    put_u32(*message, FRA_FWMARK, *change.mark);
    put_u32(*message, FRA_FWMASK, kWholeMark);
  }
  return message;
}

std::optional<std::uint16_t> single_port(const Attributes<FRA_MAX>& attributes) {
  if (attributes.octets(FRA_DPORT_RANGE).size() != sizeof(fib_rule_port_range)) return std::nullopt;
  const auto& range = *static_cast<const fib_rule_port_range*>(nla_data(attributes.raw(FRA_DPORT_RANGE)));
  return range.start == range.end ? std::optional{range.start} : std::nullopt;
}

// Everything but the protocol number is in `rule`.
struct KernelRule {
  RuleChange rule;
  bool is_ours = false;
};

std::optional<KernelRule> rule_from(nlmsghdr& message) {
  const auto& header = *static_cast<const fib_rule_hdr*>(nlmsg_data(&message));
  const Attributes<FRA_MAX> attributes(message, sizeof header);
  if (header.action != FR_ACT_TO_TBL) return std::nullopt;
  RuleChange rule;
  rule.family = header.family == AF_INET ? Family::kIpv4 : Family::kIpv6;
  rule.priority = attributes.u32(FRA_PRIORITY);
  rule.table = attributes.u32(FRA_TABLE);
  if (attributes.has(FRA_DST)) rule.to = prefix_of(header.family, attributes.octets(FRA_DST), header.dst_len);
  if (attributes.has(FRA_IP_PROTO)) rule.ip_protocol = attributes.u8(FRA_IP_PROTO);
  rule.destination_port = single_port(attributes);
  if (attributes.has(FRA_FWMARK) && attributes.u32(FRA_FWMASK) == kWholeMark)
    rule.mark = attributes.u32(FRA_FWMARK);
  return KernelRule{rule, attributes.u8(FRA_PROTOCOL) == kRouteProtocol};
}

Result<std::vector<KernelRule>> read_rules(RtnetlinkSocket& socket, Family family) {
  std::vector<KernelRule> rules;
  const auto query = [&] {
    fib_rule_hdr header{};
    header.family = static_cast<std::uint8_t>(address_family(family));
    return new_message(RTM_GETRULE, NLM_F_DUMP, header);
  };
  TRY(dump(
      socket, query, [&] { rules.clear(); },
      [&](nlmsghdr& message) {
        if (const auto rule = rule_from(message)) rules.push_back(*rule);
      }));
  return rules;
}

// Whether a request to delete `wish` could hit `other`: the kernel takes what a request leaves out as "any".
bool could_hit(const RuleChange& wish, const RuleChange& other) {
  return wish.priority == other.priority && wish.table == other.table && (!wish.to || wish.to == other.to) &&
         (!wish.ip_protocol || wish.ip_protocol == other.ip_protocol) &&
         (!wish.destination_port || wish.destination_port == other.destination_port) &&
         (!wish.mark || wish.mark == other.mark);
}

}  // namespace

Result<bool> Netlink::has(const RuleChange& change) {
  const std::vector<KernelRule> rules = TRY(read_rules(socket_, change.family));
  return std::any_of(rules.begin(), rules.end(),
                     [&](const KernelRule& other) { return other.is_ours && other.rule == change; });
}

Result<void> Netlink::add(const RuleChange& change) {
  for (const KernelRule& other : TRY(read_rules(socket_, change.family))) {
    if (other.rule != change) continue;
    if (other.is_ours) return {};
    return fail(Error::Code::kExists, "add " + describe(change) + ": there is the same rule, not from us");
  }
  // Not NLM_F_EXCL: by that the kernel would also refuse a rule because of a narrower one of its priority.
  return request(socket_, message_for(RTM_NEWRULE, NLM_F_CREATE, change), "add " + describe(change));
}

Result<void> Netlink::remove(const RuleChange& change) {
  bool is_there = false;
  std::vector<RuleChange> narrower;
  for (const KernelRule& other : TRY(read_rules(socket_, change.family))) {
    if (!other.is_ours) continue;
    if (other.rule == change) is_there = true;
    if (other.rule != change && could_hit(change, other.rule)) narrower.push_back(other.rule);
  }
  if (!is_there) return {};

  // The kernel deletes the first rule that fits. Narrower ones step aside and come back, so that what goes is
  // exactly what was asked for.
  for (const RuleChange& rule : narrower) TRY(remove(rule));
  Result<void> removed = request(socket_, message_for(RTM_DELRULE, 0, change), "remove " + describe(change));
  for (const RuleChange& rule : narrower) TRY(add(rule));
  if (!removed && removed.error().code == Error::Code::kNotFound) return {};
  return removed;
}

}  // namespace isthmus::io
