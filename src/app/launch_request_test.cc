#include "app/launch_request.h"

#include <gtest/gtest.h>

#include <random>

namespace isthmus::app {
namespace {

// Its octets: a number of 64 bits for the kind, one for the child, and what StartSsh has more.
constexpr std::size_t kKindAt = 7, kBehindAll = 63;

TEST(LaunchRequest, BringsWhoCallsThrough) {
  const StartSsh sent{{7}, {1, 2}, {3}};
  const LaunchRequest read = decode_launch_request(encode_launch_request(sent)).value();
  const auto& start = std::get<StartSsh>(read);
  EXPECT_EQ(start.child, 7U);
  EXPECT_EQ(start.host, sent.host);
  EXPECT_EQ(start.node, sent.node);
}

TEST(LaunchRequest, IsRefusedInAnotherSizeOrOfAnotherKindOrWithMoreBehindIt) {
  LaunchRequestOctets octets = encode_launch_request(Kill{{7}});
  EXPECT_TRUE(decode_launch_request(octets));
  EXPECT_FALSE(decode_launch_request(ConstBytes{octets}.first(kLaunchRequestSize - 1)));
  octets[kBehindAll] = 1;
  EXPECT_FALSE(decode_launch_request(octets));
  octets[kBehindAll] = 0;
  octets[kKindAt] = std::variant_size_v<LaunchRequest>;
  EXPECT_FALSE(decode_launch_request(octets));
}

TEST(LaunchRequest, IsReadAsItWasWrittenOrNotAtAll) {
  std::mt19937_64 random{20261127};
  int read = 0;
  for (int i = 0; i < 100'000; ++i) {
    LaunchRequestOctets octets{};
    for (std::uint8_t& octet : octets) octet = static_cast<std::uint8_t>(random() % 64 == 0 ? random() : 0);
    octets[kKindAt] = static_cast<std::uint8_t>(random() % 16);
    const Result<LaunchRequest> request = decode_launch_request(octets);
    if (!request) continue;
    ++read;
    ASSERT_EQ(encode_launch_request(*request), octets);
  }
  EXPECT_GT(read, 1000);
}

}  // namespace
}  // namespace isthmus::app
