#include "ppp/link.h"

#include <gtest/gtest.h>

#include "ppp/link_pair.h"

namespace isthmus::ppp {
namespace {

using namespace std::chrono_literals;
using test::ip;
using test::Pair;

TEST(Link, ComesUpWithDefaultsInOneExchange) {
  Pair pair;
  pair.up();
  ASSERT_TRUE(pair.is_all_up()) << pair.a.said() << pair.b.said();
  const Ipv4Up up = *pair.a.last<Ipv4Up>();
  EXPECT_EQ(up.local, ip("193.6.35.12"));
  EXPECT_EQ(up.remote, ip("193.6.37.12"));
  EXPECT_EQ(pair.a.last<Ipv6Up>()->remote_interface_id, pair.b.last<Ipv6Up>()->local_interface_id);
}

}  // namespace
}  // namespace isthmus::ppp
