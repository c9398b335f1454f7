#include "config/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>

#include "base/printable.h"
#include "config/exit_codes.h"
#include "config/nearest_word.h"
#include "config/up_words.h"

namespace isthmus::config {
namespace {

using Words = std::vector<std::string>;
using Parsed = std::expected<Command, UsageError>;

constexpr std::size_t kMaxWords = 1000;
constexpr std::size_t kMaxWord = 8192;

std::unexpected<UsageError> usage(const std::string& command, const std::string& why) {
  const std::string name = command.empty() ? "isthmus" : "isthmus " + command;
  const std::string topic = command.empty() ? "isthmus help" : "isthmus help " + command;
  return std::unexpected(UsageError{fmt::format("{}: {}\n{} says more\n", name, printable(why, 600), topic),
                                    static_cast<int>(ExitCode::kUsage)});
}

// Runs CLI11 over the words; its exceptions end here. True: help was asked for.
std::expected<bool, UsageError> understand(CLI::App& app, const std::string& command, const Words& words) {
  Words backwards(words.rbegin(), words.rend());  // as CLI11 takes a vector
  app.set_help_flag("-h,--help", "");
  try {
    app.parse(backwards);
  } catch (const CLI::CallForHelp&) {
    return true;
  } catch (const CLI::ExtrasError&) {
    return usage(command, describe_extras(app, words));
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string_view what{error.what()};
    return usage(command, std::string{what.substr(0, what.find(':'))} + " needs a value");
  } catch (const CLI::ParseError& error) {
    return usage(command, error.what());
  }
  return false;
}

void add_verbosity(CLI::App& app, int& verbosity) {
  app.add_flag("-v", verbosity);
}

Parsed parse_up_like(const std::string& command, const Words& words) {
  UpWords raw;
  CLI::App app;
  declare(app, raw);
  const auto asked = understand(app, command, words);
  if (!asked) return std::unexpected(asked.error());
  if (*asked) return HelpCommand{command};
  Result<UpOptions> options = make_options(raw);
  if (!options) return usage(command, options.error().message);
  if (command == "plan") return PlanCommand{std::move(*options)};
  return UpCommand{std::move(*options)};
}

Parsed parse_down(const std::string& command, const Words& words) {
  DownCommand down;
  CLI::App app;
  std::string name;
  bool all = false;
  app.add_option("name", name);
  app.add_flag("--all", all);
  add_verbosity(app, down.verbosity);
  const auto asked = understand(app, command, words);
  if (!asked) return std::unexpected(asked.error());
  if (*asked) return HelpCommand{command};
  if (all == !name.empty()) return usage(command, "either a session's NAME or --all is expected");
  if (!all && !is_valid_name(name)) return usage(command, "'" + name + "' cannot name a session");
  if (!all) down.name = name;
  return down;
}

Parsed parse_status(const std::string& command, const Words& words) {
  StatusCommand status;
  CLI::App app;
  std::string name;
  app.add_option("name", name);
  app.add_flag("--json", status.json);
  const auto asked = understand(app, command, words);
  if (!asked) return std::unexpected(asked.error());
  if (*asked) return HelpCommand{command};
  if (!name.empty() && !is_valid_name(name)) return usage(command, "'" + name + "' cannot name a session");
  if (!name.empty()) status.name = name;
  return status;
}

Parsed parse_cleanup(const std::string& command, const Words& words) {
  CleanupCommand cleanup;
  CLI::App app;
  add_verbosity(app, cleanup.verbosity);
  const auto asked = understand(app, command, words);
  if (!asked) return std::unexpected(asked.error());
  if (*asked) return HelpCommand{command};
  return cleanup;
}

Parsed parse_attach(const std::string& command, const Words& words) {
  AttachCommand attach;
  CLI::App app;
  std::string peer, caller;
  const CLI::Option* has_peer = app.add_option("--peer", peer);
  const CLI::Option* has_caller = app.add_option("--caller", caller);
  add_verbosity(app, attach.verbosity);
  const auto asked = understand(app, command, words);
  if (!asked) return std::unexpected(asked.error());
  if (*asked) return HelpCommand{command};
  if (has_peer->count() > 0) {
    if (!is_valid_name(peer)) return usage(command, "--peer '" + peer + "' cannot name a peer");
    attach.peer = peer;
  }
  if (has_caller->count() > 0) {
    const Result<Greeting> greeting = parse_greeting(caller);
    if (!greeting) return usage(command, "--caller: " + greeting.error().message);
    attach.caller = *greeting;
  }
  return attach;
}

// pppd's words, not ours: neither flags nor CLI11.
Parsed parse_ppp(const std::string& command, const Words& words) {
  if (words.size() == 1 && (words[0] == "--help" || words[0] == "-h")) return HelpCommand{command};
  Result<PppOptions> options = parse_ppp_options(words);
  if (options) return PppCommand{std::move(*options)};
  return std::unexpected(
      UsageError{"isthmus ppp: " + options.error().message + "\n", static_cast<int>(PppExit::kOptionError)});
}

Parsed parse_help(const std::string&, const Words& words);

Parsed parse_version(const std::string& command, const Words& words) {
  if (!words.empty()) return usage(command, "nothing follows it");
  return VersionCommand{};
}

struct CommandRow {
  std::string_view name;
  Parsed (*parse)(const std::string& command, const Words& words);
};
constexpr std::array kCommands{
    CommandRow{"up", parse_up_like},      CommandRow{"plan", parse_up_like},
    CommandRow{"down", parse_down},       CommandRow{"status", parse_status},
    CommandRow{"cleanup", parse_cleanup}, CommandRow{"attach", parse_attach},
    CommandRow{"ppp", parse_ppp},         CommandRow{"help", parse_help},
    CommandRow{"--help", parse_help},     CommandRow{"-h", parse_help},
    CommandRow{"version", parse_version}, CommandRow{"--version", parse_version},
    CommandRow{"-V", parse_version},
};

std::vector<std::string_view> command_names() {
  std::vector<std::string_view> names;
  for (const CommandRow& row : kCommands)
    if (!row.name.starts_with('-')) names.push_back(row.name);
  return names;
}

std::unexpected<UsageError> no_command(const std::string& word) {
  return usage("",
               fmt::format("'{}' is no command{}", printable(word, 60), suggestion(word, command_names())));
}

Parsed parse_help(const std::string&, const Words& words) {
  if (words.empty()) return HelpCommand{""};
  if (std::ranges::count(command_names(), std::string_view{words.front()}) == 0)
    return no_command(words.front());
  return HelpCommand{words.front()};
}

}  // namespace

std::expected<Command, UsageError> parse_command_line(const std::vector<std::string>& words) {
  if (words.empty()) return std::unexpected(UsageError{help_text(""), static_cast<int>(ExitCode::kUsage)});
  const auto is_too_long = [](const std::string& word) { return word.size() > kMaxWord; };
  if (words.size() > kMaxWords || std::ranges::any_of(words, is_too_long))
    return usage("", "the command line is too long");

  const auto row = std::ranges::find(kCommands, words.front(), &CommandRow::name);
  if (row == kCommands.end()) return no_command(words.front());
  return row->parse(words.front(), Words(words.begin() + 1, words.end()));
}

}  // namespace isthmus::config
