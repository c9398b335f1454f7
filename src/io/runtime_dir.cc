#include "io/runtime_dir.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <tuple>

#include "base/guard.h"
#include "io/fresh_file.h"
#include "io/unique_fd.h"

namespace isthmus::io {
namespace {

constexpr std::size_t kMaxSessionName = 64;
constexpr std::size_t kBootIdDigits = 8;
// Names the namespace beyond its inode number, which the kernel uses again.
constexpr std::string_view kCookieFile = "namespace";

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-';
}

Result<std::string> boot_id() {
  std::ifstream in("/proc/sys/kernel/random/boot_id");
  std::string id;
  if (!(in >> id) || id.size() < kBootIdDigits) {
    return fail(Error::Code::kUnsupported, "read /proc/sys/kernel/random/boot_id: no boot id there");
  }
  return id.substr(0, kBootIdDigits);
}

Result<std::string> directory_name() {
  const std::string boot = TRY(boot_id());
  struct stat space{};
  if (::stat("/proc/self/ns/net", &space) != 0) return fail_errno(errno, "stat /proc/self/ns/net");
  return boot + "-" + std::to_string(space.st_ino);
}

// The kernel's number for this network namespace, never used twice in a boot; empty before Linux 5.14.
std::string namespace_cookie() {
#ifdef SO_NETNS_COOKIE
  const UniqueFd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  std::uint64_t cookie = 0;
  socklen_t length = sizeof cookie;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) == 0) {
    return std::to_string(cookie);
  }
#endif
  return {};
}

Result<void> check_directory(const std::filesystem::path& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return fail(Error::Code::kNotFound, path.string() + " does not exist");
    return fail_errno(errno, "stat " + path.string());
  }
  if (!guard<Guard::kRuntimeKind>(S_ISDIR(info.st_mode))) {
    return fail(Error::Code::kRefused, path.string() + " is not a directory (a symlink is refused too)");
  }
  if (!guard<Guard::kRuntimeOwner>(info.st_uid == ::geteuid())) {
    return fail(Error::Code::kRefused,
                path.string() + " belongs to user " + std::to_string(info.st_uid) + ", not to us");
  }
  if (!guard<Guard::kRuntimeMode>((info.st_mode & (S_IWGRP | S_IWOTH)) == 0)) {
    return fail(Error::Code::kRefused, path.string() + " can be written by others: chmod go-w it");
  }
  return {};
}

Result<void> make_directory(const std::filesystem::path& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return fail_errno(errno, "mkdir " + path.string());
  return check_directory(path);
}

// Journals of a namespace that is gone describe changes that went with it.
void forget_earlier_namespace(const std::filesystem::path& path) {
  const std::string cookie = namespace_cookie();
  if (cookie.empty()) return;
  const std::filesystem::path file = path / kCookieFile;
  std::ifstream in(file);
  std::string written;
  if (in >> written && written != cookie) {
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      std::error_code ignored;
      std::filesystem::remove_all(entry.path(), ignored);
    }
  }
  if (written != cookie) std::ignore = replace_file(file, file.string() + ".new", cookie + "\n");
}

bool is_our_directory_name(const std::string& name) {
  if (name.size() <= kBootIdDigits + 1 || name[kBootIdDigits] != '-') return false;
  const bool has_boot_id = std::all_of(name.begin(), name.begin() + kBootIdDigits, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
  return has_boot_id && std::all_of(name.begin() + kBootIdDigits + 1, name.end(),
                                    [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Result<RuntimeDir> RuntimeDir::open(const std::filesystem::path& base) {
  const std::string name = TRY(directory_name());
  TRY(make_directory(base, 0755));
  TRY(make_directory(base / name, 0700));
  forget_earlier_namespace(base / name);
  return RuntimeDir{base, base / name};
}

Result<RuntimeDir> RuntimeDir::find(const std::filesystem::path& base) {
  const std::string name = TRY(directory_name());
  TRY(check_directory(base));
  TRY(check_directory(base / name));
  return RuntimeDir{base, base / name};
}

Result<std::filesystem::path> RuntimeDir::file_of(std::string_view name, std::string_view extension) const {
  if (!is_session_name(name)) {
    return fail(Error::Code::kInvalid,
                "\"" + std::string{name} +
                    "\" cannot be a session's name: letters, digits, '.', '_' and '-', "
                    "at most 64, not beginning with '.' or '-'");
  }
  return path_ / (std::string{name} + "." + std::string{extension});
}

std::vector<std::string> RuntimeDir::remove_stale() const {
  std::vector<std::string> lines;
  const std::string boot = path_.filename().string().substr(0, kBootIdDigits);
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(base_, error)) {
    const std::string name = entry.path().filename().string();
    const bool is_directory = entry.symlink_status(error).type() == std::filesystem::file_type::directory;
    if (!is_directory || !is_our_directory_name(name)) continue;
    if (!guard<Guard::kBootId>(!name.starts_with(boot))) continue;
    std::filesystem::remove_all(entry.path(), error);
    if (!error) lines.push_back("removed " + entry.path().string() + " of an earlier boot");
  }
  return lines;
}

bool is_session_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxSessionName) return false;
  const bool has_plain_start = name.front() != '.' && name.front() != '-';
  return guard<Guard::kSessionName>(has_plain_start &&
                                    std::all_of(name.begin(), name.end(), is_name_character));
}

std::string session_name_from(std::string_view text) {
  std::string name{text.substr(0, kMaxSessionName)};
  std::replace_if(name.begin(), name.end(), [](char c) { return !is_name_character(c); }, '-');
  const std::size_t begin = name.find_first_not_of(".-");
  return begin == std::string::npos ? "session" : name.substr(begin);
}

}  // namespace isthmus::io
