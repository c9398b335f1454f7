#include "io/landlock.h"

#include <fcntl.h>
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

// To execute, and to read files and directories.
constexpr std::uint64_t kReading =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kContents = LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate;
// Not links, pipes and devices: who has more rights may come by, and open what is there.
constexpr std::uint64_t kRegularFiles =
    kContents | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE;

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

// Not open where there is no such path.
Result<UniqueFd> permit(int ruleset, const Writable& writable, std::uint64_t handled) {
  UniqueFd fd{open(writable.path.c_str(), O_PATH | O_CLOEXEC)};
  if (!fd.is_open() && errno == ENOENT) return fd;
  if (!fd.is_open()) return fail_errno(errno, "open " + writable.path.string());
  const std::uint64_t rights = writable.extent == Writable::Extent::kFiles ? kRegularFiles : kContents;
  const landlock_path_beneath_attr rule{.allowed_access = rights & handled, .parent_fd = fd.get()};
  if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0) return fd;
  return fail_errno(errno, "permit " + writable.path.string() + " to be written by Landlock");
}

std::vector<std::string> parts_missing(long abi) {
  std::vector<std::string> missing;
  if (abi < 4) missing.emplace_back("this kernel's Landlock knows no TCP");
  if (abi < 6) missing.emplace_back("this kernel's Landlock knows no abstract UNIX sockets and no signals");
  return missing;
}

// Takes away all that the kernel knows, but what is kept everywhere and what may be done at `writable`.
Result<Restricted> restrict_all_but(std::uint64_t kept, std::span<const Writable> writable) {
  const long abi = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 1) return Restricted{{"this kernel has no Landlock"}, {}};
  Restricted restricted{parts_missing(abi), {}};
  Ruleset ruleset{.files = files_of(abi) & ~kept};
  if (abi >= 4) ruleset.network = kBindAndConnectTcp;
  if (abi >= 6) ruleset.scope = kAbstractUnixAndSignals;
  const UniqueFd fd{static_cast<int>(syscall(SYS_landlock_create_ruleset, &ruleset, size_known(abi), 0))};
  if (!fd.is_open()) return fail_errno(errno, "make a Landlock ruleset");
  for (const Writable& place : writable)
    restricted.places.push_back(TRY(permit(fd.get(), place, ruleset.files)));
  if (syscall(SYS_landlock_restrict_self, fd.get(), 0) != 0)
    return fail_errno(errno, "restrict files by Landlock");
  return restricted;
}

}  // namespace

Result<std::vector<std::string>> restrict_files() {
  return TRY(restrict_all_but(0, {})).missing;
}

Result<Restricted> restrict_writing(std::span<const Writable> writable) {
  return restrict_all_but(kReading | kIoctlDevice, writable);
}

}  // namespace isthmus::io
