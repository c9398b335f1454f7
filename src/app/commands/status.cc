#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <optional>

#include "app/commands/commands.h"
#include "app/control_message.h"
#include "app/session_state.h"
#include "io/control_socket.h"
#include "io/journal.h"
#include "io/log.h"
#include "net/host_change.h"

namespace isthmus::app {
namespace {

using config::ExitCode;

struct Entry {
  io::SessionRecord record;
  std::optional<SessionState> state;
};

// Asks the living for their newest word; what they wrote last must do where one does not answer.
std::optional<SessionState> ask(const io::RuntimeDir& dir, const std::string& session) {
  const auto path = dir.file_of(session, "sock");
  if (!path) return std::nullopt;
  Result<io::ControlConnection> owner = io::ControlConnection::connect(path->string());
  if (!owner || !owner->send(encode(StatusRequest{}))) return std::nullopt;
  const Result<io::ControlMessage> answer = owner->receive_within(std::chrono::seconds{1});
  if (!answer) return std::nullopt;
  const Result<SessionState> state = parse_session_state(answer->payload);
  return state ? std::optional{*state} : std::nullopt;
}

std::vector<Entry> read_entries(const io::RuntimeDir& dir, const std::optional<std::string>& name) {
  std::vector<Entry> entries;
  const std::vector<SessionState> states = read_states(dir);
  for (io::SessionRecord& record : io::Journal::read_all(dir).value_or(std::vector<io::SessionRecord>{})) {
    if (name && record.session != *name) continue;
    Entry entry{std::move(record), std::nullopt};
    if (entry.record.is_alive) entry.state = ask(dir, entry.record.session);
    const auto written = std::ranges::find(states, entry.record.session, &SessionState::session);
    // A session that has just begun may find the word of a dead one of its name: that is not its own.
    const bool is_its_own = written != states.end() && written->pid == entry.record.owner;
    if (!entry.state && is_its_own) entry.state = *written;
    entries.push_back(std::move(entry));
  }
  return entries;
}

// What a peer called itself, and what an engine says of itself, may hold anything.
void print(const std::string& line) {
  std::puts(io::log_line(line).c_str());
}

void print_dead(const Entry& entry) {
  if (entry.record.standing.empty()) {
    return print(fmt::format(
        "{}: DEAD, process {} was killed before it changed anything (`isthmus cleanup` forgets it)",
        entry.record.session, entry.record.owner));
  }
  print(fmt::format("{}: DEAD, process {} was killed and left this behind (`isthmus cleanup` undoes it):",
                    entry.record.session, entry.record.owner));
  for (const HostChange& change : entry.record.standing) print("  " + describe(change));
}

std::string list_text(const std::vector<std::string>& prefixes) {
  return prefixes.empty() ? "nothing" : fmt::format("{}", fmt::join(prefixes, ", "));
}

void print_path(const SessionState& state) {
  if (state.stream == "lost") print("  stream     lost, and called again by the end that dials");
  if (state.udp_port == 0) return;
  const std::string reason = state.path_reason.empty() ? "" : " (" + state.path_reason + ")";
  print(fmt::format("  path       {}{}, UDP port {}", state.path, reason, state.udp_port));
  if (!state.udp_remote.empty()) {
    print(fmt::format("  datagrams  {}, round trip {:.2f} ms, loss {:.1f} %, MTU {}", state.udp_remote,
                      static_cast<double>(state.path_rtt_microseconds) / 1e3,
                      static_cast<double>(state.path_loss_per_mille) / 10, state.path_mtu));
  }
  for (const std::string& key : state.keys) print("  key        " + key);
  for (const std::string& sa : state.sas) print("  SA         " + sa);
  if (!state.datagram_drops.empty())
    print(fmt::format("  discarded  {}", fmt::join(state.datagram_drops, ", ")));
}

void print_living(const Entry& entry) {
  const SessionState state = entry.state.value_or(SessionState{});
  print(fmt::format("{}: {} {} {}", entry.record.session, state.phase, state.role == "up" ? "to" : "from",
                    state.destination));
  if (!state.interface.empty()) {
    const std::string addresses = state.local_ipv4.empty()
                                      ? "no IPv4 addresses"
                                      : fmt::format("{} ↔ {}", state.local_ipv4, state.remote_ipv4);
    print(fmt::format("  interface  {}, MTU {}, {}", state.interface, state.mtu, addresses));
  }
  print("  accepted   " + list_text(state.accepted));
  print("  offered    " + list_text(state.offered));
  if (state.up_since > 0) print(fmt::format("  up for     {} s", std::time(nullptr) - state.up_since));
  if (!state.proof.empty()) print(fmt::format("  proof      {}", state.proof));
  for (const std::string& remedy : state.remedies) print("  ! " + remedy);
  print(fmt::format("  received   {} packets, {} octets", state.packets_received, state.octets_received));
  print(fmt::format("  sent       {} packets, {} octets, dropped {}, marked {}, waiting {} octets",
                    state.packets_sent, state.octets_sent, state.dropped, state.marked, state.waiting));
  print_path(state);
  if (state.stream_bits_per_second == 0) return;
  print(fmt::format("  stream     {:.1f} Mbit/s, round trip {:.2f} ms",
                    static_cast<double>(state.stream_bits_per_second) / 1e6,
                    static_cast<double>(state.stream_rtt_microseconds) / 1e3));
}

void print_json(const std::vector<Entry>& entries) {
  std::string text;
  for (const Entry& entry : entries) {
    SessionState state = entry.state.value_or(SessionState{});
    state.session = entry.record.session;
    state.pid = entry.record.owner;
    if (!entry.record.is_alive) {  // what it was proven to carry died with it
      state.phase = "dead";
      state.proof.clear();
      state.up_since = 0;
    }
    text += (text.empty() ? "" : ",\n") + to_json_text(state);
  }
  std::puts(("[" + text + "]").c_str());
}

}  // namespace

ExitCode run_status(const config::StatusCommand& command) {
  if (!is_root("what sessions have changed only root may see: run it with sudo")) return ExitCode::kNotRoot;
  const Result<io::RuntimeDir> dir = io::RuntimeDir::find();
  if (!dir && dir.error().code != Error::Code::kNotFound) {
    complain(dir.error().message);
    return ExitCode::kFailed;
  }
  const std::vector<Entry> entries = dir ? read_entries(*dir, command.name) : std::vector<Entry>{};
  if (command.json) print_json(entries);
  if (!command.json) {
    for (const Entry& entry : entries) entry.record.is_alive ? print_living(entry) : print_dead(entry);
    if (entries.empty())
      print(command.name ? "session " + *command.name + " is not up" : std::string{"no session is up"});
  }
  return entries.empty() && command.name ? ExitCode::kNotUp : ExitCode::kOk;
}

}  // namespace isthmus::app
