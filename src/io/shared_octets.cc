#include "io/shared_octets.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace isthmus::io {

Result<UniqueFd> share_octets(ConstBytes octets) {
  UniqueFd fd{memfd_create("isthmus", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!fd.is_open()) return fail_errno(errno, "make memory to share");
  while (!octets.empty()) {
    const ssize_t written = write(fd.get(), octets.data(), octets.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return fail_errno(errno, "fill memory to share");
    octets = octets.subspan(static_cast<std::size_t>(written));
  }
  constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
  if (fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0) return fail_errno(errno, "seal memory to share");
  return fd;
}

Result<Bytes> read_shared_octets(const UniqueFd& fd) {
  Bytes octets;
  std::array<std::uint8_t, 65536> part{};
  while (true) {
    const ssize_t count = pread(fd.get(), part.data(), part.size(), static_cast<off_t>(octets.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(errno, "read shared memory");
    if (count == 0) return octets;
    octets.insert(octets.end(), part.begin(), part.begin() + count);
  }
}

}  // namespace isthmus::io
