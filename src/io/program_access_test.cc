#include "io/program_access.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/test_directory.h"

namespace isthmus::io {
namespace {

constexpr uid_t kStranger = 39108;

// A program below a directory that lets everybody through.
class ProgramAccess : public testing::Test {
 protected:
  ProgramAccess() {
    directory_.write("bin/program", "#!/bin/sh\n");
    chmod(directory_.path().c_str(), 0755);
    chmod((directory_.path() / "bin").c_str(), 0755);
    chmod(program_.c_str(), 0755);
  }
  TestDirectory directory_;
  std::string program_ = directory_.path() / "bin/program";
  Credentials stranger_{kStranger, kStranger, {}};
};

TEST_F(ProgramAccess, IsThereForOthersWhenEveryModeOnTheWayGivesIt) {
  EXPECT_TRUE(may_execute(program_, stranger_));
}

TEST_F(ProgramAccess, IsNotThereWhenADirectoryOnTheWayIsShut) {
  chmod(directory_.path().c_str(), 0750);
  EXPECT_FALSE(may_execute(program_, stranger_));
  stranger_.groups = {getegid()};
  EXPECT_TRUE(may_execute(program_, stranger_));
}

TEST_F(ProgramAccess, IsNotThereWhenTheFileIsNotForOthers) {
  chmod(program_.c_str(), 0754);
  EXPECT_FALSE(may_execute(program_, stranger_));
  EXPECT_TRUE(may_execute(program_, {geteuid(), getegid(), {}}));
}

TEST_F(ProgramAccess, IsOfFilesOnly) {
  EXPECT_FALSE(may_execute(directory_.path(), stranger_));
  EXPECT_FALSE(may_execute(directory_.path() / "nothing", stranger_));
  EXPECT_FALSE(may_execute("program", stranger_));
}

TEST(OwnProgram, IsWhatThisProcessRuns) {
  EXPECT_TRUE(may_execute(own_program().value_or(""), {geteuid(), getegid(), {}}));
}

}  // namespace
}  // namespace isthmus::io
