#include "io/line_output.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "io/unique_fd.h"

namespace isthmus::io {
namespace {

class LineOutputTest : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0);
    reader_.reset(ends[0]);
    writer_.reset(ends[1]);
    // The writing end blocks, as a terminal's does: a write that would wait hangs the test.
    ASSERT_EQ(fcntl(writer_.get(), F_SETFL, 0), 0);
  }
  std::string read_all() {
    std::string text;
    std::array<char, 65536> buffer{};
    for (ssize_t count = 0; (count = ::read(reader_.get(), buffer.data(), buffer.size())) > 0;)
      text.append(buffer.data(), static_cast<std::size_t>(count));
    return text;
  }

  UniqueFd reader_, writer_;
};

TEST_F(LineOutputTest, WritesALineWithItsPrefix) {
  LineOutput output{writer_.get()};
  output.write("> ", "joined");
  EXPECT_EQ(read_all(), "> joined\n");
}

TEST_F(LineOutputTest, LeavesOutWhatAFullPipeCannotTakeAndTellsHowMuch) {
  LineOutput output{writer_.get()};
  const std::string line(1000, 'x');
  for (int i = 0; i < 1000; ++i) output.write("", line);
  const std::string taken = read_all();
  output.write("", "again");
  const auto lines = static_cast<std::size_t>(1000) - taken.size() / (line.size() + 1);
  EXPECT_EQ(read_all(), "(" + std::to_string(lines) + " lines left out)\nagain\n");
}

}  // namespace
}  // namespace isthmus::io
