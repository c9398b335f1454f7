// A launcher whose monitor is somebody else's, or gone: it starts what the session was begun for and nothing
// else, and touches no process but those.
#include "app/launcher.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>
#include <new>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "app/launcher_main.h"
#include "io/no_descriptor_left.h"
#include "io/pidfd.h"

namespace isthmus::app {
namespace {

constexpr std::chrono::seconds kSoon{10};

OwnerSetup called_setup() {
  return OwnerSetup{.session = "office", .site = Site{config::PeerPolicy{}, std::nullopt}};
}

int waits_for_its_end(io::EngineChannels channels) {
  std::ignore = channels.requests.receive_within(kSoon);
  return 7;
}

// A launcher's own process, spoken to without our side of it.
class RawLauncher {
 public:
  RawLauncher()
      : process_(io::fork_launcher([](io::ControlConnection requests) {
                   return launcher_main(std::move(requests), called_setup(), waits_for_its_end);
                 }).value()) {}

  template <typename T>
  Result<T> ask(const LaunchRequest& request) {
    TRY(process_.requests.send(text_of(encode_launch_request(request))));
    io::ControlMessage answer = TRY(process_.requests.receive_within(kSoon));
    for (io::UniqueFd& fd : answer.fds) kept_.push_back(std::move(fd));
    return decode_reply_octets<T>(bytes_of(answer.payload));
  }
  Result<void> send(ConstBytes octets) { return process_.requests.send(text_of(octets)); }
  Result<io::ControlMessage> receive() { return process_.requests.receive_within(kSoon); }

 private:
  io::LauncherProcess process_;
  std::vector<io::UniqueFd> kept_;
};

TEST(LauncherTest, StartsAnEngineAndTellsHowItEnds) {
  const auto launcher = Launcher::start(called_setup(), waits_for_its_end).value();
  Launcher::Engine engine = launcher->start_engine().value();
  EXPECT_EQ(engine.process.try_wait(), std::nullopt);
  ASSERT_TRUE(engine.requests.send("enough"));
  ASSERT_TRUE(io::ends_within(engine.process.pidfd(), kSoon));
  EXPECT_EQ(engine.process.try_wait(), (io::ExitStatus{io::ExitStatus::Kind::kExited, 7}));
}

TEST(LauncherTest, KillsAnEngineThatIsNotWantedAnyMore) {
  const auto launcher = Launcher::start(called_setup(), waits_for_its_end).value();
  std::optional<Launcher::Engine> engine{launcher->start_engine().value()};
  const io::UniqueFd pidfd{::dup(engine->process.pidfd())};
  engine.reset();
  EXPECT_TRUE(io::ends_within(pidfd.get(), std::chrono::milliseconds{0}));
}

TEST(LauncherTest, TakesItsChildrenAlongWhenItDies) {
  const auto launcher = Launcher::start(called_setup(), waits_for_its_end).value();
  Launcher::Engine engine = launcher->start_engine().value();
  // It is our only child.
  std::string children;
  std::ifstream{"/proc/self/task/" + std::to_string(::getpid()) + "/children"} >> children;
  ASSERT_NE(children, "");
  ::kill(std::stoi(children), SIGKILL);
  ASSERT_TRUE(io::ends_within(engine.process.pidfd(), kSoon));
  EXPECT_EQ(engine.process.try_wait(), (io::ExitStatus{io::ExitStatus::Kind::kSignalled, SIGKILL}));
  EXPECT_FALSE(launcher->start_engine());
}

TEST(LauncherTest, StartsNoSshForASessionThatIsCalled) {
  RawLauncher launcher;
  EXPECT_EQ(launcher.ask<std::optional<config::SshDiagnosis>>(StartSsh{}).error().code,
            Error::Code::kRefused);
}

TEST(LauncherTest, KnowsNoChildThatItHasNotStarted) {
  RawLauncher launcher;
  ASSERT_TRUE(launcher.ask<void>(StartEngine{{1}}));
  const std::array<LaunchRequest, 6> requests{LookAtSsh{{2}}, Reached{{2}}, AskEnd{{2}},
                                              Terminate{{2}}, Kill{{2}},    Forget{{2}}};
  for (const LaunchRequest& request : requests)
    EXPECT_EQ(launcher.ask<void>(request).error().code, Error::Code::kRefused) << request.index();
}

TEST(LauncherTest, GivesNoNumberTwice) {
  RawLauncher launcher;
  ASSERT_TRUE(launcher.ask<void>(StartEngine{{1}}));
  EXPECT_EQ(launcher.ask<void>(StartEngine{{1}}).error().code, Error::Code::kRefused);
}

TEST(LauncherTest, StartsNoMoreThanASessionNeeds) {
  RawLauncher launcher;
  ChildId started = 0;
  while (started < 100 && launcher.ask<void>(StartEngine{{started + 1}})) ++started;
  EXPECT_GE(started, 9U) << "an engine and eight calls";
  EXPECT_LE(started, 16U);
  EXPECT_TRUE(launcher.ask<void>(Forget{{1}}));
  EXPECT_TRUE(launcher.ask<void>(StartEngine{{1}}));
}

// Whoever may open no more takes no descriptor of a message.
TEST(LauncherTest, LeavesNothingRunningThatCouldNotBeHandedOver) {
  const auto launcher = Launcher::start(called_setup(), waits_for_its_end).value();
  {
    const io::NoDescriptorLeft full;
    for (int i = 0; i < 40; ++i) {
      const auto engine = launcher->start_engine();
      ASSERT_FALSE(engine);
      ASSERT_EQ(engine.error().os_errno, EMFILE) << engine.error().message;
    }
  }
  EXPECT_TRUE(launcher->start_engine());
}

TEST(LauncherTest, EndsAnEngineThatThrowsByASignal) {
  const auto launcher =
      Launcher::start(called_setup(), [](io::EngineChannels) -> int { throw std::bad_alloc{}; }).value();
  Launcher::Engine engine = launcher->start_engine().value();
  ASSERT_TRUE(io::ends_within(engine.process.pidfd(), kSoon));
  EXPECT_EQ(engine.process.try_wait(), (io::ExitStatus{io::ExitStatus::Kind::kSignalled, SIGABRT}));
}

TEST(LauncherTest, EndsAtWhatIsNoRequest) {
  RawLauncher launcher;
  LaunchRequestOctets octets = encode_launch_request(LeaveTerminal{});
  octets[7] = 200;  // its kind
  ASSERT_TRUE(launcher.send(octets));
  EXPECT_EQ(launcher.receive().error().code, Error::Code::kClosed);
}

}  // namespace
}  // namespace isthmus::app
