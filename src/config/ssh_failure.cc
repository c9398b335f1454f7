#include "config/ssh_failure.h"

#include <array>

#include "base/printable.h"

namespace isthmus::config {
namespace {

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

std::string what_happened(SshFailure failure, const SshOutcome& outcome, const std::string& where) {
  switch (failure) {
    case SshFailure::kNoSsh:
      return "the ssh program cannot be run";
    case SshFailure::kNameNotResolved:
      return "the name of " + where + " has no address";
    case SshFailure::kRefused:
      return where + " refuses the connection";
    case SshFailure::kUnreachable:
      return where + " cannot be reached";
    case SshFailure::kHostKeyUnknown:
      return "the host key of " + where + " is not known here";
    case SshFailure::kHostKeyChanged:
      return "the host key of " + where + " is not the one known here: somebody may be in between";
    case SshFailure::kKeyNotAuthorised:
      return where + " admits none of our keys";
    case SshFailure::kSudoWantsPassword:
      return "sudo on " + where + " wants a password";
    case SshFailure::kSudoForbids:
      return "sudo on " + where + " does not let this user run isthmus";
    case SshFailure::kNoIsthmus:
      return where + " has no isthmus";
    case SshFailure::kRefusedThere:
      return "isthmus on " + where + " refuses: " + last_line(outcome.stderr_text);
    case SshFailure::kNoAgreement:
      return "ssh finds no common algorithm with " + where + ": " + last_line(outcome.stderr_text);
    case SshFailure::kBadOption:
      return "ssh does not understand its options: " + last_line(outcome.stderr_text);
    case SshFailure::kNoStream:
      return where + " sent text instead of PPP: '" + first_line(outcome.text_before_stream) + "'";
    case SshFailure::kHostKeyUnchecked:  // see diagnose_unchecked_host_key()
    case SshFailure::kClosed:
      break;
  }
  const std::string reason = outcome.stderr_text.empty() ? "" : ": " + last_line(outcome.stderr_text);
  return "the connection to " + where + " ended" + reason;
}

const char* remedy_for(SshFailure failure) {
  switch (failure) {
    case SshFailure::kNoSsh:
      return "install openssh-client, or name another with -e";
    case SshFailure::kNameNotResolved:
      return "check the name and this machine's DNS";
    case SshFailure::kRefused:
      return "is sshd running there, and on this port (-p)?";
    case SshFailure::kUnreachable:
      return "check this machine's route to it and firewalls between";
    case SshFailure::kHostKeyUnknown:
      return "connect once with ssh as the same user, compare the fingerprint, and say yes";
    case SshFailure::kHostKeyChanged:
      return "only if you know why it changed: ssh-keygen -R HOST, then connect once with ssh";
    case SshFailure::kHostKeyUnchecked:
      return "-o StrictHostKeyChecking=yes checks it here; better still, take the setting out of the "
             "configuration";
    case SshFailure::kKeyNotAuthorised:
      return "put the public key into authorized_keys there, or name the right key with -i";
    case SshFailure::kSudoWantsPassword:
      return "allow isthmus without one in sudoers: USER ALL=(root) NOPASSWD: /usr/sbin/isthmus";
    case SshFailure::kSudoForbids:
      return "allow it in sudoers: USER ALL=(root) NOPASSWD: /usr/sbin/isthmus";
    case SshFailure::kNoIsthmus:
      return "install it there, or name its path with --remote-command";
    case SshFailure::kNoAgreement:
      return "update the older side";
    case SshFailure::kBadOption:
      return "check -o, -e and the user's ssh configuration";
    case SshFailure::kNoStream:
      return "does a forced command or a login script there start something else than isthmus attach?";
    case SshFailure::kRefusedThere:
    case SshFailure::kClosed:
      break;
  }
  return "";
}

}  // namespace

bool is_echo_of_connector(std::string_view line, std::string_view said) {
  const bool is_complaint =
      line.starts_with("mm_receive_fd: ") || line == "proxy dialer did not pass back a connection";
  return is_complaint && said.contains("ssh: ");
}

SshDiagnosis classify_ssh_failure(const SshOutcome& outcome, std::string_view destination) {
  const SshFailure failure = find_failure(outcome);
  return {failure, what_happened(failure, outcome, printable(destination, 100)), remedy_for(failure)};
}

SshDiagnosis diagnose_missing_ssh(std::string_view program) {
  return {SshFailure::kNoSsh, "cannot run '" + printable(program, 100) + "'", remedy_for(SshFailure::kNoSsh)};
}

SshDiagnosis diagnose_unchecked_host_key(std::string_view weakness) {
  return {SshFailure::kHostKeyUnchecked,
          "ssh's configuration says " + printable(weakness, 100) +
              " for this destination: any machine on the way could be the far side",
          remedy_for(SshFailure::kHostKeyUnchecked)};
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
    case SshFailure::kHostKeyUnchecked:
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
