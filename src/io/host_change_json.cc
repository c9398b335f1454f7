#include "io/host_change_json.h"

#include <limits>
#include <nlohmann/json.hpp>

namespace isthmus::io {
namespace {

using Json = nlohmann::json;

std::string_view name_of(RouteKind kind) {
  switch (kind) {
    case RouteKind::kUnicast:
      return "unicast";
    case RouteKind::kUnreachable:
      return "unreachable";
    case RouteKind::kThrow:
      return "throw";
  }
  return {};
}

Json encode(const AddressChange& c) {
  Json out{{"kind", "address"}, {"interface", c.interface}, {"local", c.local.to_string()}};
  out["prefix_length"] = c.prefix_length;
  if (c.peer) out["peer"] = c.peer->to_string();
  return out;
}

Json encode(const RouteChange& c) {
  Json out{{"kind", "route"}, {"destination", c.destination.to_string()}, {"type", name_of(c.kind)}};
  out["interface"] = c.interface;
  out["table"] = c.table;
  out["metric"] = c.metric;
  if (c.source) out["source"] = c.source->to_string();
  return out;
}

Json encode(const RuleChange& c) {
  Json out{{"kind", "rule"}, {"family", c.family == Family::kIpv4 ? 4 : 6}};
  out["priority"] = c.priority;
  out["table"] = c.table;
  if (c.to) out["to"] = c.to->to_string();
  if (c.ip_protocol) out["ip_protocol"] = *c.ip_protocol;
  if (c.destination_port) out["destination_port"] = *c.destination_port;
  if (c.mark) out["mark"] = *c.mark;
  return out;
}

Json encode(const SysctlChange& c) {
  return {{"kind", "sysctl"}, {"key", c.key}, {"value", c.value}};
}

Json encode(const NftTableChange& c) {
  return {{"kind", "nft"}, {"name", c.name}, {"body", c.body}};
}

Json encode(const ProxyNeighbourChange& c) {
  return {{"kind", "proxy"}, {"interface", c.interface}, {"address", c.address.to_string()}};
}

// Reads the fields of one object; what is missing or out of range fails sticky, like ByteReader.
class Fields {
 public:
  explicit Fields(const Json& object) : object_(object) {}

  [[nodiscard]] bool has(const char* key) const { return object_.contains(key); }
  [[nodiscard]] bool ok() const { return ok_; }

  std::string text(const char* key) {
    const auto found = object_.find(key);
    if (found != object_.end() && found->is_string()) return found->get<std::string>();
    ok_ = false;
    return {};
  }

  template <typename Number>
  Number number(const char* key) {
    const auto found = object_.find(key);
    if (found != object_.end() && found->is_number_unsigned()) {
      const auto value = found->get<std::uint64_t>();
      if (value <= std::uint64_t{std::numeric_limits<Number>::max()}) return static_cast<Number>(value);
    }
    ok_ = false;
    return {};
  }

  template <typename T>
  T parsed(const char* key) {
    Result<T> value = T::parse(text(key));
    if (value) return *value;
    ok_ = false;
    return {};
  }

  template <typename T>
  std::optional<T> optional_parsed(const char* key) {
    if (!has(key)) return std::nullopt;
    return parsed<T>(key);
  }

  void reject() { ok_ = false; }

 private:
  const Json& object_;
  bool ok_ = true;
};

AddressChange decode_address(Fields& in) {
  AddressChange out{in.text("interface"), in.parsed<IpAddress>("local"), 0,
                    in.optional_parsed<IpAddress>("peer")};
  out.prefix_length = in.number<std::uint8_t>("prefix_length");
  if (out.prefix_length > out.local.bits()) in.reject();
  return out;
}

RouteKind decode_route_kind(Fields& in) {
  const std::string type = in.text("type");
  for (const RouteKind kind : {RouteKind::kUnicast, RouteKind::kUnreachable, RouteKind::kThrow}) {
    if (type == name_of(kind)) return kind;
  }
  in.reject();
  return RouteKind::kUnicast;
}

RouteChange decode_route(Fields& in) {
  RouteChange out;
  out.destination = in.parsed<Prefix>("destination");
  out.kind = decode_route_kind(in);
  out.interface = in.text("interface");
  out.source = in.optional_parsed<IpAddress>("source");
  out.table = in.number<std::uint32_t>("table");
  out.metric = in.number<std::uint32_t>("metric");
  return out;
}

RuleChange decode_rule(Fields& in) {
  RuleChange out;
  const auto family = in.number<std::uint8_t>("family");
  if (family != 4 && family != 6) in.reject();
  out.family = family == 4 ? Family::kIpv4 : Family::kIpv6;
  out.priority = in.number<std::uint32_t>("priority");
  out.table = in.number<std::uint32_t>("table");
  out.to = in.optional_parsed<Prefix>("to");
  if (in.has("ip_protocol")) out.ip_protocol = in.number<std::uint8_t>("ip_protocol");
  if (in.has("destination_port")) out.destination_port = in.number<std::uint16_t>("destination_port");
  if (in.has("mark")) out.mark = in.number<std::uint32_t>("mark");
  return out;
}

std::optional<HostChange> decode(Fields& in) {
  const std::string kind = in.text("kind");
  if (kind == "address") return decode_address(in);
  if (kind == "route") return decode_route(in);
  if (kind == "rule") return decode_rule(in);
  if (kind == "sysctl") return SysctlChange{in.text("key"), in.text("value")};
  if (kind == "nft") return NftTableChange{in.text("name"), in.text("body")};
  if (kind == "proxy") return ProxyNeighbourChange{in.text("interface"), in.parsed<IpAddress>("address")};
  return std::nullopt;
}

}  // namespace

std::string to_json(const HostChange& change) {
  const Json out = std::visit([](const auto& c) { return encode(c); }, change);
  return out.dump(-1, ' ', true, Json::error_handler_t::replace);
}

Result<HostChange> parse_host_change(std::string_view json) {
  const Json object = Json::parse(json, nullptr, false);
  if (!object.is_object()) return fail(Error::Code::kInvalid, "a change in a journal is no JSON object");
  Fields fields(object);
  const std::optional<HostChange> change = decode(fields);
  if (!change || !fields.ok()) return fail(Error::Code::kInvalid, "a change in a journal lacks its fields");
  return *change;
}

}  // namespace isthmus::io
