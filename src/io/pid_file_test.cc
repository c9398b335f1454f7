#include "io/pid_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

namespace isthmus::io {
namespace {

class PidFileTest : public testing::Test {
 protected:
  PidFileTest() : path_(testing::TempDir() + "isthmus-" + std::to_string(::getpid()) + ".pid") {}
  ~PidFileTest() override { std::filesystem::remove(path_); }

  [[nodiscard]] std::string content() const {
    std::ifstream in{path_};
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::filesystem::path path_;
};

TEST_F(PidFileTest, HoldsOurProcessIdAndTheFurtherLinesWhileItLives) {
  const auto file = PidFile::write(path_, "ppp0\n");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(content(), std::to_string(::getpid()) + "\nppp0\n");
}

TEST_F(PidFileTest, IsRemovedWithItsOwner) {
  {
    const auto file = PidFile::write(path_);
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(PidFileTest, ReplacesALinkInsteadOfFollowingIt) {
  const std::filesystem::path elsewhere = path_.string() + ".elsewhere";
  std::filesystem::create_symlink(elsewhere, path_);
  const auto file = PidFile::write(path_);
  EXPECT_FALSE(std::filesystem::exists(elsewhere));
  EXPECT_FALSE(std::filesystem::is_symlink(path_));
}

TEST_F(PidFileTest, StaysWhenAnotherProcessHasTakenTheName) {
  {
    const auto file = PidFile::write(path_);
    std::ofstream{path_} << "1\n";
  }
  EXPECT_EQ(content(), "1\n");
}

}  // namespace
}  // namespace isthmus::io
