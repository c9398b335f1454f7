#include "config/ssh_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/split_words.h"

namespace isthmus::config {
namespace {

enum class SshKind : std::uint8_t { kOpenSsh, kDropbear, kPutty };

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

// A wrapper may stand in front (ip netns exec …, sudo -u …): the program is whichever word names one.
SshKind kind_of(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (base_name(word) == "dbclient") return SshKind::kDropbear;
    if (base_name(word) == "plink") return SshKind::kPutty;
  }
  return SshKind::kOpenSsh;
}

class Argv {
 public:
  explicit Argv(std::vector<std::string> words) : words_(std::move(words)) {}
  void add(std::string word) { words_.push_back(std::move(word)); }
  void add(const char* flag, const std::string& value) {
    words_.emplace_back(flag);
    words_.push_back(value);
  }
  std::vector<std::string> take() { return std::move(words_); }

 private:
  std::vector<std::string> words_;
};

// OpenSSH keeps the first value it meets, and its command line before its configuration files: these hold
// whatever comes later.
constexpr std::array kOverrides{
    "RequestTTY=no",     // a tty would echo and translate
    "ControlMaster=no",  // a shared connection dies with somebody else's session
    "ControlPath=none",
    "RemoteCommand=none",  // ours stands on the command line, and ssh refuses both
    "SessionType=default",
    "StdinNull=no",
    "ForkAfterAuthentication=no",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "Tunnel=no",
    "Compression=no",  // most traffic is compressed already, and its length would tell of its content
    "PermitLocalCommand=no",
    "EscapeChar=none",
};
// Behind the user's own -o.
constexpr std::array kDefaults{
    "ConnectTimeout=15",
    "LogLevel=INFO",  // failures are told apart by what ssh says
};

// ssh runs this by its $SHELL -c and takes the connected socket from the command's standard output. A
// constant: what differs from call to call is in the environment, and the shell parses none of it.
constexpr const char* kProxyCommand = "ProxyCommand=\"$ISTHMUS_PROGRAM\" connect-for-ssh";

std::vector<std::string> add_choices(const DialChoices& choices, Argv& argv) {
  if (choices.known) argv.add("-o", "HostName=" + choices.known->address);
  if (choices.known) argv.add("-o", "HostKeyAlias=" + choices.known->host_key_name);
  if (!choices.connector) return {};
  argv.add("-o", "ProxyUseFdpass=yes");
  argv.add("-o", kProxyCommand);
  return {"ISTHMUS_PROGRAM=" + choices.connector->program,
          std::string{kConnectVariable} + "=" + encode_ssh_target(choices.connector->target)};
}

void add_openssh(const UpOptions& options, const DialChoices& choices, Argv& argv) {
  argv.add("-T");
  for (const char* override : kOverrides) argv.add("-o", override);
  if (choices.dial == Dial::kAgain) argv.add("-o", "BatchMode=yes");
  for (const std::string& option : options.ssh_options) argv.add("-o", option);
  for (const char* standard : kDefaults) argv.add("-o", standard);
  if (!choices.ciphers.empty()) argv.add("-o", "Ciphers=" + choices.ciphers);
  if (options.ssh_config) argv.add("-F", *options.ssh_config);
  if (options.jump) argv.add("-J", *options.jump);
  for (const std::string& identity : options.identities) argv.add("-i", identity);
  if (options.destination.port) argv.add("-p", std::to_string(*options.destination.port));
  if (!options.destination.user.empty()) argv.add("-l", options.destination.user);
  argv.add("--");
  argv.add(options.destination.host);
}

std::vector<std::string> program_of(const UpOptions& options) {
  return options.ssh_words.empty() ? std::vector<std::string>{"ssh"} : options.ssh_words;
}

void add_dropbear(const UpOptions& options, Argv& argv) {
  argv.add("-T");
  for (const std::string& identity : options.identities) argv.add("-i", identity);
  if (options.destination.port) argv.add("-p", std::to_string(*options.destination.port));
  if (!options.destination.user.empty()) argv.add("-l", options.destination.user);
  argv.add(options.destination.host);
}

void add_putty(const UpOptions& options, Dial dial, Argv& argv) {
  argv.add("-ssh");
  argv.add("-T");
  argv.add("-x");
  argv.add("-a");
  if (dial == Dial::kAgain) argv.add("-batch");
  for (const std::string& identity : options.identities) argv.add("-i", identity);
  if (options.destination.port) argv.add("-P", std::to_string(*options.destination.port));
  if (!options.destination.user.empty()) argv.add("-l", options.destination.user);
  argv.add(options.destination.host);
}

}  // namespace

Result<std::vector<std::string>> split_ssh_words(std::string_view text) {
  return split_words(text, "-e");
}

bool is_openssh(const std::vector<std::string>& words) {
  return kind_of(words) == SshKind::kOpenSsh;
}

std::vector<std::string> ssh_settings_command(const UpOptions& options) {
  Argv argv{program_of(options)};
  // A program of the user's own is not asked what it may not know.
  const bool is_ssh = std::ranges::any_of(program_of(options),
                                          [](const std::string& word) { return base_name(word) == "ssh"; });
  if (!is_ssh) return {};
  argv.add("-G");
  add_openssh(options, {}, argv);
  return argv.take();
}

bool starts_ssh_itself(const std::vector<std::string>& words) {
  return words.empty() || base_name(words.front()) == "ssh";
}

SshCommand ssh_command(const UpOptions& options, const Greeting& caller, const DialChoices& choices) {
  const std::vector<std::string> program = program_of(options);
  SshCommand command;
  Argv argv{program};
  switch (kind_of(program)) {
    case SshKind::kOpenSsh:
      command.environment = add_choices(choices, argv);
      add_openssh(options, choices, argv);
      break;
    case SshKind::kDropbear:
      add_dropbear(options, argv);
      break;
    case SshKind::kPutty:
      add_putty(options, choices.dial, argv);
      break;
  }
  argv.add(options.remote_command ? *options.remote_command : default_remote_command(caller));
  command.argv = argv.take();
  return command;
}

std::string default_remote_command(const Greeting& caller) {
  // Quoted once and free of quotes inside, so that sh, csh, fish and whatever else is a login shell there
  // hands the same words to sh. The greeting holds letters, digits and . _ - , only.
  return fmt::format(
      "exec /bin/sh -c 'PATH=\"$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin\"; "
      "program=$(command -v isthmus) || {{ echo isthmus: not found >&2; exit 127; }}; "
      "if [ \"$(id -u)\" = 0 ]; then exec \"$program\" attach --caller {0}; fi; "
      "exec sudo -n \"$program\" attach --caller {0}'",
      encode_greeting(caller));
}

}  // namespace isthmus::config
