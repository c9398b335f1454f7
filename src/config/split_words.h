// A command as one text, split into words without a shell.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace isthmus::config {

// Words stand between blanks; '…' holds anything, "…" and a backslash take away the meaning of what follows.
// Nothing is expanded. `what` begins the error text. At least one word, whose first is not empty and does not
// begin with '-'.
Result<std::vector<std::string>> split_words(std::string_view text, const std::string& what);

}  // namespace isthmus::config
