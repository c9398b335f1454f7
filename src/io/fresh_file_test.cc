#include "io/fresh_file.h"

#include <gtest/gtest.h>

#include "io/test_directory.h"

namespace isthmus::io {
namespace {

TEST(FreshFile, IsNotWrittenThroughALinkThatSomebodyPut) {
  const TestDirectory directory;
  directory.write("victim", "as it was");
  std::filesystem::create_symlink(directory.path() / "victim", directory.path() / "state.new");
  EXPECT_TRUE(replace_file(directory.path() / "state", directory.path() / "state.new", "new"));
  EXPECT_EQ(directory.read("victim"), "as it was");
  EXPECT_EQ(directory.read("state"), "new");
  EXPECT_FALSE(std::filesystem::is_symlink(directory.path() / "state"));
}

TEST(FreshFile, TakesThePlaceOfWhatWasCutShort) {
  const TestDirectory directory;
  directory.write("state", "old");
  directory.write("state.new", "half of a longer te");
  EXPECT_TRUE(replace_file(directory.path() / "state", directory.path() / "state.new", "new"));
  EXPECT_EQ(directory.read("state"), "new");
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "state.new"));
}

}  // namespace
}  // namespace isthmus::io
