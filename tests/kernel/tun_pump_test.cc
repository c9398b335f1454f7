#include "app/tun_pump.h"

#include <sys/resource.h>
#include <unistd.h>

#include "io/no_descriptor_left.h"
#include "kernel/namespace_fixture.h"

namespace isthmus::io {
namespace {

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
