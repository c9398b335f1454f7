// Sysctls that sessions share, counted: the first holder's change remembers the value that was there, the
// last one's release puts it back, if it is still the value we set. Kept in one locked file, written before
// the sysctl is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/runtime_dir.h"
#include "io/sysctl.h"
#include "net/host_change.h"

namespace isthmus::io {

class SysctlLedger {
 public:
  SysctlLedger(RuntimeDir dir, Sysctl sysctl) : dir_(std::move(dir)), sysctl_(std::move(sysctl)) {}

  // kExists if another session holds the key at a different value.
  [[nodiscard]] Result<void> acquire(std::string_view session, const SysctlChange& change) const;
  // Success also when the session does not hold it, or the key is gone with its interface.
  [[nodiscard]] Result<void> release(std::string_view session, std::string_view key) const;
  // Lets go for every holder that has no journal any more; returns the keys that nobody holds now.
  [[nodiscard]] Result<std::vector<std::string>> release_orphans() const;

 private:
  RuntimeDir dir_;
  Sysctl sysctl_;
};

}  // namespace isthmus::io
