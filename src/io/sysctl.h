// Reads and writes below /proc/sys/net.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace isthmus::io {

class Sysctl {
 public:
  // `root` stands for /proc/sys in tests.
  explicit Sysctl(std::filesystem::path root = "/proc/sys") : root_(std::move(root)) {}

  // Keys as in SysctlChange::key. kInvalid outside "net.", with an empty part or with "..";
  // kNotFound if this kernel has no such key (or the interface is gone).
  [[nodiscard]] Result<std::string> read(std::string_view key) const;  // without the final newline
  [[nodiscard]] Result<void> write(std::string_view key, std::string_view value) const;

  // "net.ipv4.conf.eth0/100.forwarding" is ROOT/net/ipv4/conf/eth0.100/forwarding.
  [[nodiscard]] Result<std::filesystem::path> path_of(std::string_view key) const;

 private:
  std::filesystem::path root_;
};

}  // namespace isthmus::io
