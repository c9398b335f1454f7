// Landlock (landlock(7)): rights to files that a process and all that it makes give up, whoever they are.
// Each function needs no_new_privs, returns a sentence for each part that the kernel does not know, and fails
// where the kernel refuses one that it knows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/unique_fd.h"

namespace isthmus::io {

// No path can be opened, made or removed, no TCP port bound or connected to, no abstract UNIX socket and no
// process outside reached.
Result<std::vector<std::string>> restrict_files();

struct Writable {
  enum class Extent : std::uint8_t {
    kContents,  // of this file, or of the files beneath this directory
    kFiles,     // beneath this directory regular files can be made and removed too
  };
  std::filesystem::path path;  // what is not there permits nothing
  Extent extent = Extent::kContents;
};
struct Restricted {
  std::vector<std::string> missing;
  // To be kept open as long as anything is to be written there: in procfs what nobody holds is another file
  // the next time.
  std::vector<UniqueFd> places;
};
// As above, but files can be read and executed anywhere, devices asked by ioctl, and these places written.
Result<Restricted> restrict_writing(std::span<const Writable> writable);

}  // namespace isthmus::io
