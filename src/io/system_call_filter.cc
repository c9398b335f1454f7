#include "io/system_call_filter.h"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include "io/sanitized.h"

namespace isthmus::io {
namespace {

using Filter = std::unique_ptr<void, decltype(&seccomp_release)>;

// Octets, waiting, time, memory, threads, and the end.
constexpr std::array kAllowed{SCMP_SYS(read),
                              SCMP_SYS(readv),
                              SCMP_SYS(pread64),
                              SCMP_SYS(write),
                              SCMP_SYS(writev),
                              SCMP_SYS(recvfrom),
                              SCMP_SYS(recvmsg),
                              SCMP_SYS(recvmmsg),
                              SCMP_SYS(sendto),
                              SCMP_SYS(sendmsg),
                              SCMP_SYS(sendmmsg),
                              SCMP_SYS(shutdown),
                              SCMP_SYS(getsockname),
                              SCMP_SYS(getpeername),
                              SCMP_SYS(getsockopt),
                              SCMP_SYS(close),
                              SCMP_SYS(dup),
                              SCMP_SYS(dup2),
                              SCMP_SYS(dup3),
                              SCMP_SYS(fstat),
                              SCMP_SYS(lseek),
                              SCMP_SYS(pipe2),
                              SCMP_SYS(eventfd2),
                              SCMP_SYS(epoll_create1),
                              SCMP_SYS(epoll_ctl),
                              SCMP_SYS(epoll_wait),
                              SCMP_SYS(epoll_pwait),
                              SCMP_SYS(epoll_pwait2),
                              SCMP_SYS(poll),
                              SCMP_SYS(ppoll),
                              SCMP_SYS(timerfd_create),
                              SCMP_SYS(timerfd_settime),
                              SCMP_SYS(timerfd_gettime),
                              SCMP_SYS(clock_gettime),
                              SCMP_SYS(clock_getres),
                              SCMP_SYS(clock_nanosleep),
                              SCMP_SYS(nanosleep),
                              SCMP_SYS(gettimeofday),
                              SCMP_SYS(time),
                              SCMP_SYS(getrandom),
                              SCMP_SYS(brk),
                              SCMP_SYS(munmap),
                              SCMP_SYS(mremap),
                              SCMP_SYS(madvise),
                              SCMP_SYS(futex),
                              SCMP_SYS(set_robust_list),
                              SCMP_SYS(rseq),
                              SCMP_SYS(membarrier),
                              SCMP_SYS(sched_yield),
                              SCMP_SYS(sched_getaffinity),
                              SCMP_SYS(sched_getattr),
                              SCMP_SYS(getpriority),
                              SCMP_SYS(gettid),
                              SCMP_SYS(getpid),
                              SCMP_SYS(getppid),
                              SCMP_SYS(getuid),
                              SCMP_SYS(geteuid),
                              SCMP_SYS(uname),
                              SCMP_SYS(rt_sigaction),
                              SCMP_SYS(rt_sigprocmask),
                              SCMP_SYS(rt_sigreturn),
                              SCMP_SYS(sigaltstack),
                              SCMP_SYS(restart_syscall),
                              SCMP_SYS(exit),
                              SCMP_SYS(exit_group)};

// Nothing that we, a library of ours or a program that we execute does.
constexpr std::array kNeverOurs{SCMP_SYS(ptrace),
                                SCMP_SYS(process_vm_readv),
                                SCMP_SYS(process_vm_writev),
                                SCMP_SYS(pidfd_getfd),
                                SCMP_SYS(unshare),
                                SCMP_SYS(setns),
                                SCMP_SYS(mount),
                                SCMP_SYS(umount2),
                                SCMP_SYS(pivot_root),
                                SCMP_SYS(chroot),
                                SCMP_SYS(bpf),
                                SCMP_SYS(perf_event_open),
                                SCMP_SYS(userfaultfd),
                                SCMP_SYS(io_uring_setup),
                                SCMP_SYS(init_module),
                                SCMP_SYS(finit_module),
                                SCMP_SYS(delete_module),
                                SCMP_SYS(kexec_load),
                                SCMP_SYS(add_key),
                                SCMP_SYS(request_key),
                                SCMP_SYS(keyctl),
                                SCMP_SYS(open_by_handle_at),
                                SCMP_SYS(personality),
                                SCMP_SYS(reboot)};
// Nor an engine.
constexpr std::array kNeverAnEngines{SCMP_SYS(execve),    SCMP_SYS(execveat),  SCMP_SYS(fork),
                                     SCMP_SYS(vfork),     SCMP_SYS(setuid),    SCMP_SYS(setgid),
                                     SCMP_SYS(setresuid), SCMP_SYS(setresgid), SCMP_SYS(setreuid),
                                     SCMP_SYS(setregid),  SCMP_SYS(setgroups), SCMP_SYS(capset)};
// Landlock does not ask about these: what is left of user 0 could hand others the rights to a file.
constexpr int kFchmodat2 = 452;  // on every architecture; newer than Debian 12's headers
constexpr std::array kAttributes{SCMP_SYS(chmod),     SCMP_SYS(fchmod),   SCMP_SYS(fchmodat),
                                 SCMP_SYS(chown),     SCMP_SYS(lchown),   SCMP_SYS(fchown),
                                 SCMP_SYS(fchownat),  SCMP_SYS(setxattr), SCMP_SYS(lsetxattr),
                                 SCMP_SYS(fsetxattr), kFchmodat2};

constexpr std::uint64_t kNamespaces =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

// What an argument of a call, counted from 0, has to be. (libseccomp's macros for this are C.)
constexpr scmp_arg_cmp is(unsigned argument, std::uint64_t value) {
  return {argument, SCMP_CMP_EQ, value, 0};
}
constexpr scmp_arg_cmp masked_is(unsigned argument, std::uint64_t mask, std::uint64_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}
constexpr scmp_arg_cmp is_not(unsigned argument, std::uint64_t value) {
  return {argument, SCMP_CMP_NE, value, 0};
}

constexpr std::uint32_t kRefused = SCMP_ACT_ERRNO(EPERM);

class Rules {
 public:
  explicit Rules(void* filter) : filter_(filter) {}

