// HostChange as one line of JSON, for the journal.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "net/host_change.h"

namespace isthmus::io {

// Without a newline.
std::string to_json(const HostChange& change);
// kInvalid for anything that to_json() cannot have written.
Result<HostChange> parse_host_change(std::string_view json);

}  // namespace isthmus::io
