// What a Session asks its shell to do, and tells it.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "session/call.h"
#include "session/datagram_path.h"

namespace isthmus::session {

enum class EndReason : std::uint8_t {
  kUndoneByUs,
  kUndoneByPeer,
  kRefusedByPeer,
  kRefusedByUs,
  kAddressRefused,  // by us: the peer insists on an address that local policy forbids
  kDialFailed,      // the first call never came to an agreement
  kHoldExpired,
  kMachineRefused,  // routes_failed(), here or there
};

// What the shell is asked to do.
struct Dial {};  // make a call, then add_call() or dial_failed()
struct HangUp {
  CallId call;
  Bytes last_octets;  // to be sent before the stream is closed; the id is dead
  // A plain PPP peer that asked to end closes the stream itself when it has our Terminate-Ack: pppd takes a
  // stream that ends before for a hang-up (RFC 1661 section 3.7).
  bool is_peers_to_close = false;
};
struct Judge {
  CallId call;
  std::optional<Hello> hello;
};  // then settle()
struct Establish {
  CallId call;
  Agreement agreement;
};  // change the machine so, then routes_ready() or routes_failed()
struct Suspend {
  std::string reason;
};  // refuse traffic until the next Establish or Resume
struct Resume {};  // datagrams carry the session again, though no stream does: let traffic pass
struct Prove {
  Ready targets;
};  // probe, then probed()
struct Proven {
  ProofReport ours;
  std::optional<ProofReport> theirs;
};
struct PlanArrived {
  std::vector<std::string> lines;
};
struct Ended {
  EndReason reason;
  std::string text;
};  // the last action: undo everything
struct Said {
  ppp::LinkNote::Level level;
  std::string text;
};
using SessionAction =
    std::variant<Dial, HangUp, Judge, Establish, Suspend, Resume, Prove, Proven, PlanArrived, Ended,
                 keying::WorkerCommand, Carry, SetInnerMtu, Said, ppp::FrameTrace>;

}  // namespace isthmus::session
