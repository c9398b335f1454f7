// Process descriptors by their system calls: glibc 2.36 declares its wrappers without extern "C".
#pragma once

#include <poll.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <chrono>

#include "io/unique_fd.h"

namespace isthmus::io {

// Not open, with errno set, on failure.
inline UniqueFd open_pidfd(pid_t pid) {
  return UniqueFd{static_cast<int>(syscall(SYS_pidfd_open, pid, 0))};
}

inline void signal_pidfd(int pidfd, int signal_number) {
  syscall(SYS_pidfd_send_signal, pidfd, signal_number, nullptr, 0);
}

// Whether the process has ended by now, or does within `patience`.
inline bool ends_within(int pidfd, std::chrono::milliseconds patience) {
  pollfd waited{pidfd, POLLIN, 0};
  return poll(&waited, 1, static_cast<int>(patience.count())) > 0;
}

// A duplicate of descriptor `fd` of that process; not open, with errno set, on failure.
inline UniqueFd duplicate_from(int pidfd, int fd) {
  return UniqueFd{static_cast<int>(syscall(SYS_pidfd_getfd, pidfd, fd, 0))};
}

}  // namespace isthmus::io
