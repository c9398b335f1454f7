#include "app/monitor_request.h"

#include <algorithm>
#include <utility>

#include "app/octet_reader.h"
#include "base/guard.h"

namespace isthmus::app {

template <typename Archive>
void each_field(Archive& archive, session::Hello& hello) {
  archive(hello.node, hello.host, hello.name, hello.is_caller, hello.plan_only, hello.offers, hello.wants);
}

template <typename Archive, typename Request>
  requires std::is_empty_v<Request>
void each_field(Archive&, Request&) {}

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

template <std::size_t... kIndex>
std::optional<MonitorRequest> request_of_kind(std::size_t kind, std::index_sequence<kIndex...>) {
  std::optional<MonitorRequest> request;
  std::ignore = ((kind == kIndex && (request.emplace(std::in_place_index<kIndex>), true)) || ...);
  return request;
}

}  // namespace

Result<RequestOctets> encode_monitor_request(const MonitorRequest& request) {
  Bytes octets;
  OctetWriter writer{octets};
  writer(request.index());
  std::visit([&](const auto& what) { writer(what); }, request);
  RequestOctets whole{};
  if (octets.size() > whole.size())
    return fail(Error::Code::kInvalid, "ask the monitor: the request is too long");
  std::ranges::copy(octets, whole.begin());
  return whole;
}

Result<MonitorRequest> decode_monitor_request(ConstBytes octets) {
  if (!guard<Guard::kRequestSize>(octets.size() == kRequestSize))
    return fail(Error::Code::kProtocol, "a request of another size");
  OctetReader reader{octets, kMostElements};
  std::size_t kind = 0;
  reader(kind);
  constexpr auto kKinds = std::make_index_sequence<std::variant_size_v<MonitorRequest>>{};
  std::optional<MonitorRequest> request = request_of_kind(kind, kKinds);
  if (!request) return fail(Error::Code::kProtocol, "a request of no known kind");
  std::visit([&](auto& what) { reader(what); }, *request);
  const ConstBytes rest = reader.rest();
  const bool is_padded = std::ranges::all_of(rest, [](std::uint8_t octet) { return octet == 0; });
  if (!guard<Guard::kRequestFields>(reader.ok() && is_padded))
    return fail(Error::Code::kProtocol, "a request with a field out of its range");
  return std::move(*request);
}

}  // namespace isthmus::app
