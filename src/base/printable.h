// Text of somebody else made safe for a terminal, a log line and a message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace isthmus {

// At most `max_octets` octets of `text`, cut at a character: well-formed UTF-8 on one line, with every
// control character, line separator, direction override and broken sequence as '?'. Printable text that is
// short enough comes back unchanged.
std::string printable(std::string_view text, std::size_t max_octets);

// How many octets the character has that begins `text`, if printable() would keep it; else 0. `text` is not
// empty.
std::size_t printable_length(std::string_view text);

}  // namespace isthmus
