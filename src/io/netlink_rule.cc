#include <linux/fib_rules.h>

#include "base/check.h"
#include "io/netlink.h"
#include "io/netlink_message.h"

namespace isthmus::io {
namespace {

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
  return message;
}

std::optional<std::uint16_t> single_port(const Attributes<FRA_MAX>& attributes) {
  if (attributes.octets(FRA_DPORT_RANGE).size() != sizeof(fib_rule_port_range)) return std::nullopt;
  const auto& range = *static_cast<const fib_rule_port_range*>(nla_data(attributes.raw(FRA_DPORT_RANGE)));
  return range.start == range.end ? std::optional{range.start} : std::nullopt;
}

std::optional<RuleChange> ours_from(nlmsghdr& message) {
  const auto& header = *static_cast<const fib_rule_hdr*>(nlmsg_data(&message));
  const Attributes<FRA_MAX> attributes(message, sizeof header);
  if (header.action != FR_ACT_TO_TBL || attributes.u8(FRA_PROTOCOL) != kRouteProtocol) return std::nullopt;
  RuleChange rule;
  rule.family = header.family == AF_INET ? Family::kIpv4 : Family::kIpv6;
  rule.priority = attributes.u32(FRA_PRIORITY);
  rule.table = attributes.u32(FRA_TABLE);
  if (attributes.has(FRA_DST)) rule.to = prefix_of(header.family, attributes.octets(FRA_DST), header.dst_len);
  if (attributes.has(FRA_IP_PROTO)) rule.ip_protocol = attributes.u8(FRA_IP_PROTO);
  rule.destination_port = single_port(attributes);
  return rule;
}

Result<std::vector<RuleChange>> our_rules(nl_sock& socket, Family family) {
  std::vector<RuleChange> rules;
  const auto query = [&] {
    fib_rule_hdr header{};
    header.family = static_cast<std::uint8_t>(address_family(family));
    return new_message(RTM_GETRULE, NLM_F_DUMP, header);
  };
  TRY(dump(
      socket, query, [&] { rules.clear(); },
      [&](nlmsghdr& message) {
        if (const auto rule = ours_from(message)) rules.push_back(*rule);
      }));
  return rules;
}

// Whether a request to delete `wish` could hit `other`: the kernel takes what a request leaves out as "any".
bool could_hit(const RuleChange& wish, const RuleChange& other) {
  return wish.priority == other.priority && wish.table == other.table && (!wish.to || wish.to == other.to) &&
         (!wish.ip_protocol || wish.ip_protocol == other.ip_protocol) &&
         (!wish.destination_port || wish.destination_port == other.destination_port);
}

}  // namespace

Result<bool> Netlink::has(const RuleChange& change) {
  for (const RuleChange& rule : TRY(our_rules(*socket_, change.family))) {
    if (rule == change) return true;
  }
  return false;
}

Result<void> Netlink::add(const RuleChange& change) {
  Result<void> added = request(*socket_, message_for(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, change),
                               "add " + describe(change));
  if (added || added.error().code != Error::Code::kExists) return added;
  if (TRY(has(change))) return {};
  return fail(Error::Code::kExists, "add " + describe(change) + ": there is the same rule, not from us");
}

Result<void> Netlink::remove(const RuleChange& change) {
  const std::vector<RuleChange> before = TRY(our_rules(*socket_, change.family));
  bool is_there = false;
  std::vector<RuleChange> narrower;
  for (const RuleChange& rule : before) {
    if (rule == change) is_there = true;
    if (rule != change && could_hit(change, rule)) narrower.push_back(rule);
  }
  if (!is_there) return {};

  // The kernel deletes the first rule that fits. Narrower ones step aside and come back, so that what goes is
  // exactly what was asked for.
  for (const RuleChange& rule : narrower) TRY(remove(rule));
  Result<void> removed = request(*socket_, message_for(RTM_DELRULE, 0, change), "remove " + describe(change));
  for (const RuleChange& rule : narrower) TRY(add(rule));
  if (!removed && removed.error().code == Error::Code::kNotFound) return {};
  return removed;
}

}  // namespace isthmus::io
