// What the monitor answers its engine. An answer may be long, and hold what the machine is like: the engine
// believes it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/monitor_request.h"
#include "app/octet_reader.h"
#include "config/ssh_failure.h"
#include "io/child_process.h"
#include "io/firewall_facts.h"
#include "io/host_applier.h"
#include "net/host_facts.h"

namespace isthmus::app {

// The first octet of an answer: whether the rest of it follows, or is in the memory beside it.
inline constexpr std::uint8_t kAnswerFollows = 0, kAnswerIsBeside = 1;

struct Begun {  // unasked, first of all
  std::uint32_t slot = 0;
  session::HostId host{};
  session::NodeId node{};
  std::int64_t monitor = 0;  // its process
};
struct Rivals {
  std::string yield_to;  // the session that has the better right to this peer, or nothing
  HostFacts facts;       // read again, without what sessions still have that give way to this one
};
struct LegEndpoints {
  std::vector<Endpoint> outer;  // jump hosts included
  std::vector<Endpoint> own;    // those that ssh holds itself
};
struct OpenedTunnel {
  std::string name;
  std::uint32_t index = 0;
  std::uint8_t offloads = 0;  // io::TunOffloads
};
struct Dialled {
  LegId leg = 0;
  std::optional<config::SshDiagnosis> why_not;
};

template <typename Archive>
void each_field(Archive& archive, Error& error) {
  archive(error.code, error.os_errno, error.message);
}
template <typename Archive>
void each_field(Archive& archive, io::ExitStatus& status) {
  archive(status.kind, status.value);
}
template <typename Archive>
void each_field(Archive& archive, InterfaceFacts::Assigned& assigned) {
  archive(assigned.address, assigned.prefix_length);
}
template <typename Archive>
void each_field(Archive& archive, InterfaceFacts& facts) {
  archive(facts.name, facts.is_up, facts.is_loopback, facts.is_point_to_point, facts.addresses, facts.mtu);
}
template <typename Archive>
void each_field(Archive& archive, RouteFacts& facts) {
  archive(facts.destination, facts.interface, facts.gateway, facts.table, facts.protocol);
}
template <typename Archive>
void each_field(Archive& archive, NeighbourFacts& facts) {
  archive(facts.interface, facts.address, facts.is_reachable);
}
template <typename Archive>
void each_field(Archive& archive, HostFacts& facts) {
  archive(facts.interfaces, facts.routes, facts.fallbacks, facts.neighbours, facts.proxied, facts.sysctls);
}
template <typename Archive>
void each_field(Archive& archive, io::FirewallListing& listing) {
  archive(listing.nft, listing.legacy, listing.has_unreadable_legacy);
}
template <typename Archive>
void each_field(Archive& archive, io::HostApplier::PutBack& put_back) {
  archive(put_back.restored, put_back.failures);
}
template <typename Archive>
void each_field(Archive& archive, Begun& begun) {
  archive(begun.slot, begun.host, begun.node, begun.monitor);
}
template <typename Archive>
void each_field(Archive& archive, Rivals& rivals) {
  archive(rivals.yield_to, rivals.facts);
}
template <typename Archive>
void each_field(Archive& archive, LegEndpoints& endpoints) {
  archive(endpoints.outer, endpoints.own);
}
template <typename Archive>
void each_field(Archive& archive, OpenedTunnel& tunnel) {
  archive(tunnel.name, tunnel.index, tunnel.offloads);
}
template <typename Archive>
void each_field(Archive& archive, config::SshDiagnosis& diagnosis) {
  archive(diagnosis.failure, diagnosis.what, diagnosis.remedy);
}
template <typename Archive>
void each_field(Archive& archive, Dialled& dialled) {
  archive(dialled.leg, dialled.why_not);
}

// An answer is whether it was done, and then what was asked for, or why not.
template <typename T>
Bytes encode_reply(const Result<T>& result) {
  Bytes octets;
  OctetWriter writer{octets};
  writer(result.has_value());
  if (!result) writer(result.error());
  if constexpr (!std::is_void_v<T>) {
    if (result) writer(*result);
  }
  return octets;
}

template <typename T>
Result<T> decode_reply_octets(ConstBytes octets) {
  constexpr std::size_t kMostElements = 1U << 24;  // routes of a machine that has all of them
  OctetReader reader{octets, kMostElements};
  bool is_done = false;
  reader(is_done);
  Error error;
  if (!is_done) reader(error);
  if (!reader.ok()) return fail(Error::Code::kProtocol, "the monitor's answer is damaged");
  if (!is_done) return std::unexpected(std::move(error));
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    T value{};
    reader(value);
    if (!reader.ok()) return fail(Error::Code::kProtocol, "the monitor's answer is damaged");
    return value;
  }
}

}  // namespace isthmus::app
