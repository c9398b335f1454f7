// isthmus: one program, one command a run.
#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <variant>
#include <vector>

#include "app/commands/commands.h"
#include "app/commands/ppp.h"
#include "config/command_line.h"
#include "config/exit_codes.h"
#include "config/ssh_target.h"

namespace isthmus::app {
namespace {

constexpr const char* kVersion = ISTHMUS_VERSION;

int run(const config::UpCommand& command) {
  return static_cast<int>(run_up(command.options));
}
int run(const config::PlanCommand& command) {
  return static_cast<int>(run_plan(command.options));
}
int run(const config::DownCommand& command) {
  return static_cast<int>(run_down(command));
}
int run(const config::StatusCommand& command) {
  return static_cast<int>(run_status(command));
}
int run(const config::CleanupCommand& command) {
  return static_cast<int>(run_cleanup(command));
}
int run(const config::AttachCommand& command) {
  return static_cast<int>(run_attach(command));
}
int run(const config::PppCommand& command) {
  return run_ppp(command.options);
}
int run(const config::HelpCommand& command) {
  return std::fputs(config::help_text(command.topic).c_str(), stdout) < 0;
}
int run(const config::VersionCommand&) {
  return std::printf("isthmus %s\n", kVersion) < 0;
}

int run(const std::vector<std::string>& words) {
  if (words.size() == 1 && words[0] == kSessionOwnerWord) return static_cast<int>(run_session_owner());
  if (words.size() == 1 && words[0] == config::kConnectForSshWord)
    return static_cast<int>(run_connect_for_ssh() ? config::ExitCode::kOk : config::ExitCode::kFailed);
  const auto command = config::parse_command_line(words);
  if (!command) {
    std::fputs(command.error().text.c_str(), stderr);
    return command.error().exit_code;
  }
  return std::visit([](const auto& what) { return run(what); }, *command);
}

}  // namespace
}  // namespace isthmus::app

int main(int argc, char** argv) {
  // A stream whose reader is gone is an error of write(), not a reason to die without undoing anything.
  std::signal(SIGPIPE, SIG_IGN);
  // Nothing of ours throws. What a library throws past all who should have stopped it (memory that is used
  // up) ends the program here, so that on the way whatever has an undo is undone; uncaught, it would end it
  // on the spot.
  try {
    return isthmus::app::run({argv + 1, argv + argc});
  } catch (const std::bad_alloc&) {
    std::fputs("isthmus: out of memory; `isthmus cleanup` undoes what was left\n", stderr);
    return static_cast<int>(isthmus::config::ExitCode::kFailed);
  } catch (const std::exception& fault) {
    std::fputs("isthmus: ", stderr);
    std::fputs(fault.what(), stderr);
    std::fputs("\n", stderr);
    return static_cast<int>(isthmus::config::ExitCode::kFailed);
  }
}
