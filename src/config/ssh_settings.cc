#include "config/ssh_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

namespace isthmus::config {
namespace {

using Lines = std::map<std::string, std::string, std::less<>>;

Lines lines_of(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t blank = std::min(line.find(' '), line.size());
    const std::size_t value = std::min(blank + 1, line.size());
    lines.emplace(line.substr(0, blank), line.substr(value));
  }
  return lines;
}

std::string value_of(const Lines& lines, std::string_view key) {
  const auto place = lines.find(key);
  return place == lines.end() || place->second == "none" ? std::string{} : place->second;
}

// Whether these known_hosts files keep nothing: none at all, or only the one that forgets.
bool keeps_nothing(std::string_view files) {
  while (!files.empty()) {
    const std::size_t end = std::min(files.find(' '), files.size());
    const std::string_view file = files.substr(0, end);
    files.remove_prefix(std::min(end + 1, files.size()));
    if (!file.empty() && file != "none" && file != "/dev/null") return false;
  }
  return true;
}

std::string weakness_of(const Lines& lines) {
  const std::string checking = value_of(lines, "stricthostkeychecking");
  if (checking == "false" || checking == "off" || checking == "no") return "StrictHostKeyChecking no";
  if (value_of(lines, "nohostauthenticationforlocalhost") == "yes")
    return "NoHostAuthenticationForLocalhost yes";
  const bool is_forgetful = keeps_nothing(value_of(lines, "userknownhostsfile")) &&
                            keeps_nothing(value_of(lines, "globalknownhostsfile")) &&
                            value_of(lines, "knownhostscommand").empty();
  if (checking == "accept-new" && is_forgetful)
    return "StrictHostKeyChecking accept-new with no known_hosts file that keeps a key";
  return "";
}

}  // namespace

SshSettings parse_ssh_settings(std::string_view text) {
  const Lines lines = lines_of(text);
  SshSettings settings;
  settings.host_name = value_of(lines, "hostname");
  const std::string port = value_of(lines, "port");
  std::from_chars(port.data(), port.data() + port.size(), settings.port);
  settings.host_key_alias = value_of(lines, "hostkeyalias");
  settings.is_direct = !settings.host_name.empty() && value_of(lines, "proxycommand").empty() &&
                       value_of(lines, "proxyjump").empty();
  settings.weakness = weakness_of(lines);
  return settings;
}

std::string known_hosts_name(const SshSettings& settings) {
  if (!settings.host_key_alias.empty()) return settings.host_key_alias;
  if (settings.port == 22) return settings.host_name;
  return fmt::format("[{}]:{}", settings.host_name, settings.port);
}

}  // namespace isthmus::config
