#include "io/policy_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/test_directory.h"

namespace isthmus::io {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMost = 100;

class PolicyFile : public testing::Test {
 protected:
  PolicyFile() { directory_.write("peers/fellini.toml", "offer = []"); }

  [[nodiscard]] fs::path path() const { return directory_.path() / "peers/fellini.toml"; }
  [[nodiscard]] Result<std::optional<std::string>> read() const { return read_policy_file(path(), kMost); }
  [[nodiscard]] bool is_refused() const {
    const auto text = read();
    return !text && text.error().code == Error::Code::kRefused;
  }

  TestDirectory directory_;
};

TEST_F(PolicyFile, IsReadWhereOnlyItsOwnerCanHaveWrittenIt) {
  EXPECT_EQ(read().value(), "offer = []");
}

TEST_F(PolicyFile, IsNoneWhereThereIsNone) {
  EXPECT_EQ(read_policy_file(directory_.path() / "peers/polanski.toml", kMost).value(), std::nullopt);
  EXPECT_EQ(read_policy_file(directory_.path() / "none/polanski.toml", kMost).value(), std::nullopt);
}

TEST_F(PolicyFile, IsRefusedWhereOthersCanWriteIt) {
  for (const mode_t mode : {0664, 0646}) {
    ASSERT_EQ(::chmod(path().c_str(), mode), 0);
    EXPECT_TRUE(is_refused()) << mode;
  }
}

TEST_F(PolicyFile, IsRefusedWhereOthersCanWriteItsDirectory) {
  ASSERT_EQ(::chmod(path().parent_path().c_str(), 0777), 0);
  EXPECT_TRUE(is_refused());
}

TEST_F(PolicyFile, OfAnotherUserIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  ASSERT_EQ(::chown(path().c_str(), 12345, 12345), 0);
  EXPECT_TRUE(is_refused());
}

TEST_F(PolicyFile, IsNoLink) {
  directory_.write("elsewhere", "offer = []");
  fs::remove(path());
  fs::create_symlink(directory_.path() / "elsewhere", path());
  EXPECT_TRUE(is_refused());
}

// Opening a FIFO, or reading it, could wait for ever.
TEST_F(PolicyFile, IsNothingButAFile) {
  fs::remove(path());
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  EXPECT_TRUE(is_refused());
}

TEST_F(PolicyFile, IsRefusedBeyondItsLimit) {
  directory_.write("peers/fellini.toml", std::string(kMost, '#'));
  EXPECT_TRUE(read());
  directory_.write("peers/fellini.toml", std::string(kMost + 1, '#'));
  EXPECT_TRUE(is_refused());
}

// The kernel says that such a file is empty.
TEST(PolicyFileOfProc, IsHeldToItsLimitByWhatIsRead) {
  const auto text = read_policy_file("/proc/self/status", kMost);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Error::Code::kRefused);
}

}  // namespace
}  // namespace isthmus::io
