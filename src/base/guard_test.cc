#include "base/guard.h"

#include <gtest/gtest.h>

namespace isthmus {
namespace {

#ifndef ISTHMUS_GUARDS
// A constant expression reads no environment.
static_assert(guard<Guard::kIcv>(true) && !guard<Guard::kIcv>(false));
#endif

TEST(Guard, IsItsConditionUnlessTold) {
  EXPECT_TRUE(guard<Guard::kIcv>(true));
  EXPECT_FALSE(guard<Guard::kIcv>(false));
}

}  // namespace
}  // namespace isthmus
