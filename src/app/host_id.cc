#include "app/host_id.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "io/file_lock.h"
#include "io/system_random.h"
#include "io/unique_fd.h"

namespace isthmus::app {

// Under the file's own lock, so that two sessions that begin at once do not each draw one.
Result<session::HostId> host_id(const io::RuntimeDir& dir) {
  const io::UniqueFd file = TRY(io::lock_file(dir.path() / "host-id"));
  session::HostId id{};
  if (::pread(file.get(), id.data(), id.size(), 0) == static_cast<ssize_t>(id.size())) return id;
  io::SystemRandom{}.fill(id);
  if (::pwrite(file.get(), id.data(), id.size(), 0) != static_cast<ssize_t>(id.size())) {
    return fail_errno(errno, "write " + (dir.path() / "host-id").string());
  }
  return id;
}

std::string machine_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "unnamed";
  const std::string whole = name.data();
  return whole.substr(0, whole.find('.'));
}

std::string hex(ConstBytes octets) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t octet : octets) {
    text.push_back(kDigits[octet >> 4]);
    text.push_back(kDigits[octet & 15]);
  }
  return text;
}

}  // namespace isthmus::app
