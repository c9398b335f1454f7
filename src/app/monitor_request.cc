#include "app/monitor_request.h"

#include "app/request_octets.h"

namespace isthmus::app {

template <typename Archive>
void each_field(Archive& archive, session::Hello& hello) {
  archive(hello.node, hello.host, hello.name, hello.is_caller, hello.plan_only, hello.offers, hello.wants);
}

template <typename Archive>
void each_field(Archive& archive, LookForRivals& request) {
  archive(request.leg, request.host);
}
template <typename Archive>
void each_field(Archive& archive, FindTwin& request) {
  archive(request.node);
}
template <typename Archive>
void each_field(Archive& archive, AskEndpoints& request) {
  archive(request.leg);
}
template <typename Archive>
void each_field(Archive& archive, ReadOuter& request) {
  archive(request.session);
}
template <typename Archive>
void each_field(Archive& archive, Judged& request) {
  archive(request.leg, request.hello);
}
template <typename Archive>
void each_field(Archive& archive, AgreedIpv4& ipv4) {
  archive(ipv4.local, ipv4.remote);
}
template <typename Archive>
void each_field(Archive& archive, AgreedIpv6& ipv6) {
  archive(ipv6.local, ipv6.remote);
}
template <typename Archive>
void each_field(Archive& archive, Join& request) {
  archive(request.leg, request.accepted, request.offered, request.ipv4, request.ipv6);
}
template <typename Archive>
void each_field(Archive& archive, OpenTunnel& request) {
  archive(request.mtu, request.queues);
}
template <typename Archive>
void each_field(Archive& archive, ChangeMtu& request) {
  archive(request.mtu);
}
template <typename Archive>
void each_field(Archive& archive, OpenSockets& request) {
  archive(request.leg, request.count);
}
template <typename Archive>
void each_field(Archive& archive, EndLeg& request) {
  archive(request.leg);
}
template <typename Archive>
void each_field(Archive& archive, PassOn& request) {
  archive(request.session, request.leg);
}
template <typename Archive>
void each_field(Archive& archive, Note& note) {
  archive(note.phase, note.peer_name, note.peer_host, note.peer_node, note.proof, note.accepted, note.offered,
          note.local_ipv4, note.remote_ipv4, note.mtu, note.up_since);
}
template <typename Archive>
void each_field(Archive& archive, TellProven& request) {
  archive(request.exit_code);
}

namespace {

// Of a list of prefixes in a Hello, and of every text.
constexpr std::size_t kMostElements = 64;
static_assert(session::kMaxPrefixes <= kMostElements && session::kMaxName <= kMostElements);

}  // namespace

Result<RequestOctets> encode_monitor_request(const MonitorRequest& request) {
  Result<RequestOctets> octets = encode_request<kRequestSize>(request);
  if (!octets) octets.error().message.insert(0, "ask the monitor: ");
  return octets;
}

Result<MonitorRequest> decode_monitor_request(ConstBytes octets) {
  return decode_request<kRequestSize, MonitorRequest>(octets, kMostElements);
}

}  // namespace isthmus::app
