// What a monitor that somebody else has taken over can still do, and what it has to be able to do: each try
// is made by a process of its own, in a network namespace of the test's.
#include "io/confinement.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <tuple>

#include "io/fork_process.h"
#include "io/outer_endpoint.h"
#include "io/pidfd.h"
#include "io/sanitized.h"
#include "kernel/namespace_fixture.h"

namespace isthmus::io {
namespace {

class ConfinementTest : public NamespaceTest {
 protected:
  // The exit status of a confined child that does this.
  [[nodiscard]] int confined(const std::function<int()>& what) const {
    const std::filesystem::path own = runtime_dir().path();
    const pid_t child = ::fork();
    if (child == 0) {
      constexpr int kNotConfined = 200;
      const Result<Restricted> held = confine(own);
      ::_exit(held ? what() : kNotConfined);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  // errno of what a confined child does, 0 where it succeeds.
  [[nodiscard]] int error_of(const std::function<long()>& what) const {
    return confined([&] { return what() < 0 ? errno : 0; });
  }
  // Whether this shell command succeeds there.
  [[nodiscard]] bool succeeds(const std::string& command) const {
    return confined([&] {
             const int status = ::system(command.c_str());
             return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
           }) == 0;
  }
  // The version of Landlock that this kernel has; 0 without.
  static long landlock() {
    return std::max(0L, ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION));
  }
};

TEST_F(ConfinementTest, HasTheRightsToChangeTheNetworkAndNoOthers) {
  EXPECT_EQ(error_of([] { return ::mount("none", "/mnt", "tmpfs", 0, nullptr); }), EPERM);
  EXPECT_EQ(error_of([] { return ::unshare(CLONE_NEWNET); }), EPERM);
  // Not the C library's, which would have every thread do it; a sanitizer's was not forked.
  EXPECT_EQ(error_of([] { return ::syscall(SYS_setresuid, 1, 1, 1); }), EPERM);
  EXPECT_EQ(error_of([] { return ::sethostname("x", 1); }), EPERM);
  EXPECT_EQ(error_of([] { return ::chroot("/"); }), EPERM);
  EXPECT_EQ(error_of([] { return ::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP); }), 0);
}

// By the kernel's word: CAP_NET_BIND_SERVICE is 10, CAP_NET_ADMIN 12, CAP_NET_RAW 13.
TEST_F(ConfinementTest, GivesWhatItExecutesNoMore) {
  if (kIsSanitized) GTEST_SKIP() << "a sanitizer has a right more, to look into its own process";
  EXPECT_TRUE(succeeds("grep -q '^CapEff:.0000000000003400$' /proc/self/status"));
  EXPECT_TRUE(succeeds("grep -q '^CapPrm:.0000000000003400$' /proc/self/status"));
  EXPECT_TRUE(succeeds("grep -q '^NoNewPrivs:.1$' /proc/self/status"));
}

TEST_F(ConfinementTest, WritesItsOwnFilesAlone) {
  if (landlock() < 1) GTEST_SKIP() << "this kernel has no Landlock";
  TestDirectory elsewhere;
  const std::string other = elsewhere.path() / "file";
  const std::string own = runtime_dir().path() / "file";
  EXPECT_EQ(error_of([&] { return ::open(other.c_str(), O_CREAT | O_WRONLY, 0600); }), EACCES);
  EXPECT_EQ(error_of([&] { return ::mkdir(other.c_str(), 0700); }), EACCES);
  EXPECT_EQ(error_of([&] { return ::open("/etc/passwd", O_WRONLY); }), EACCES);
  EXPECT_EQ(error_of([&] { return ::open("/etc/passwd", O_RDONLY); }), 0);
  EXPECT_EQ(error_of([&] { return ::open(own.c_str(), O_CREAT | O_WRONLY, 0600); }), 0);
  EXPECT_EQ(error_of([&] { return ::rename(own.c_str(), (own + "2").c_str()); }), 0);
  EXPECT_EQ(error_of([&] { return ::rename((own + "2").c_str(), other.c_str()); }), EACCES);
  EXPECT_EQ(error_of([&] { return ::unlink((own + "2").c_str()); }), 0);
}

TEST_F(ConfinementTest, MakesNothingThatSomebodyWithMoreRightsCouldStumbleOver) {
  if (landlock() < 1) GTEST_SKIP() << "this kernel has no Landlock";
  const std::string own = runtime_dir().path() / "file";
  EXPECT_EQ(error_of([&] { return ::symlink("/etc/passwd", own.c_str()); }), EACCES);
  EXPECT_EQ(error_of([&] { return ::mkfifo(own.c_str(), 0600); }), EACCES);
  EXPECT_EQ(error_of([&] { return ::mkdir(own.c_str(), 0700); }), EACCES);
}

TEST_F(ConfinementTest, WritesNoDeviceButTwo) {
  if (landlock() < 1) GTEST_SKIP() << "this kernel has no Landlock";
  EXPECT_EQ(error_of([] { return ::open("/dev/zero", O_WRONLY); }), EACCES);
  EXPECT_EQ(error_of([] { return ::open("/dev/shm/isthmus-test", O_CREAT | O_WRONLY, 0600); }), EACCES);
  EXPECT_EQ(error_of([] { return ::open("/dev/null", O_WRONLY); }), 0);
}

// A directory of procfs that nobody holds is another one after this.
TEST_F(ConfinementTest, WritesSysctlsAlsoWhenTheKernelHasForgottenTheirFiles) {
  std::array<int, 2> ready{};
  std::array<int, 2> forgotten{};
  ASSERT_TRUE(::pipe(ready.data()) == 0 && ::pipe(forgotten.data()) == 0);
  std::thread forget{[&] {
    char word = 0;
    if (::read(ready[0], &word, 1) == 1) word = ::system("mount -o remount /proc") == 0 ? 'y' : 'n';
    std::ignore = ::write(forgotten[1], &word, 1);
  }};
  const int done = confined([&] {
    char word = 0;
    const bool told = ::write(ready[1], "x", 1) == 1 && ::read(forgotten[0], &word, 1) == 1;
    if (!told || word != 'y') return 1;
    return ::open("/proc/sys/net/ipv4/ip_forward", O_WRONLY) < 0 ? errno : 0;
  });
  forget.join();
  for (const int fd : {ready[0], ready[1], forgotten[0], forgotten[1]}) ::close(fd);
  EXPECT_EQ(done, 0);
}

TEST_F(ConfinementTest, HandsNobodyElseARight) {
  if (kIsSanitized) GTEST_SKIP() << "no seccomp under the sanitizers";
  const TestDirectory elsewhere;
  elsewhere.write("file", "");
  const std::string file = elsewhere.path() / "file";
  EXPECT_EQ(error_of([&] { return ::chmod(file.c_str(), 04755); }), EPERM);
  EXPECT_EQ(error_of([&] { return ::setxattr(file.c_str(), "user.x", "y", 1, 0); }), EPERM);
  EXPECT_EQ(error_of([] { return ::unshare(CLONE_NEWUSER); }), EPERM);
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
  EXPECT_EQ(error_of([&] { return ::ioctl(terminal, TIOCSTI, "x"); }), EPERM);
  ::close(terminal);
}

// Each of which can be done by who is not confined.
TEST_F(ConfinementTest, ReachesNoProcessOutside) {
  if (kIsSanitized) GTEST_SKIP() << "no seccomp under the sanitizers";
  ASSERT_TRUE(tcp_connections(::getppid()));
  EXPECT_EQ(confined([] {
              const auto connections = tcp_connections(::getppid());
              return connections ? 0 : connections.error().os_errno;
            }),
            EPERM);
  const rlimit none{0, 0};
  EXPECT_EQ(error_of([&] { return ::prlimit(::getppid(), RLIMIT_CORE, &none, nullptr); }), EPERM);
  EXPECT_EQ(error_of([] { return ::prlimit(::getppid(), RLIMIT_CORE, nullptr, nullptr); }), 0);
}

TEST_F(ConfinementTest, SignalsNobodyAndSpeaksNoTcp) {
  if (landlock() < 6) GTEST_SKIP() << "this kernel's Landlock knows no signals";
  EXPECT_EQ(error_of([] { return ::kill(::getppid(), 0); }), EPERM);
  shell("ip link set lo up");
  EXPECT_EQ(error_of([] {
              const sockaddr_in there{.sin_family = AF_INET,
                                      .sin_port = htons(9),
                                      .sin_addr = {htonl(INADDR_LOOPBACK)},
                                      .sin_zero = {}};
              const int tcp = ::socket(AF_INET, SOCK_STREAM, 0);
              return ::connect(tcp, reinterpret_cast<const sockaddr*>(&there), sizeof there);
            }),
            EACCES);
}

// What it may not signal, the kernel does not signal either when it dies (PR_SET_PDEATHSIG).
TEST_F(ConfinementTest, ALauncherEndsWithAMonitorThatIsConfined) {
  std::array<int, 2> told{};
  ASSERT_EQ(::pipe(told.data()), 0);
  const std::filesystem::path own = runtime_dir().path();
  const pid_t monitor = ::fork();
  if (monitor == 0) {
    const auto launcher = fork_launcher([](ControlConnection requests) { return requests.wait() ? 1 : 0; });
    const pid_t pid = launcher && confine(own) ? launcher->process.pid() : 0;
    std::ignore = ::write(told[1], &pid, sizeof pid);
    ::pause();
  }
  pid_t launcher = 0;
  ASSERT_EQ(::read(told[0], &launcher, sizeof launcher), static_cast<ssize_t>(sizeof launcher));
  ASSERT_GT(launcher, 0);
  const UniqueFd pidfd = open_pidfd(launcher);
  EXPECT_FALSE(ends_within(pidfd.get(), std::chrono::milliseconds{0}));
  ::kill(monitor, SIGKILL);
  ::waitpid(monitor, nullptr, 0);
  EXPECT_TRUE(ends_within(pidfd.get(), std::chrono::seconds{10}));
  for (const int fd : told) ::close(fd);
}

TEST_F(ConfinementTest, StillChangesTheNetwork) {
  EXPECT_TRUE(succeeds(
      "ip link add dummy7 type veth && ip link set dummy7 up && ip route add 192.0.2.0/24 dev dummy7"));
  EXPECT_TRUE(succeeds("nft add table inet confined && nft delete table inet confined"));
  EXPECT_TRUE(succeeds("echo 1 > /proc/sys/net/ipv4/ip_forward"));
  EXPECT_TRUE(succeeds("ip tuntap add dev isth7 mode tun && ip tuntap del dev isth7 mode tun"));
  EXPECT_EQ(confined([] {
              const int udp = ::socket(AF_INET, SOCK_DGRAM, 0);
              const sockaddr_in here{
                  .sin_family = AF_INET, .sin_port = htons(22), .sin_addr = {}, .sin_zero = {}};
              return ::bind(udp, reinterpret_cast<const sockaddr*>(&here), sizeof here);
            }),
            0);
}

}  // namespace
}  // namespace isthmus::io
