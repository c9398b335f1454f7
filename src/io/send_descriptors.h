// Descriptors sent along with octets over a UNIX socket (SCM_RIGHTS, unix(7)).
#pragma once

#include <sys/types.h>

#include <span>
#include <string_view>

namespace isthmus::io {

// As sendmsg(2) with MSG_NOSIGNAL, begun again where a signal interrupts it. `fds` stay the caller's; the
// other end gets duplicates. At most 253 of them, Linux's own bound.
ssize_t send_descriptors(int socket, std::string_view octets, std::span<const int> fds);

}  // namespace isthmus::io
