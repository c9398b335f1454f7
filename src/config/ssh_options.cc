// Which of ssh's options and flags a user may pass on: check_ssh_option and check_ssh_words of ssh_command.h.
#include <algorithm>
#include <array>
#include <span>

#include "base/guard.h"
#include "base/printable.h"
#include "config/ssh_command.h"

namespace isthmus::config {
namespace {

constexpr const char* kBreaksStream = "it would break the stream";
constexpr const char* kNoForwards =
    "this connection carries the link and nothing else; forward in an ssh of its own";
constexpr const char* kAnyHost = "it would take any machine for the far side";

struct OptionRule {
  std::string_view key;                       // lower case
  std::array<std::string_view, 3> permitted;  // values; none at all: never
  const char* reason;
};

constexpr std::array kOptionRules{
    OptionRule{"stricthostkeychecking", {"yes", "ask", "accept-new"}, kAnyHost},
    OptionRule{"nohostauthenticationforlocalhost", {"no"}, kAnyHost},
    OptionRule{"requesttty", {"no"}, kBreaksStream},
    OptionRule{"remotecommand", {"none"}, "the command goes with --remote-command"},
    OptionRule{"sessiontype", {"default"}, kBreaksStream},
    OptionRule{"stdinnull", {"no"}, kBreaksStream},
    OptionRule{"forkafterauthentication", {"no"}, kBreaksStream},
    OptionRule{"escapechar", {"none"}, kBreaksStream},
    OptionRule{"controlmaster", {"no"}, "a shared connection dies with somebody else's session"},
    OptionRule{"controlpath", {"none"}, "a shared connection dies with somebody else's session"},
    OptionRule{"controlpersist", {"no"}, "a shared connection dies with somebody else's session"},
    OptionRule{"compression", {"no"}, "it delays packets, and their length would tell of their content"},
    OptionRule{"localforward", {}, kNoForwards},
    OptionRule{"remoteforward", {}, kNoForwards},
    OptionRule{"dynamicforward", {}, kNoForwards},
    OptionRule{"clearallforwardings", {"yes"}, kNoForwards},
    OptionRule{"forwardagent", {"no"}, kNoForwards},
    OptionRule{"forwardx11", {"no"}, kNoForwards},
    OptionRule{"forwardx11trusted", {"no"}, kNoForwards},
    OptionRule{"tunnel", {"no"}, kNoForwards},
    OptionRule{"tunneldevice", {}, kNoForwards},
    OptionRule{"stdioforward", {}, kNoForwards},
    OptionRule{"permitlocalcommand", {"no"}, "nothing else is run on this machine"},
    OptionRule{"localcommand", {}, "nothing else is run on this machine"},
};

std::unexpected<Error> refuse(std::string_view what, const char* reason) {
  return fail(Error::Code::kRefused, "ssh " + printable(what, 100) + " is refused: " + reason);
}

std::string lower(std::string_view text) {
  std::string out{text};
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

struct KeyValue {
  std::string key, value;  // lower case
};

// "Key=value", "Key value", "Key = \"value\"": as ssh reads them.
KeyValue split_option(std::string_view option) {
  constexpr std::string_view kSkipped = " \t=\"";
  const std::size_t start = std::min(option.find_first_not_of(kSkipped), option.size());
  const std::size_t end = std::min(option.find_first_of(kSkipped, start), option.size());
  std::string_view value = option.substr(end);
  value.remove_prefix(std::min(value.find_first_not_of(kSkipped), value.size()));
  value = value.substr(0, value.find_last_not_of(" \t\"") + 1);
  return {lower(option.substr(start, end - start)), lower(value)};
}

bool has_control_characters(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// ---- the flags in -e ----

constexpr std::string_view kOpenSshWithArgument = "bBcDeEFiIJlLmoOpPQRSwW";
constexpr std::string_view kDropbearWithArgument = "bBciIJKlLmoPpRW";

struct FlagRule {
  std::string_view flags;
  const char* reason;
};
constexpr std::array kOpenSshFlags{
    FlagRule{"tfNnsGVQO", kBreaksStream},
    FlagRule{"LRDWwgAXY", kNoForwards},
    FlagRule{"MS", "a shared connection dies with somebody else's session"},
    FlagRule{"C", "it delays packets, and their length would tell of their content"},
};
constexpr std::array kDropbearFlags{
    FlagRule{"tfNsV", kBreaksStream},
    FlagRule{"LRBAg", kNoForwards},
    FlagRule{"y", kAnyHost},
};

const char* reason_against(char flag, std::span<const FlagRule> rules) {
  for (const FlagRule& rule : rules)
    if (!guard<Guard::kSshFlag>(!rule.flags.contains(flag))) return rule.reason;
  return nullptr;
}

// One program's words after its name, read as getopt reads them.
struct FlagSyntax {
  std::string_view with_argument;
  std::span<const FlagRule> rules;
};

Result<void> check_argument(char flag, const std::string& argument) {
  if (flag == 'o') return check_ssh_option(argument);
  if (flag == 'e' && lower(argument) != "none") return refuse("-e " + argument, kBreaksStream);
  return {};
}

// Returns whether the following word is this word's argument.
Result<bool> check_flags(const std::string& word, const std::string* next, const FlagSyntax& syntax) {
  for (std::size_t i = 1; i < word.size(); ++i) {
    const char flag = word[i];
    if (const char* reason = reason_against(flag, syntax.rules))
      return refuse(std::string{'-', flag}, reason);
    if (!syntax.with_argument.contains(flag)) continue;
    const bool is_joined = i + 1 < word.size();
    if (!is_joined && next == nullptr) return refuse(word, "its value is missing");
    TRY(check_argument(flag, is_joined ? word.substr(i + 1) : *next));
    return !is_joined;
  }
  return false;
}

Result<void> check_words(std::span<const std::string> words, const FlagSyntax& syntax) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word.size() < 2 || word.front() != '-' || word == "--")
      return refuse("'" + word + "'", "the destination stands on isthmus' command line, not in -e");
    const std::string* next = i + 1 < words.size() ? &words[i + 1] : nullptr;
    if (TRY(check_flags(word, next, syntax))) ++i;
  }
  return {};
}

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

Result<void> check_ssh_option(std::string_view option) {
  if (has_control_characters(option)) return refuse("option", "it holds control characters");
  const auto [key, value] = split_option(option);
  if (key.empty()) return fail(Error::Code::kInvalid, "-o: it is Key=value, as in -o ConnectTimeout=5");
  const bool is_forgetful = key == "userknownhostsfile" && value.contains("/dev/null");
  if (!guard<Guard::kKnownHosts>(!is_forgetful)) return refuse("option " + printable(option, 80), kAnyHost);
  for (const OptionRule& rule : kOptionRules) {
    if (rule.key != key) continue;
    const bool is_permitted =
        !value.empty() && std::ranges::find(rule.permitted, value) != rule.permitted.end();
    if (!guard<Guard::kSshOption>(is_permitted))
      return refuse("option " + printable(option, 80), rule.reason);
  }
  return {};
}

Result<void> check_ssh_words(const std::vector<std::string>& words) {
  for (const std::string& word : words)
    if (has_control_characters(word)) return refuse("-e", "it holds control characters");

  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view program = base_name(words[i]);
    const std::span<const std::string> rest = std::span{words}.subspan(i + 1);
    if (program == "ssh") return check_words(rest, {kOpenSshWithArgument, kOpenSshFlags});
    if (program == "dbclient") return check_words(rest, {kDropbearWithArgument, kDropbearFlags});
    // PuTTY spells its options as words of several letters.
    if (program == "plink") return {};
  }
  return {};  // a program of the user's own, which must know what it does
}

}  // namespace isthmus::config
