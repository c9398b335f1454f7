// Why an ssh process ended without a session, from its exit status and what it and the far side said.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/exit_codes.h"

namespace isthmus::config {

enum class SshFailure : std::uint8_t {
  kNoSsh,            // the program could not be run
  kNameNotResolved,  //
  kRefused,          // connection refused
  kUnreachable,      // no route, or nobody answered in time
  kHostKeyUnknown,
  kHostKeyChanged,
  kHostKeyUnchecked,  // the configuration would take any machine: nothing was dialled
  kKeyNotAuthorised,
  kSudoWantsPassword,
  kSudoForbids,   // sudo knows the user but not this command
  kNoIsthmus,     // exit 127
  kRefusedThere,  // isthmus there ran and said no before there was a link: its exit status is kRefusedHere
  kNoAgreement,   // no common cipher, key exchange or host key type
  kBadOption,     // ssh does not understand an option or the configuration
  kNoStream,      // it ran, but what came was no PPP
  kClosed,        // the connection ended; nothing more is known
};

struct SshOutcome {
  int exit_status = 0;  // 128 + signal when killed
  std::string_view stderr_text;
  std::string_view text_before_stream;  // Link::text_before_stream()
  bool stream_started = false;          // a good frame came
};

struct SshDiagnosis {
  SshFailure failure = SshFailure::kClosed;
  std::string what;    // one sentence
  std::string remedy;  // what to do; may be empty
};

// A line in which ssh complains that it was passed no connection: after `said`, the connector's own reason,
// it says nothing more.
bool is_echo_of_connector(std::string_view line, std::string_view said);

// `destination` is named in the sentences.
SshDiagnosis classify_ssh_failure(const SshOutcome& outcome, std::string_view destination);
// When the program itself could not be started.
SshDiagnosis diagnose_missing_ssh(std::string_view program);
// When the configuration turns the host key check off by `weakness`.
SshDiagnosis diagnose_unchecked_host_key(std::string_view weakness);
ExitCode exit_code_of(SshFailure failure);

}  // namespace isthmus::config
