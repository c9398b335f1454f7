#include "io/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

namespace isthmus::io {

Result<void> keep_capabilities(std::initializer_list<int> kept) {
  constexpr int kBits = 32;
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (syscall(SYS_capget, &header, sets.data()) != 0) return fail_errno(errno, "read capabilities");
  std::array<std::uint32_t, _LINUX_CAPABILITY_U32S_3> masks{};
  for (const int capability : kept)
    masks[static_cast<std::size_t>(capability / kBits)] |= 1U << (capability % kBits);
  for (std::size_t i = 0; i < sets.size(); ++i) {
    sets[i].permitted &= masks[i];
    sets[i].effective = sets[i].permitted;
    sets[i].inheritable = 0;
  }
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (syscall(SYS_capset, &header, sets.data()) != 0) return fail_errno(errno, "drop capabilities");
  return {};
}

}  // namespace isthmus::io
