#include "io/run_program.h"

#include <gtest/gtest.h>

namespace isthmus::io {
namespace {

using namespace std::chrono_literals;

TEST(RunProgram, CollectsOutputAndErrors) {
  const ProgramOutput result =
      run_program({"sh", "-c", "cat; echo wrong >&2; exit 3"}, std::string(200000, 'x'), 5s).value();
  EXPECT_EQ(result.status.value, 3);
  EXPECT_EQ(result.output, std::string(200000, 'x'));
  EXPECT_EQ(result.errors, "wrong\n");
}

TEST(RunProgram, SurvivesAProgramThatReadsNothing) {
  EXPECT_TRUE(run_program({"true"}, std::string(200000, 'x'), 5s)->status.is_success());
}

TEST(RunProgram, GivesUpInTime) {
  const Result<ProgramOutput> result = run_program({"sleep", "60"}, "", 20ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Error::Code::kTimeout);
}

}  // namespace
}  // namespace isthmus::io
