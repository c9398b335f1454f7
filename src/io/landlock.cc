#include "io/landlock.h"

#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "io/unique_fd.h"

namespace isthmus::io {
namespace {

// struct landlock_ruleset_attr as of ABI 6: the headers of Debian 12 end at ABI 2. An older kernel is told of
// the part that it knows.
struct Ruleset {
  std::uint64_t files = 0;    // ABI 1, more with 2, 3 and 5
  std::uint64_t network = 0;  // ABI 4
  std::uint64_t scope = 0;    // ABI 6
};
constexpr std::uint64_t kFilesAbi1 = (1U << 13) - 1;
constexpr std::uint64_t kRefer = 1U << 13;        // ABI 2
constexpr std::uint64_t kTruncate = 1U << 14;     // ABI 3
constexpr std::uint64_t kIoctlDevice = 1U << 15;  // ABI 5
constexpr std::uint64_t kBindAndConnectTcp = 3;
constexpr std::uint64_t kAbstractUnixAndSignals = 3;

std::uint64_t files_of(long abi) {
  std::uint64_t files = kFilesAbi1;
  if (abi >= 2) files |= kRefer;
  if (abi >= 3) files |= kTruncate;
  if (abi >= 5) files |= kIoctlDevice;
  return files;
}

std::size_t size_known(long abi) {
  if (abi >= 6) return sizeof(Ruleset);
  return abi >= 4 ? 2 * sizeof(std::uint64_t) : sizeof(std::uint64_t);
}

}  // namespace

Result<std::vector<std::string>> restrict_files() {
  const long abi = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 1)
    return std::vector<std::string>{"this kernel has no Landlock: seccomp alone keeps the engine from files"};
  std::vector<std::string> missing;
  if (abi < 4)
    missing.emplace_back("this kernel's Landlock knows no TCP: seccomp alone keeps the engine from it");
  if (abi < 6)
    missing.emplace_back(
        "this kernel's Landlock knows no abstract UNIX sockets and no signals: seccomp alone keeps from "
        "them");
  Ruleset ruleset{.files = files_of(abi)};
  if (abi >= 4) ruleset.network = kBindAndConnectTcp;
  if (abi >= 6) ruleset.scope = kAbstractUnixAndSignals;
  const UniqueFd fd{static_cast<int>(syscall(SYS_landlock_create_ruleset, &ruleset, size_known(abi), 0))};
  if (!fd.is_open()) return fail_errno(errno, "make a Landlock ruleset");
  if (syscall(SYS_landlock_restrict_self, fd.get(), 0) != 0)
    return fail_errno(errno, "restrict files by Landlock");
  return missing;
}

}  // namespace isthmus::io