  template <typename... Compare>
  void add(std::uint32_t action, int call, Compare... compare) {
    const std::array<scmp_arg_cmp, sizeof...(compare)> arguments{compare...};
    const int failed = seccomp_rule_add_array(filter_, action, call, arguments.size(), arguments.data());
    // A call that this processor does not have cannot be made.
    if (failed != 0 && failed != -EDOM && error_ == 0) error_ = -failed;
  }
  [[nodiscard]] int error() const { return error_; }

 private:
  void* filter_;
  int error_ = 0;
};

// Memory that could be written and executed, or made so later, is none that we ask for.
void add_memory(Rules& rules) {
  const scmp_arg_cmp never_executed = masked_is(2, PROT_EXEC, 0);
  rules.add(SCMP_ACT_ALLOW, SCMP_SYS(mmap), never_executed);
  rules.add(SCMP_ACT_ALLOW, SCMP_SYS(mprotect), never_executed);
}

// Threads, which share everything, and no process. The arguments of clone3 lie in memory, where no filter can
// look: the C library then uses clone.
void add_threads(Rules& rules) {
  constexpr std::uint64_t kThread = CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_FILES;
  rules.add(SCMP_ACT_ALLOW, SCMP_SYS(clone), masked_is(0, kThread | kNamespaces, kThread));
  rules.add(SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
}

// Descriptors are made non-blocking, a terminal is asked whether it is one; a worker switches its errors off
// and on (UdpSocket::hear_errors). abort() signals its own process.
void add_rest(Rules& rules) {
  for (const std::uint64_t request : {std::uint64_t{FIONBIO}, std::uint64_t{FIONREAD}, std::uint64_t{TCGETS}})
    rules.add(SCMP_ACT_ALLOW, SCMP_SYS(ioctl), is(1, request));
  constexpr std::uint64_t kIpv4 = 0, kIpv6 = 41, kRecvErr = 11, kRecvErr6 = 25;
  rules.add(SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), is(1, kIpv4), is(2, kRecvErr));
  rules.add(SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), is(1, kIpv6), is(2, kRecvErr6));
  // Not F_SETOWN and its kin, which have the kernel signal whom one likes.
  for (const int command : {F_GETFD, F_SETFD, F_GETFL, F_DUPFD, F_DUPFD_CLOEXEC}) {
    const auto number = static_cast<std::uint64_t>(command);
    rules.add(SCMP_ACT_ALLOW, SCMP_SYS(fcntl), is(1, number));
  }
  rules.add(SCMP_ACT_ALLOW, SCMP_SYS(fcntl), is(1, F_SETFL), masked_is(2, O_ASYNC, 0));
  // Of the calling thread alone.
  rules.add(SCMP_ACT_ALLOW, SCMP_SYS(setpriority), is(0, PRIO_PROCESS), is(1, 0));
  rules.add(SCMP_ACT_ALLOW, SCMP_SYS(sched_setattr), is(0, 0));
  rules.add(SCMP_ACT_ALLOW, SCMP_SYS(prctl), is(0, PR_SET_NAME));
  rules.add(SCMP_ACT_ALLOW, SCMP_SYS(prctl), is(0, PR_SET_VMA));
  const auto own = static_cast<std::uint64_t>(getpid());
  rules.add(SCMP_ACT_ALLOW, SCMP_SYS(tgkill), is(0, own));
}

// Processes may be made, in the namespaces that there are.
void add_namespaces(Rules& rules) {
  for (std::uint64_t flag = 1; flag <= kNamespaces; flag <<= 1U) {
    if ((flag & kNamespaces) != 0) rules.add(kRefused, SCMP_SYS(clone), masked_is(0, flag, flag));
  }
  rules.add(SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
}

Result<void> load(void* filter, const Rules& rules) {
  if (rules.error() != 0) return fail_errno(rules.error(), "make a seccomp filter");
  const int failed = seccomp_load(filter);
  if (failed != 0) return fail_errno(-failed, "load a seccomp filter");
  return {};
}

}  // namespace

Result<void> restrict_system_calls() {
  if (kIsSanitized) return {};
  const Filter filter{seccomp_init(SCMP_ACT_ERRNO(EPERM)), &seccomp_release};
  if (!filter) return fail(Error::Code::kSystem, "make a seccomp filter: out of memory");
  // Those of other instruction sets of this processor go round every rule.
  seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  Rules rules{filter.get()};
  for (const int call : kAllowed) rules.add(SCMP_ACT_ALLOW, call);
  for (const int call : kNeverOurs) rules.add(SCMP_ACT_KILL_PROCESS, call);
  for (const int call : kNeverAnEngines) rules.add(SCMP_ACT_KILL_PROCESS, call);
  add_memory(rules);
  add_threads(rules);
  add_rest(rules);
  return load(filter.get(), rules);
}

Result<void> forbid_calls_of_intruders() {
  if (kIsSanitized) return {};
  const Filter filter{seccomp_init(SCMP_ACT_ALLOW), &seccomp_release};
  if (!filter) return fail(Error::Code::kSystem, "make a seccomp filter: out of memory");
  seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  Rules rules{filter.get()};
  for (const int call : kNeverOurs) rules.add(kRefused, call);
  for (const int call : kAttributes) rules.add(kRefused, call);
  add_namespaces(rules);
  // What is typed into a terminal by others; the kernel looks at 32 bits of the request.
  for (const std::uint64_t request : {std::uint64_t{TIOCSTI}, std::uint64_t{TIOCLINUX}})
    rules.add(kRefused, SCMP_SYS(ioctl), masked_is(1, 0xFFFFFFFF, request));
  // Of itself a limit may be set, of others read.
  rules.add(kRefused, SCMP_SYS(prlimit64), is_not(0, 0), is_not(2, 0));
  return load(filter.get(), rules);
}

}  // namespace isthmus::io
