// Whatever the words, they are understood, or refused in printable lines; and what ssh is to run of them has
// the destination behind "--", as words that no shell and no ssh could take for anything else.
//
// Input: the words, a line each.
#include <algorithm>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/check.h"
#include "base/printable.h"
#include "config/command_line.h"
#include "config/ssh_command.h"

namespace {

using namespace isthmus;
using namespace isthmus::config;

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

void check_refusal(const UsageError& error) {
  CHECK(error.exit_code != 0 && error.text.ends_with('\n'));
  for (const std::string& line : lines_of(error.text)) CHECK(printable(line, line.size()) == line);
}

void check_words_for_ssh(const UpOptions& options) {
  if (!is_openssh(options.ssh_words)) return;
  const std::vector<std::string> argv = ssh_command(options, {}, {}).argv;
  CHECK(argv.size() >= 3 && argv[argv.size() - 3] == "--");
  const std::string& destination = argv[argv.size() - 2];  // and then what the far end is to run
  CHECK(!destination.empty() && destination.front() != '-');
  CHECK(destination.find_first_of(" \t\n\r;|&$`'\"\\<>(){}*?!#~%") == std::string::npos);
  CHECK(!options.name.empty() && options.name.front() != '.' && !options.name.contains('/'));
  for (const std::string& option : options.ssh_options) CHECK(check_ssh_option(option).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto command = parse_command_line(lines_of(text_of({data, size})));
  if (!command) check_refusal(command.error());
  if (!command) return 0;
  if (const auto* up = std::get_if<UpCommand>(&*command)) check_words_for_ssh(up->options);
  if (const auto* plan = std::get_if<PlanCommand>(&*command)) check_words_for_ssh(plan->options);
  return 0;
}
