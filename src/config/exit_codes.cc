#include "config/exit_codes.h"

#include <array>

namespace isthmus::config {
namespace {

constexpr std::array kTable{
    ExitCodeRow{ExitCode::kOk, "ok",
                "done; also a session that stood and was ended by ctrl-C, SIGTERM or down"},
    ExitCodeRow{ExitCode::kFailed, "failed", "anything without a number of its own"},
    ExitCodeRow{ExitCode::kUsage, "usage", "the command line or a configuration file cannot be understood"},
    ExitCodeRow{ExitCode::kNotUp, "not-up", "down or status of a session that is not up"},
    ExitCodeRow{ExitCode::kAlreadyUp, "already-up",
                "up of a session that is up, or of a pair that another one has joined"},
    ExitCodeRow{ExitCode::kNotRoot, "not-root",
                "root is needed to change this machine's network, and to see what was changed"},
    ExitCodeRow{ExitCode::kNoSsh, "no-ssh", "the ssh program cannot be run"},
    ExitCodeRow{ExitCode::kNameNotResolved, "name-not-resolved", "the destination's name has no address"},
    ExitCodeRow{ExitCode::kConnectionRefused, "connection-refused", "nothing listens there"},
    ExitCodeRow{ExitCode::kUnreachable, "unreachable", "no route to the destination, or no answer in time"},
    ExitCodeRow{ExitCode::kHostKeyUnknown, "host-key-unknown",
                "the far side's host key is not known here, or ssh would not check it"},
    ExitCodeRow{ExitCode::kHostKeyChanged, "host-key-changed",
                "the far side's host key is not the known one"},
    ExitCodeRow{ExitCode::kKeyNotAuthorised, "key-not-authorised", "the far side admits none of our keys"},
    ExitCodeRow{ExitCode::kNoIsthmus, "no-isthmus", "the far side has no isthmus"},
    ExitCodeRow{ExitCode::kSudo, "sudo", "sudo there wants a password or forbids isthmus"},
    ExitCodeRow{ExitCode::kSshOther, "ssh", "ssh failed in another way"},
    ExitCodeRow{ExitCode::kNoStream, "no-stream", "what came from the far side was no PPP"},
    ExitCodeRow{ExitCode::kRefusedThere, "refused-there", "the far side's policy refuses what was asked"},
    ExitCodeRow{ExitCode::kRefusedHere, "refused-here", "our policy refuses what the far side asked"},
    ExitCodeRow{ExitCode::kLinkFailed, "link-failed", "the two ends found no agreement in PPP"},
    ExitCodeRow{ExitCode::kLinkLost, "link-lost", "the stream was lost and did not come back within --hold"},
    ExitCodeRow{ExitCode::kSuperseded, "superseded", "another session of the same pair took over"},
    ExitCodeRow{ExitCode::kHostRefused, "host-refused", "this machine or the far one did not take a change"},
    ExitCodeRow{ExitCode::kProofFailed, "proof-failed", "everything is in place, but packets do not cross"},
    ExitCodeRow{ExitCode::kLeftovers, "leftovers", "not everything could be undone; see status and cleanup"},
    ExitCodeRow{ExitCode::kInterrupted, "interrupted",
                "ctrl-C before the session stood; everything was undone"},
    ExitCodeRow{ExitCode::kTerminated, "terminated",
                "SIGTERM before the session stood; everything was undone"},
};

}  // namespace

std::span<const ExitCodeRow> exit_code_table() {
  return kTable;
}

}  // namespace isthmus::config
