#include "io/policy_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/guard.h"
#include "io/unique_fd.h"

namespace isthmus::io {
namespace {

Result<void> check_owner(const struct stat& status, const std::string& path) {
  const bool is_owner_trusted = status.st_uid == 0 || status.st_uid == geteuid();
  if (!guard<Guard::kPolicyOwner>(is_owner_trusted))
    return fail(Error::Code::kRefused, path + " is not owned by root: chown root " + path);
  if (!guard<Guard::kPolicyMode>((status.st_mode & (S_IWGRP | S_IWOTH)) == 0)) {
    return fail(Error::Code::kRefused, path + " can be written by others: chmod go-w " + path);
  }
  return {};
}

}  // namespace

Result<std::optional<std::string>> read_policy_file(const std::string& path, std::size_t most) {
  const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  if (!file.is_open() && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  if (!file.is_open() && errno == ELOOP)
    return fail(Error::Code::kRefused, path + " is a symbolic link: put the file itself there");
  if (!file.is_open()) return fail_errno(errno, "open " + path);

  struct stat status{};
  if (fstat(file.get(), &status) != 0) return fail_errno(errno, "look at " + path);
  if (!guard<Guard::kPolicyKind>(S_ISREG(status.st_mode)))
    return fail(Error::Code::kRefused, path + " is no regular file");
  TRY(check_owner(status, path));
  const std::string directory = std::filesystem::path(path).parent_path().string();
  struct stat above{};
  if (stat(directory.c_str(), &above) != 0) return fail_errno(errno, "look at " + directory);
  TRY(check_owner(above, directory));

  if (static_cast<std::size_t>(status.st_size) > most) {
    return fail(Error::Code::kRefused, path + " is longer than " + std::to_string(most) + " octets");
  }
  std::string text(most + 1, '\0');
  std::size_t length = 0;
  while (length < text.size()) {
    const ssize_t count = ::read(file.get(), text.data() + length, text.size() - length);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(errno, "read " + path);
    if (count == 0) break;
    length += static_cast<std::size_t>(count);
  }
  if (!guard<Guard::kPolicySize>(length <= most))
    return fail(Error::Code::kRefused, path + " is longer than " + std::to_string(most) + " octets");
  text.resize(length);
  return text;
}

}  // namespace isthmus::io
