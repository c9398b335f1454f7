// What a monitor gives up before it serves its engine. It goes on as root, but with the rights to change the
// network alone, and writes no files but those of this machine's sessions.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "io/landlock.h"

namespace isthmus::io {

// For this process, while it has one thread, and all that it executes (nft):
//  - of the capabilities CAP_NET_ADMIN, CAP_NET_RAW and CAP_NET_BIND_SERVICE stay, and no_new_privs;
//  - regular files can be written, made and removed in `own`, and written beneath /proc/sys/net; of devices
//    /dev/null and /dev/net/tun. No TCP can be spoken, no abstract UNIX socket and no process outside reached
//    (Landlock);
//  - no mode or attribute of a file can be changed, no input put into a terminal, no limit of another process
//    set, no namespace made or entered, and no process looked into (seccomp).
// Holds as long as its places are kept open.
Result<Restricted> confine(const std::filesystem::path& own);

}  // namespace isthmus::io
