#include "session/path_probes.h"

#include <gtest/gtest.h>

#include "base/seeded_random.h"

namespace isthmus::session {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart{seconds{1000}};
constexpr esp::Generation kGeneration{7};
const Endpoint kThere{IpAddress::v4(0xc0000201), 22};

PathProbe probe(Instant sent = kStart) {
  return {PathProbe::Purpose::kCandidate, kGeneration, kThere, 0, 0, sent};
}
esp::EchoArrived echo_of(const PathProbe& probe) {
  return {probe.generation, probe.token, probe.size, probe.to};
}

class PathProbesTest : public ::testing::Test {
 protected:
  SeededRandom random_{1};
  PathProbes probes_{random_};
};

TEST_F(PathProbesTest, GiveEachATokenOfItsOwn) {
  EXPECT_NE(probes_.add(probe())->token, probes_.add(probe())->token);
}

TEST_F(PathProbesTest, TakeAnEchoOnce) {
  const PathProbe sent = *probes_.add(probe());
  EXPECT_EQ(probes_.take(kStart, echo_of(sent))->to, kThere);
  EXPECT_EQ(probes_.take(kStart, echo_of(sent)), std::nullopt);
}

TEST_F(PathProbesTest, TakeNoEchoOfAnotherTokenOrGeneration) {
  const PathProbe sent = *probes_.add(probe());
  esp::EchoArrived echo = echo_of(sent);
  ++echo.token;
  EXPECT_EQ(probes_.take(kStart, echo), std::nullopt);
  echo = echo_of(sent);
  echo.generation = esp::Generation{8};
  EXPECT_EQ(probes_.take(kStart, echo), std::nullopt);
}

TEST_F(PathProbesTest, TakeNoEchoThatIsLate) {
  const PathProbe sent = *probes_.add(probe());
  const PathProbe other = *probes_.add(probe());
  EXPECT_NE(probes_.take(kStart + PathProbes::kPatience, echo_of(sent)), std::nullopt);
  EXPECT_EQ(probes_.take(kStart + PathProbes::kPatience + milliseconds{1}, echo_of(other)), std::nullopt);
}

TEST_F(PathProbesTest, AreBoundedInEachTick) {
  for (std::size_t i = 0; i < PathProbes::kMostATick; ++i) EXPECT_TRUE(probes_.add(probe()));
  EXPECT_FALSE(probes_.add(probe(kStart + kPathTick - milliseconds{1})));
  EXPECT_TRUE(probes_.add(probe(kStart + kPathTick)));
}

}  // namespace
}  // namespace isthmus::session
