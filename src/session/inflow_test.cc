#include "session/inflow.h"

#include <gtest/gtest.h>

namespace isthmus::session {
namespace {

TEST(Inflow, StopsOnceAPause) {
  Inflow inflow;
  EXPECT_FALSE(inflow.has_stopped(0)) << "nothing has come yet";
  EXPECT_FALSE(inflow.has_stopped(5));
  EXPECT_FALSE(inflow.has_stopped(9));
  EXPECT_TRUE(inflow.has_stopped(9));
  EXPECT_FALSE(inflow.has_stopped(9));
  EXPECT_FALSE(inflow.has_stopped(10));
  EXPECT_TRUE(inflow.has_stopped(10));
}

}  // namespace
}  // namespace isthmus::session
