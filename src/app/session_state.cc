#include "app/session_state.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>

#include "io/fresh_file.h"

namespace isthmus::app {
namespace {

using Json = nlohmann::ordered_json;
constexpr int kSchemaVersion = 1;

template <typename T>
void read_field(const Json& json, const char* key, T& field) {
  const auto place = json.find(key);
  if (place == json.end()) return;
  if constexpr (std::is_same_v<T, bool>) {
    if (place->is_boolean()) field = place->template get<bool>();
  } else if constexpr (std::is_integral_v<T>) {
    if (place->is_number_integer()) field = place->template get<T>();
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (place->is_string()) field = place->template get<std::string>();
  } else {
    if (!place->is_array()) return;
    for (const Json& item : *place) {
      if (item.is_string()) field.push_back(item.template get<std::string>());
    }
  }
}

// One list of the fields, for writing and for reading.
template <typename State, typename Visit>
void each_field(State& state, Visit visit) {
  visit("session", state.session);
  visit("role", state.role);
  visit("adopted", state.is_adopted);
  visit("pid", state.pid);
  visit("phase", state.phase);
  visit("destination", state.destination);
  visit("peer_name", state.peer_name);
  visit("peer_host", state.peer_host);
  visit("peer_node", state.peer_node);
  visit("outer", state.outer);
  visit("interface", state.interface);
  visit("mtu", state.mtu);
  visit("local_ipv4", state.local_ipv4);
  visit("remote_ipv4", state.remote_ipv4);
  visit("accepted", state.accepted);
  visit("offered", state.offered);
  visit("up_since", state.up_since);
  visit("proof", state.proof);
  visit("remedies", state.remedies);
  visit("packets_received", state.packets_received);
  visit("packets_sent", state.packets_sent);
  visit("octets_received", state.octets_received);
  visit("octets_sent", state.octets_sent);
  visit("dropped", state.dropped);
  visit("marked", state.marked);
  visit("waiting", state.waiting);
  visit("stream", state.stream);
  visit("path", state.path);
  visit("path_reason", state.path_reason);
  visit("udp_port", state.udp_port);
  visit("udp_remote", state.udp_remote);
  visit("path_rtt_microseconds", state.path_rtt_microseconds);
  visit("path_mtu", state.path_mtu);
  visit("path_loss_per_mille", state.path_loss_per_mille);
  visit("keys", state.keys);
  visit("sas", state.sas);
  visit("datagram_drops", state.datagram_drops);
  visit("stream_bits_per_second", state.stream_bits_per_second);
  visit("stream_rtt_microseconds", state.stream_rtt_microseconds);
}

}  // namespace

bool share_far_end(const SessionState& one, const SessionState& other) {
  return std::ranges::find_first_of(one.outer, other.outer) != one.outer.end();
}

std::string to_json_text(const SessionState& state) {
  Json json{{"version", kSchemaVersion}};
  each_field(state, [&](const char* key, const auto& field) { json[key] = field; });
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

Result<SessionState> parse_session_state(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return fail(Error::Code::kInvalid, "a session's state is a JSON object");
  SessionState state;
  each_field(state, [&](const char* key, auto& field) { read_field(json, key, field); });
  return state;
}

Result<void> write_state(const io::RuntimeDir& dir, const SessionState& state) {
  const std::filesystem::path path = TRY(dir.file_of(state.session, "json"));
  const std::filesystem::path fresh = TRY(dir.file_of(state.session, "json-new"));
  return io::replace_file(path, fresh, to_json_text(state) + "\n");
}

void remove_state(const io::RuntimeDir& dir, const std::string& session) {
  std::error_code ignored;
  for (const char* extension : {"json", "json-new"}) {
    const auto path = dir.file_of(session, extension);
    if (path) std::filesystem::remove(*path, ignored);
  }
}

Result<SessionState> read_state(const io::RuntimeDir& dir, const std::string& session) {
  for (SessionState& state : read_states(dir)) {
    if (state.session == session) return std::move(state);
  }
  return fail(Error::Code::kNotFound, "there is no session " + session);
}

std::vector<SessionState> read_states(const io::RuntimeDir& dir) {
  std::vector<SessionState> states;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path(), error)) {
    if (entry.path().extension() != ".json") continue;
    std::ifstream file(entry.path());
    std::stringstream text;
    text << file.rdbuf();
    Result<SessionState> state = parse_session_state(text.str());
    // The ledger of sysctls and the like lie beside: only a state names its own file.
    if (state && state->session == entry.path().stem()) states.push_back(std::move(*state));
  }
  return states;
}

}  // namespace isthmus::app
