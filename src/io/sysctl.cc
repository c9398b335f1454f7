#include "io/sysctl.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/guard.h"
#include "io/unique_fd.h"

namespace isthmus::io {
namespace {

// A key goes with its interface, also between its open and its read or write.
std::unexpected<Error> fail_key(int os_errno, const char* what, std::string_view key) {
  if (os_errno == ENOENT) return fail(Error::Code::kNotFound, "no sysctl " + std::string{key} + " here");
  return fail_errno(os_errno, what + (" sysctl " + std::string{key}));
}

Result<UniqueFd> open_key(const std::filesystem::path& path, std::string_view key, int flags) {
  UniqueFd file{::open(path.c_str(), flags | O_CLOEXEC)};
  if (file.is_open()) return file;
  return fail_key(errno, "open", key);
}

}  // namespace

Result<std::filesystem::path> Sysctl::path_of(std::string_view key) const {
  if (!guard<Guard::kSysctlKey>(key.starts_with("net."))) {
    return fail(Error::Code::kInvalid, "sysctl " + std::string{key} + " is not below net.");
  }
  std::string relative;
  bool at_part_start = true;
  for (const char c : key) {
    const bool is_bad = c <= ' ' || c == '\x7f' || (at_part_start && (c == '.' || c == '/'));
    if (!guard<Guard::kSysctlKey>(!is_bad))
      return fail(Error::Code::kInvalid, "sysctl key " + std::string{key} + " has a bad part");
    at_part_start = c == '.';
    // The two change places, as sysctl(8) has it: only a dot of the key can climb to another directory.
    relative += c == '.' ? '/' : c == '/' ? '.' : c;
  }
  if (at_part_start || relative.find("..") != std::string::npos) {
    return fail(Error::Code::kInvalid, "sysctl key " + std::string{key} + " has a bad part");
  }
  return root_ / relative;
}

Result<std::string> Sysctl::read(std::string_view key) const {
  const std::filesystem::path path = TRY(path_of(key));
  const UniqueFd file = TRY(open_key(path, key, O_RDONLY));
  std::array<char, 4096> buffer{};
  const ssize_t length = ::read(file.get(), buffer.data(), buffer.size());
  if (length < 0) return fail_key(errno, "read", key);
  std::string value(buffer.data(), static_cast<std::size_t>(length));
  while (value.ends_with('\n')) value.pop_back();
  return value;
}

Result<void> Sysctl::write(std::string_view key, std::string_view value) const {
  const std::filesystem::path path = TRY(path_of(key));
  const UniqueFd file = TRY(open_key(path, key, O_WRONLY | O_TRUNC));
  const ssize_t length = ::write(file.get(), value.data(), value.size());
  if (length < 0) return fail_key(errno, "write", key);
  if (static_cast<std::size_t>(length) != value.size()) {
    return fail(Error::Code::kSystem, "write sysctl " + std::string{key} + ": cut short");
  }
  return {};
}

}  // namespace isthmus::io
