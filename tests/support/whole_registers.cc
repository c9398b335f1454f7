// Preloaded into the user-mode-linux of Debian 12. That kernel keeps its processes' registers in a buffer
// that is too short for those of AMX, and Linux takes the registers of NT_X86_XSTATE whole or not at all
// (xstateregs_set): on a processor with AMX no guest would boot. What is written here is completed with what
// is there already.
#include <dlfcn.h>
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstddef>
#include <cstdint>

namespace {

using Ptrace = long(int request, pid_t pid, void* address, void* data);

constexpr std::size_t kMostOctets = 1 << 16;

long set_registers(Ptrace* ptrace, pid_t pid, void* address, const iovec& given) {
  alignas(64) static thread_local std::array<std::byte, kMostOctets> whole;
  iovec registers{whole.data(), whole.size()};
  const long got = ptrace(PTRACE_GETREGSET, pid, address, &registers);
  if (got < 0) return got;
  const auto* const octets = static_cast<const std::byte*>(given.iov_base);
  std::copy_n(octets, std::min(given.iov_len, registers.iov_len), whole.begin());
  return ptrace(PTRACE_SETREGSET, pid, address, &registers);
}

}  // namespace

extern "C" long ptrace(__ptrace_request request, ...) noexcept {
  static auto* const next = reinterpret_cast<Ptrace*>(dlsym(RTLD_NEXT, "ptrace"));
  va_list arguments;
  va_start(arguments, request);
  const pid_t pid = va_arg(arguments, pid_t);
  void* const address = va_arg(arguments, void*);
  void* const data = va_arg(arguments, void*);
  va_end(arguments);
  if (request == PTRACE_SETREGSET && reinterpret_cast<std::uintptr_t>(address) == NT_X86_XSTATE)
    return set_registers(next, pid, address, *static_cast<const iovec*>(data));
  return next(request, pid, address, data);
}
