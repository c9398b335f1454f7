// Octets too many for one message, between two of our processes: in memory of the kernel that has no name.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "io/unique_fd.h"

namespace isthmus::io {

// Sealed: whoever gets the descriptor can read the octets and change nothing.
Result<UniqueFd> share_octets(ConstBytes octets);
// All of them.
Result<Bytes> read_shared_octets(const UniqueFd& fd);

}  // namespace isthmus::io
