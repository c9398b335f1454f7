// What a living session tells the world of itself: one JSON file beside its journal, read by `status` and by
// sessions that look for another session of the same pair.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/runtime_dir.h"

namespace isthmus::app {

struct SessionState {
  std::string session;
  std::string role;         // "up" or "attach"
  bool is_adopted = false;  // the peer's own request counts: no peer file
  std::int64_t pid = 0;
  std::string phase;        // "calling", "up", "held"
  std::string destination;  // of an `up`; who logged in, of an `attach`
  std::string peer_name;
  std::string peer_host;  // HostId in hex, once known
  std::string peer_node;  // NodeId in hex of the process that holds the session there
  // Addresses of the far end that ssh has shown: of an `up`, what its ssh itself is connected to; of an
  // `attach`, where the last login came from.
  std::vector<std::string> outer;
  std::string interface;
  int mtu = 0;
  std::string local_ipv4, remote_ipv4;
  std::vector<std::string> accepted, offered;
  std::int64_t up_since = 0;  // seconds since the epoch, 0 if not up
  std::string proof;          // "complete", "incomplete", or empty while it is not given
  std::vector<std::string> remedies;
  std::uint64_t packets_received = 0, packets_sent = 0, octets_received = 0, octets_sent = 0, dropped = 0;
  // Of the packets sent: marked with Congestion Experienced, and octets that wait in the queue now.
  std::uint64_t marked = 0, waiting = 0;
  std::string stream;  // ssh's: "up", or "lost" until the next call stands
  // What carries our packets: "stream", "datagram" or "none", and why it is not datagrams.
  std::string path, path_reason;
  // Of the datagrams, where there are any; the round trip, MTU (of outer IP packets) and loss of their path.
  std::uint16_t udp_port = 0;
  std::string udp_remote;
  std::uint64_t path_rtt_microseconds = 0, path_mtu = 0, path_loss_per_mille = 0;
  std::vector<std::string> keys, sas, datagram_drops;
  // What the present stream was measured to deliver, and its least round trip; 0 while it is not known.
  std::uint64_t stream_bits_per_second = 0, stream_rtt_microseconds = 0;
};

// Whether ssh has shown both to have the same far end. Not by way of a jump host: behind it may be anybody.
bool share_far_end(const SessionState& one, const SessionState& other);

// The document `status --json` prints for one session, schema version 1.
std::string to_json_text(const SessionState& state);
Result<SessionState> parse_session_state(std::string_view text);

// Replaces DIR/SESSION.json in one step.
Result<void> write_state(const io::RuntimeDir& dir, const SessionState& state);
void remove_state(const io::RuntimeDir& dir, const std::string& session);
// kNotFound if there is no such session.
Result<SessionState> read_state(const io::RuntimeDir& dir, const std::string& session);
// Of living and dead sessions alike; files that do not parse are left out.
std::vector<SessionState> read_states(const io::RuntimeDir& dir);

}  // namespace isthmus::app
