// The whole command line, understood or refused before anything is touched.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "config/commands.h"

namespace isthmus::config {

// To be printed on stderr, newline-terminated.
struct UsageError {
  std::string text;
  int exit_code = 2;  // kUsage, or PppExit::kOptionError for `isthmus ppp`
};

// `words` without the program's own name.
std::expected<Command, UsageError> parse_command_line(const std::vector<std::string>& words);

// The help of one command, or of the program for an empty topic; the program's again for an unknown one.
std::string help_text(std::string_view topic);

}  // namespace isthmus::config
