#include "io/ancestor_environment.h"

#include <unistd.h>

#include <array>
#include <charconv>
#include <fstream>
#include <string_view>

namespace isthmus::io {
namespace {

constexpr int kMaxAncestors = 8;
constexpr std::size_t kMaxEnvironment = 1U << 18;

std::string start_of_file(const std::string& path, std::size_t limit) {
  std::ifstream file{path, std::ios::binary};
  std::string text(limit, '\0');
  file.read(text.data(), static_cast<std::streamsize>(limit));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

std::optional<std::string> variable_in(std::string_view environment, const std::string& name) {
  const std::string prefix = name + "=";
  while (!environment.empty()) {
    const std::string_view entry = environment.substr(0, environment.find('\0'));
    environment.remove_prefix(std::min(environment.size(), entry.size() + 1));
    if (entry.starts_with(prefix)) return std::string{entry.substr(prefix.size())};
  }
  return std::nullopt;
}

}  // namespace

std::optional<pid_t> parent_of(pid_t pid) {
  const std::string stat = start_of_file("/proc/" + std::to_string(pid) + "/stat", 1024);
  // "PID (NAME) STATE PPID": the name may hold anything, so count from its last parenthesis.
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos || stat.size() < name_end + 5) return std::nullopt;
  pid_t parent = 0;
  const auto [end, error] = std::from_chars(stat.data() + name_end + 4, stat.data() + stat.size(), parent);
  if (error != std::errc{}) return std::nullopt;
  return parent;
}

std::optional<std::string> ancestor_variable(const std::string& name) {
  pid_t pid = getppid();
  for (int depth = 0; depth < kMaxAncestors && pid > 1; ++depth) {
    const std::string environment =
        start_of_file("/proc/" + std::to_string(pid) + "/environ", kMaxEnvironment);
    if (std::optional<std::string> value = variable_in(environment, name)) return value;
    pid = parent_of(pid).value_or(0);
  }
  return std::nullopt;
}

}  // namespace isthmus::io
