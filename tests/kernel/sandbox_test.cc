// What an engine that somebody else has taken over can still do: each try is made by a process of its own, in
// the sandbox.
#include "io/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <functional>
#include <optional>
#include <thread>

#include "io/sanitized.h"
#include "kernel/namespace_fixture.h"

namespace isthmus::io {
namespace {

struct End {
  std::optional<int> exit_status;
  int signal = 0;
};

// What becomes of a child that enters the sandbox and then does this; its result is its exit status.
End in_sandbox(const std::function<int()>& what) {
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr int kNoSandbox = 99;
    if (!enter_sandbox()) ::_exit(kNoSandbox);
    ::_exit(what());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status)) return {WEXITSTATUS(status), 0};
  return {std::nullopt, WTERMSIG(status)};
}

class SandboxTest : public NamespaceTest {
 protected:
  void SetUp() override {
    NamespaceTest::SetUp();
    if (kIsSanitized)
      GTEST_SKIP()
          << "the sanitizers' runtime makes system calls that the sandbox forbids: seccomp is left out";
  }
  // errno of what has to fail, 0 where it succeeds.
  static void expect_refused(const char* name, const std::function<long()>& what) {
    const End end = in_sandbox([&] { return what() < 0 ? errno : 0; });
    ASSERT_TRUE(end.exit_status) << name << ": signal " << end.signal;
    EXPECT_TRUE(*end.exit_status == EPERM || *end.exit_status == EACCES) << name << ": " << *end.exit_status;
  }
  static void expect_fatal(const char* name, const std::function<long()>& what) {
    const End end = in_sandbox([&] { return static_cast<int>(what()); });
    EXPECT_EQ(end.signal, SIGSYS) << name;
  }
};

TEST_F(SandboxTest, OpensNoFile) {
  expect_refused("open", [] { return ::open("/etc/passwd", O_RDONLY); });
  expect_refused("create", [] { return ::open("/tmp/isthmus-sandbox", O_CREAT | O_WRONLY, 0600); });
  expect_refused("openat2", [] { return ::syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", nullptr, 0); });
  expect_refused("memory of the parent", [] { return ::open("/proc/self/../1/mem", O_RDWR); });
  expect_refused("unlink", [] { return ::unlink("/tmp/isthmus-sandbox"); });
}

TEST_F(SandboxTest, OpensNoSocket) {
  expect_refused("socket", [] { return ::socket(AF_INET, SOCK_STREAM, 0); });
  expect_refused("raw socket", [] { return ::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP); });
  expect_refused("netlink", [] { return ::socket(AF_NETLINK, SOCK_RAW, 0); });
  std::array<int, 2> pair{};
  expect_refused("socketpair", [&] { return ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()); });
}

TEST_F(SandboxTest, BindsAndConnectsNoSocketThatItWasGiven) {
  const int given = ::socket(AF_UNIX, SOCK_STREAM, 0);
  const sockaddr nobody{.sa_family = AF_UNIX, .sa_data = "x"};
  expect_refused("connect", [&] { return ::connect(given, &nobody, sizeof nobody); });
  expect_refused("bind", [&] { return ::bind(given, &nobody, sizeof nobody); });
  expect_refused("listen", [&] { return ::listen(given, 1); });
  ::close(given);
}

TEST_F(SandboxTest, SetsNoOptionOfASocketButWhetherItHearsErrors) {
  const int given = ::socket(AF_INET, SOCK_DGRAM, 0);
  const int on = 1;
  expect_refused("mark", [&] { return ::setsockopt(given, SOL_SOCKET, SO_MARK, &on, sizeof on); });
  expect_refused("interface", [&] { return ::setsockopt(given, SOL_SOCKET, SO_BINDTODEVICE, "lan0", 4); });
  const End end = in_sandbox([&] { return ::setsockopt(given, IPPROTO_IP, IP_RECVERR, &on, sizeof on); });
  EXPECT_EQ(end.exit_status, 0);
  ::close(given);
}

TEST_F(SandboxTest, DiesOfExecutingAProgram) {
  expect_fatal("execve", [] {
    std::array<char*, 1> none{};
    return ::execve("/bin/true", none.data(), none.data());
  });
}

TEST_F(SandboxTest, DiesOfTracing) {
  expect_fatal("ptrace", [] { return ::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr); });
  expect_fatal("process_vm_readv",
               [] { return ::syscall(SYS_process_vm_readv, ::getppid(), nullptr, 0, nullptr, 0, 0); });
}

TEST_F(SandboxTest, DiesOfBecomingAnotherUser) {
  expect_fatal("setuid", [] { return ::setuid(0); });
  expect_fatal("unshare", [] { return ::syscall(SYS_unshare, 0x10000000); });
  expect_fatal("mount", [] { return ::syscall(SYS_mount, "x", "/", "tmpfs", 0, nullptr); });
}

TEST_F(SandboxTest, StartsNoProcess) {
  expect_refused("fork", [] { return ::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr); });
}

TEST_F(SandboxTest, SignalsNobody) {
  expect_refused("kill", [] { return ::kill(::getppid(), SIGTERM); });
  expect_refused("tgkill", [] { return ::syscall(SYS_tgkill, ::getppid(), ::getppid(), SIGTERM); });
}

TEST_F(SandboxTest, HasNobodySignalledAndRaisesNobodysPriority) {
  expect_refused("F_SETOWN", [] { return ::fcntl(STDERR_FILENO, F_SETOWN, ::getppid()); });
  expect_refused("setpriority",
                 [] { return ::setpriority(PRIO_PROCESS, static_cast<id_t>(::getppid()), -1); });
}

TEST_F(SandboxTest, ExecutesNothingThatWasWritten) {
  expect_refused("mmap", [] {
    void* memory = ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? -1L : 0L;
  });
  void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  expect_refused("mprotect", [&] { return ::mprotect(page, 4096, PROT_READ | PROT_EXEC); });
  ::munmap(page, 4096);
}

TEST_F(SandboxTest, PutsNothingIntoATerminal) {
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
  expect_refused("TIOCSTI", [&] { return ::ioctl(terminal, TIOCSTI, "x"); });
  ::close(terminal);
}

TEST_F(SandboxTest, IsAnotherUserThanRoot) {
  const End end = in_sandbox([] {
    const bool is_other = ::getuid() != 0 && ::geteuid() != 0;
    return is_other ? 0 : 1;
  });
  EXPECT_EQ(end.exit_status, 0);
}

TEST_F(SandboxTest, StillHasThreadsTimersAndDescriptors) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const End end = in_sandbox([&] {
    std::thread writer{[&] { std::ignore = ::write(ends[1], "y", 1); }};
    char word = 0;
    const bool is_read = ::read(ends[0], &word, 1) == 1 && word == 'y';
    writer.join();
    return is_read && ::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC) >= 0 ? 0 : 1;
  });
  EXPECT_EQ(end.exit_status, 0);
  for (const int fd : ends) ::close(fd);
}

}  // namespace
}  // namespace isthmus::io
