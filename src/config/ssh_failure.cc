#include "config/ssh_failure.h"

#include <array>

#include "base/printable.h"

namespace isthmus::config {
namespace {

constexpr int kSshsOwnFailure = 255;  // OpenSSH's; other statuses are the remote command's
constexpr int kCommandNotFound = 127;

struct Symptom {
  std::string_view text;
  SshFailure failure;
};

// What OpenSSH, Dropbear's dbclient, PuTTY's plink and sudo say. The first that occurs counts, so the more
// telling stand first: "Permission denied" may follow a changed host key.
constexpr std::array kSymptoms{
    Symptom{"REMOTE HOST IDENTIFICATION HAS CHANGED", SshFailure::kHostKeyChanged},
    Symptom{"Host key mismatch for", SshFailure::kHostKeyChanged},
    Symptom{"host key does not match the one", SshFailure::kHostKeyChanged},
    Symptom{"POTENTIAL SECURITY BREACH", SshFailure::kHostKeyChanged},
    Symptom{"you have requested strict checking", SshFailure::kHostKeyUnknown},
    Symptom{"Host is not in the trusted hosts file", SshFailure::kHostKeyUnknown},
    Symptom{"host key is not cached", SshFailure::kHostKeyUnknown},
    Symptom{"Host key verification failed", SshFailure::kHostKeyUnknown},
    Symptom{"Didn't validate host key", SshFailure::kHostKeyUnknown},
    Symptom{"Could not resolve hostname", SshFailure::kNameNotResolved},
    Symptom{"Error resolving", SshFailure::kNameNotResolved},
    Symptom{"Name or service not known", SshFailure::kNameNotResolved},
    Symptom{"Temporary failure in name resolution", SshFailure::kNameNotResolved},
    Symptom{"Host does not exist", SshFailure::kNameNotResolved},
    Symptom{"no matching ", SshFailure::kNoAgreement},
    Symptom{"No matching algo", SshFailure::kNoAgreement},
    Symptom{"Couldn't agree a", SshFailure::kNoAgreement},
    Symptom{"a password is required", SshFailure::kSudoWantsPassword},
    Symptom{"a terminal is required to read the password", SshFailure::kSudoWantsPassword},
    Symptom{"you must have a tty to run sudo", SshFailure::kSudoWantsPassword},
    Symptom{"is not in the sudoers file", SshFailure::kSudoForbids},
    Symptom{"is not allowed to execute", SshFailure::kSudoForbids},
    Symptom{"may not run sudo", SshFailure::kSudoForbids},
    Symptom{"Permission denied (", SshFailure::kKeyNotAuthorised},
    Symptom{"Too many authentication failures", SshFailure::kKeyNotAuthorised},
    Symptom{"No supported authentication methods", SshFailure::kKeyNotAuthorised},
    Symptom{"No auth methods could be used", SshFailure::kKeyNotAuthorised},
    Symptom{"Bad configuration option", SshFailure::kBadOption},
    Symptom{"bad configuration options", SshFailure::kBadOption},
    Symptom{"command-line line 0:", SshFailure::kBadOption},
    Symptom{"unknown option -- ", SshFailure::kBadOption},
    Symptom{"Connection refused", SshFailure::kRefused},
    Symptom{"Connection timed out", SshFailure::kUnreachable},
    Symptom{"Operation timed out", SshFailure::kUnreachable},
    Symptom{"No route to host", SshFailure::kUnreachable},
    Symptom{"Network is unreachable", SshFailure::kUnreachable},
    Symptom{"isthmus: not found", SshFailure::kNoIsthmus},
    Symptom{"isthmus: command not found", SshFailure::kNoIsthmus},
};

SshFailure find_failure(const SshOutcome& outcome) {
  for (const Symptom& symptom : kSymptoms)
    if (outcome.stderr_text.contains(symptom.text)) return symptom.failure;
  // Without a login there is no remote command, and its status would mean something else.
  if (outcome.stream_started) return SshFailure::kClosed;
  if (outcome.exit_status == static_cast<int>(ExitCode::kRefusedHere)) return SshFailure::kRefusedThere;
  if (outcome.exit_status == kCommandNotFound) return SshFailure::kNoIsthmus;
  if (!outcome.text_before_stream.empty()) return SshFailure::kNoStream;
  return SshFailure::kClosed;
}

std::string last_line(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  const std::size_t start = text.rfind('\n');
  return printable(start == std::string_view::npos ? text : text.substr(start + 1), 200);
}

std::string first_line(std::string_view text) {
  return printable(text.substr(0, text.find_first_of("\r\n")), 120);
}

SshDiagnosis diagnosis(SshFailure failure, const SshOutcome& outcome, const std::string& where) {
  switch (failure) {
    case SshFailure::kNoSsh:
      return {failure, "the ssh program cannot be run", "install openssh-client, or name another with -e",
              false};
    case SshFailure::kNameNotResolved:
      return {failure, "the name of " + where + " has no address", "check the name and this machine's DNS",
              true};
    case SshFailure::kRefused:
      return {failure, where + " refuses the connection", "is sshd running there, and on this port (-p)?",
              true};
    case SshFailure::kUnreachable:
      return {failure, where + " cannot be reached", "check this machine's route to it and firewalls between",
              true};
    case SshFailure::kHostKeyUnknown:
      return {failure, "the host key of " + where + " is not known here",
              "connect once with ssh as the same user, compare the fingerprint, and say yes", false};
    case SshFailure::kHostKeyChanged:
      return {failure, "the host key of " + where + " is not the one known here: somebody may be in between",
              "only if you know why it changed: ssh-keygen -R HOST, then connect once with ssh", false};
    case SshFailure::kKeyNotAuthorised:
      return {failure, where + " admits none of our keys",
              "put the public key into authorized_keys there, or name the right key with -i", false};
    case SshFailure::kSudoWantsPassword:
      return {failure, "sudo on " + where + " wants a password",
              "allow isthmus without one in sudoers: USER ALL=(root) NOPASSWD: /usr/sbin/isthmus", false};
    case SshFailure::kSudoForbids:
      return {failure, "sudo on " + where + " does not let this user run isthmus",
              "allow it in sudoers: USER ALL=(root) NOPASSWD: /usr/sbin/isthmus", false};
    case SshFailure::kNoIsthmus:
      return {failure, where + " has no isthmus", "install it there, or name its path with --remote-command",
              false};
    case SshFailure::kRefusedThere:
      return {failure, "isthmus on " + where + " refuses: " + last_line(outcome.stderr_text), "", false};
    case SshFailure::kNoAgreement:
      return {failure, "ssh finds no common algorithm with " + where + ": " + last_line(outcome.stderr_text),
              "update the older side", false};
    case SshFailure::kBadOption:
      return {failure, "ssh does not understand its options: " + last_line(outcome.stderr_text),
              "check -o, -e and the user's ssh configuration", false};
    case SshFailure::kNoStream:
      return {failure, where + " sent text instead of PPP: '" + first_line(outcome.text_before_stream) + "'",
              "does a forced command or a login script there start something else than isthmus attach?",
              false};
    case SshFailure::kClosed:
      break;
  }
  std::string what = "the connection to " + where + " ended";
  if (!outcome.stderr_text.empty()) what += ": " + last_line(outcome.stderr_text);
  const bool was_ssh = outcome.exit_status == kSshsOwnFailure || outcome.stream_started;
  return {SshFailure::kClosed, what, "", was_ssh};
}

}  // namespace

SshDiagnosis classify_ssh_failure(const SshOutcome& outcome, std::string_view destination) {
  return diagnosis(find_failure(outcome), outcome, printable(destination, 100));
}

SshDiagnosis diagnose_missing_ssh(std::string_view program) {
  SshDiagnosis missing = diagnosis(SshFailure::kNoSsh, {}, "");
  missing.what = "cannot run '" + printable(program, 100) + "'";
  return missing;
}

ExitCode exit_code_of(SshFailure failure) {
  switch (failure) {
    case SshFailure::kNoSsh:
      return ExitCode::kNoSsh;
    case SshFailure::kNameNotResolved:
      return ExitCode::kNameNotResolved;
    case SshFailure::kRefused:
      return ExitCode::kConnectionRefused;
    case SshFailure::kUnreachable:
      return ExitCode::kUnreachable;
    case SshFailure::kHostKeyUnknown:
      return ExitCode::kHostKeyUnknown;
    case SshFailure::kHostKeyChanged:
      return ExitCode::kHostKeyChanged;
    case SshFailure::kKeyNotAuthorised:
      return ExitCode::kKeyNotAuthorised;
    case SshFailure::kSudoWantsPassword:
    case SshFailure::kSudoForbids:
      return ExitCode::kSudo;
    case SshFailure::kNoIsthmus:
      return ExitCode::kNoIsthmus;
    case SshFailure::kRefusedThere:
      return ExitCode::kRefusedThere;
    case SshFailure::kNoAgreement:
    case SshFailure::kBadOption:
    case SshFailure::kClosed:
      return ExitCode::kSshOther;
    case SshFailure::kNoStream:
      return ExitCode::kNoStream;
  }
  return ExitCode::kSshOther;
}

}  // namespace isthmus::config
