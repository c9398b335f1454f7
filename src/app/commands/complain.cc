#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "app/commands/commands.h"
#include "io/log.h"

namespace isthmus::app {

void complain(const std::string& text) {
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = io::log_line(std::string_view{text}.substr(begin, end - begin));
    std::fputs(fmt::format("{}{}\n", begin == 0 ? "isthmus: " : "  ", line).c_str(), stderr);
    begin = end + 1;
  }
}

bool is_root(const std::string& otherwise) {
  if (geteuid() == 0) return true;
  complain(otherwise);
  return false;
}

bool may_change_machine() {
  return is_root(
      "joining networks changes interfaces and routes, and needs root: run it with sudo\n"
      "(ssh itself still runs as you, with your keys and configuration)");
}

}  // namespace isthmus::app
