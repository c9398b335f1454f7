// From the options of `up` to the words of an ssh process. Nothing of them ever reaches a shell on this side.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/commands.h"
#include "config/greeting.h"
#include "config/ssh_target.h"

namespace isthmus::config {

enum class Dial : std::uint8_t {
  kFirst,  // may ask on the terminal
  kAgain,  // BatchMode: nobody is there to answer
};

// Words of -e: split at blanks, with '…' and "…" and backslash as in rsync's -e; nothing is expanded.
Result<std::vector<std::string>> split_ssh_words(std::string_view text);

// Whether the program that `words` name takes OpenSSH's options (anything but dbclient and plink).
bool is_openssh(const std::vector<std::string>& words);

// kRefused for an option that would break the stream or weaken the host key check, with the reason. Looks at
// one -o value.
Result<void> check_ssh_option(std::string_view option);
// The same for the words of -e.
Result<void> check_ssh_words(const std::vector<std::string>& words);

// Where the destination was found before: a dial again need not ask a name server, which may lie behind the
// tunnel that is down.
struct KnownPlace {
  std::string address;
  std::string host_key_name;  // under which known_hosts has its key
};

// How one dial differs from another. All but `dial` only for OpenSSH.
struct DialChoices {
  Dial dial = Dial::kFirst;
  std::optional<KnownPlace> known = std::nullopt;
  std::optional<SshConnector> connector = std::nullopt;  // nothing: ssh connects
  std::string ciphers = {};                              // in the order to propose; empty: ssh's own
};

struct SshCommand {
  std::vector<std::string> argv;         // the first word is the program, searched in PATH
  std::vector<std::string> environment;  // "NAME=value", beside what ssh gets anyway
};

SshCommand ssh_command(const UpOptions& options, const Greeting& caller, const DialChoices& choices);

// Whether `words`, those of -e, start OpenSSH's ssh in our own surroundings: no wrapper stands in front,
// which may take it to another machine, user or environment.
bool starts_ssh_itself(const std::vector<std::string>& words);

// `ssh -G` with everything that the call itself would have; empty where the program is not OpenSSH's `ssh`.
std::vector<std::string> ssh_settings_command(const UpOptions& options);

// What the far side's login shell is asked to run: finds isthmus, as root or through sudo -n; exit 127 if
// absent.
std::string default_remote_command(const Greeting& caller);

}  // namespace isthmus::config
