#include "io/tun_device.h"

#include <gtest/gtest.h>

namespace isthmus::io {
namespace {

TEST(InterfaceName, IsWhatLinuxTakes) {
  for (const char* name : {"isth0", "a", "eth0.100", "fifteen-letters"}) {
    EXPECT_TRUE(is_interface_name(name)) << name;
  }
  for (const char* name : {"", ".", "..", "a/b", "a:1", "a b", "sixteen-letters.", "a\n", "\x7f"}) {
    EXPECT_FALSE(is_interface_name(name)) << name;
  }
}

TEST(TunDevice, RefusesWhatCannotBeAName) {
  for (const char* name : {"", "a/b", "isth%d%d", "isth%s", "much-too-long-for-linux"}) {
    EXPECT_EQ(TunDevice::open(name, 1400).error().code, Error::Code::kInvalid) << name;
  }
}

}  // namespace
}  // namespace isthmus::io
