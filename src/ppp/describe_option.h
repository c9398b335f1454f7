// Configuration Options in words: the part of describe_frame() that knows their types.
#pragma once

#include <cstdint>

#include "ppp/control_packet.h"
#include "ppp/description.h"

namespace isthmus::ppp {

// " <asyncmap 0x0>". An option of unknown type, or one whose value has not the size its type asks for, is
// shown by number and in hexadecimal.
void add_option(std::uint16_t protocol, const Option& option, Description& line);

}  // namespace isthmus::ppp
