#include "io/runtime_dir.h"

#include <gtest/gtest.h>

#include "io/test_directory.h"

namespace isthmus::io {
namespace {

namespace fs = std::filesystem;

TEST(RuntimeDir, IsMadeForItsOwnerAlone) {
  const TestDirectory base;
  const auto dir = RuntimeDir::open(base.path() / "run");
  ASSERT_TRUE(dir);
  EXPECT_EQ(fs::status(dir->path()).permissions(), fs::perms::owner_all);
}

TEST(RuntimeDir, IsTheSameForEveryCallerOfOneNamespace) {
  const TestDirectory base;
  const auto first = RuntimeDir::open(base.path());
  const auto second = RuntimeDir::find(base.path());
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->path(), second->path());
}

TEST(RuntimeDir, IsNotMadeByLookingForIt) {
  const TestDirectory base;
  EXPECT_EQ(RuntimeDir::find(base.path()).error().code, Error::Code::kNotFound);
  EXPECT_TRUE(fs::is_empty(base.path()));
}

TEST(RuntimeDir, RefusesASymlink) {
  const TestDirectory base;
  fs::create_directory(base.path() / "real");
  fs::create_directory_symlink(base.path() / "real", base.path() / "run");
  EXPECT_EQ(RuntimeDir::open(base.path() / "run").error().code, Error::Code::kRefused);
}

TEST(RuntimeDir, RefusesAFile) {
  const TestDirectory base;
  base.write("run", "");
  EXPECT_EQ(RuntimeDir::open(base.path() / "run").error().code, Error::Code::kRefused);
}

TEST(RuntimeDir, RefusesADirectoryThatOthersCanWrite) {
  const TestDirectory base;
  fs::create_directory(base.path() / "run");
  fs::permissions(base.path() / "run", fs::perms::all);
  EXPECT_EQ(RuntimeDir::open(base.path() / "run").error().code, Error::Code::kRefused);
}

TEST(RuntimeDir, RefusesADirectoryOfAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  const TestDirectory base;
  fs::create_directory(base.path() / "run");
  ASSERT_EQ(::chown((base.path() / "run").c_str(), 12345, 12345), 0);
  EXPECT_EQ(RuntimeDir::open(base.path() / "run").error().code, Error::Code::kRefused);
}

TEST(RuntimeDir, RemovesWhatEarlierBootsLeftAndNothingElse) {
  const TestDirectory base;
  const auto dir = RuntimeDir::open(base.path());
  ASSERT_TRUE(dir);
  // A boot id of our own making: the last digit of ours, turned.
  std::string other = dir->path().filename().string();
  other[0] = other[0] == '0' ? '1' : '0';
  base.write(other + "/office.journal", "{}");
  base.write("peers/office.toml", "");
  base.write("0123-notes/keep", "");
  EXPECT_EQ(dir->remove_stale().size(), 1U);
  EXPECT_FALSE(fs::exists(base.path() / other));
  EXPECT_TRUE(fs::exists(base.path() / "peers/office.toml"));
  EXPECT_TRUE(fs::exists(base.path() / "0123-notes/keep"));
  EXPECT_TRUE(fs::exists(dir->path()));
}

TEST(RuntimeDir, ForgetsANamespaceThatHadTheSameNumber) {
  const TestDirectory base;
  const auto dir = RuntimeDir::open(base.path());
  ASSERT_TRUE(dir);
  if (!fs::exists(dir->path() / "namespace")) GTEST_SKIP() << "this kernel has no namespace cookies (5.14)";
  std::ofstream(dir->path() / "namespace") << "1234567890123\n";
  std::ofstream(dir->path() / "office.journal") << "{}\n";
  ASSERT_TRUE(RuntimeDir::open(base.path()));
  EXPECT_FALSE(fs::exists(dir->path() / "office.journal"));
}

TEST(SessionName, MayNotLeaveItsDirectory) {
  for (const char* name : {"", ".", "..", ".hidden", "-x", "a/b", "../x", "a b", "a\n", "ü"}) {
    EXPECT_FALSE(is_session_name(name)) << name;
  }
  EXPECT_FALSE(is_session_name(std::string(65, 'a')));
  EXPECT_TRUE(is_session_name(std::string(64, 'a')));
  EXPECT_TRUE(is_session_name("gw.example-1_x"));
}

TEST(SessionName, IsMadeFromAnyText) {
  for (const char* text : {"root@gw.example:22", "[2001:db8::1]", "...", "", "-p", "../../etc"}) {
    EXPECT_TRUE(is_session_name(session_name_from(text))) << text;
  }
  EXPECT_EQ(session_name_from("root@gw.example:22"), "root-gw.example-22");
}

}  // namespace
}  // namespace isthmus::io
