#include "app/tun_pump.h"

#include <sys/resource.h>
#include <unistd.h>

#include "kernel/namespace_fixture.h"

namespace isthmus::io {
namespace {

// As long as it lives, this process can open no further descriptor.
class NoDescriptorLeft {
 public:
  NoDescriptorLeft() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int lowest_free = dup(0);
    close(lowest_free);
    const rlimit full{static_cast<rlim_t>(lowest_free), before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &full);
  }
  ~NoDescriptorLeft() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptorLeft(const NoDescriptorLeft&) = delete;
  NoDescriptorLeft& operator=(const NoDescriptorLeft&) = delete;

 private:
  rlimit before_{};
};

class TunPumpTest : public NamespaceTest {};

TEST_F(TunPumpTest, TellsThatNoDescriptorIsLeftToWaitByAndCanBeResumedLater) {
  asio::io_context loop;
  auto tun = TunDevice::open(kTunNamePattern, 1400);
  ASSERT_TRUE(tun) << tun.error().message;
  const auto pump = std::make_shared<app::TunPump>(loop, std::move(*tun), app::TunPump::Handlers{});
  {
    const NoDescriptorLeft full;
    const Result<void> resumed = pump->resume();
    ASSERT_FALSE(resumed);
    EXPECT_EQ(resumed.error().os_errno, EMFILE);
  }
  EXPECT_TRUE(pump->resume());
  pump->stop();
  loop.poll();
}

}  // namespace
}  // namespace isthmus::io
