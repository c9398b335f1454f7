// The rules of a DatagramPath that need no other end; tests/sim has both ends and the world between them.
#include "session/datagram_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/seeded_random.h"

namespace isthmus::session {
namespace {

using crypto::Cipher;
using esp::Generation;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::IsEmpty;

IpAddress address(const char* text) {
  return IpAddress::parse(text).value();
}

const Endpoint kServer{address("192.0.2.1"), 22};
const Endpoint kElsewhere{address("198.51.100.9"), 999};

PathOptions options() {
  PathOptions options;
  options.keying.role = keying::Role::kCaller;
  options.keying.workers = 2;
  options.keying.wishes.ciphers = {Cipher::kAes128Gcm};
  options.port = 40000;
  return options;
}

DatagramHello hello_of_peer() {
  DatagramHello hello;
  hello.port = 22;
  hello.ciphers = {Cipher::kAes128Gcm};
  return hello;
}

// A caller whose called end is a Rekeyer and whatever the test says.
class DatagramPathTest : public ::testing::Test {
 protected:
  SeededRandom random_{1};
  Instant now_{seconds{1000}};
  DatagramPath path_{options(), random_};
  keying::Rekeyer peer_{peer_options(), random_};
  PathCounts counts_;
  std::vector<esp::SendProbe> probes_;
  std::vector<Endpoint> remotes_;  // each SetRemote
  std::vector<PathAction> actions_;
  std::vector<DatagramMessage> said_;

  static keying::RekeyerOptions peer_options() {
    keying::RekeyerOptions options;
    options.role = keying::Role::kCalled;
    options.wishes.ciphers = {Cipher::kAes128Gcm};
    return options;
  }
  static PathFacts facts() {
    PathFacts facts;
    facts.ssh_peers = {kServer.address};
    return facts;
  }

  void collect() {
    for (const Bytes& message : path_.take_messages()) {
      if (keying::is_key_message(message)) {
        (void)peer_.hear(now_, message);
      } else {
        said_.push_back(decode_datagram_message(message).value());
      }
    }
    for (const Bytes& message : peer_.take_messages()) EXPECT_TRUE(path_.hear(now_, message));
    for (const keying::WorkerCommand& one : path_.take_commands()) {
      if (const auto* probe = std::get_if<esp::SendProbe>(&one.command)) probes_.push_back(*probe);
      if (const auto* remote = std::get_if<esp::SetRemote>(&one.command)) remotes_.push_back(remote->remote);
    }
    for (PathAction& action : path_.take_actions()) actions_.push_back(std::move(action));
  }
  void advance(Duration time = {}) {
    now_ += time;
    path_.advance(now_, counts_);
    collect();
    collect();
  }
  void tick(int times = 1) {
    while (times-- > 0) advance(kPathTick);
  }
  void greet() {
    path_.stream_up(now_, facts());
    peer_.stream_up(now_, keying::KeyingState{2, Generation{0}, {}});
    EXPECT_TRUE(path_.hear(now_, encode(hello_of_peer())));
    advance();
    advance();
  }
  void echo(const esp::SendProbe& probe) {
    path_.worker_event(now_, esp::EchoArrived{probe.generation, probe.token, probe.size, kServer});
  }
  // Everything that was sent to `to`, or to where packets go, comes back, and what that leads to.
  void answer_all(const Endpoint& to = kServer) {
    for (int turn = 0; turn < 6; ++turn) {
      for (const esp::SendProbe& probe : std::exchange(probes_, {})) {
        if (!probe.to || *probe.to == to) echo(probe);
      }
      collect();
    }
  }
  void open() {
    greet();
    answer_all();
    ASSERT_EQ(path_.status().way, Way::kDatagrams);
    actions_.clear();
    remotes_.clear();
    said_.clear();
  }
  // A packet of the peer's comes from there, and so one by each worker.
  void hear_from(const Endpoint& from) {
    for (const std::uint32_t spi : {300U, 301U})
      path_.worker_event(now_,
                         esp::RemoteMoved{from, Generation{1}, esp::Spi{spi}, esp::RemoteMoved::By::kPacket});
    collect();
  }
  [[nodiscard]] std::size_t probes_to(const Endpoint& to) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(probes_, [&](const esp::SendProbe& probe) { return probe.to == to; }));
  }
};

TEST_F(DatagramPathTest, SaysHelloWhenTheStreamStands) {
  path_.stream_up(now_, facts());
  collect();
  ASSERT_EQ(said_.size(), 1U);
  const auto& hello = std::get<DatagramHello>(said_[0]);
  EXPECT_EQ(hello.port, 40000);
  EXPECT_EQ(hello.seen, std::vector{kServer.address});
  EXPECT_EQ(hello.keying.workers, 2U);
}

TEST_F(DatagramPathTest, SaysNothingWhereOnlyTheStreamIsWanted) {
  PathOptions stream_only = options();
  stream_only.mode = PathMode::kStream;
  path_ = DatagramPath{stream_only, random_};
  path_.stream_up(now_, facts());
  EXPECT_FALSE(path_.hear(now_, encode(hello_of_peer())));
  collect();
  EXPECT_THAT(said_, IsEmpty());
  EXPECT_EQ(path_.next_deadline(), std::nullopt);
}

TEST_F(DatagramPathTest, TakesAHelloThatComesBeforeTheStreamStandsHere) {
  EXPECT_TRUE(path_.hear(now_, encode(hello_of_peer())));
  peer_.stream_up(now_, keying::KeyingState{2, Generation{0}, {}});
  path_.stream_up(now_, facts());
  advance();
  advance();
  EXPECT_FALSE(path_.rekeyer().live().empty());
}

TEST_F(DatagramPathTest, ProbesTheFarEndOfSshAsSoonAsThereAreKeys) {
  greet();
  EXPECT_EQ(probes_to(kServer), 1U);
}

TEST_F(DatagramPathTest, CarriesOnceAddressKeysAndSizeAreProven) {
  greet();
  EXPECT_EQ(path_.status().way, Way::kStream);
  answer_all();
  EXPECT_EQ(path_.status().way, Way::kDatagrams);
  ASSERT_EQ(actions_.size(), 2U) << "no smaller size comes first";
  EXPECT_EQ(actions_[0], PathAction{SetInnerMtu{inner_mtu(1500, Family::kIpv4)}});
  EXPECT_EQ(std::get<Carry>(actions_[1]).way, Way::kDatagrams);
  EXPECT_EQ(remotes_, (std::vector{kServer, kServer})) << "each worker";
}

TEST_F(DatagramPathTest, TakesAnEchoOfAnotherTokenForNothing) {
  greet();
  esp::SendProbe forged = probes_.at(0);
  ++forged.token;
  echo(forged);
  forged = probes_.at(0);
  forged.generation = Generation{99};
  echo(forged);
  EXPECT_EQ(path_.status().remote, std::nullopt);
}

TEST_F(DatagramPathTest, ProbesEveryHalfSecondAtFirstAndEveryTwoSecondsLater) {
  greet();
  probes_.clear();
  tick(20);
  EXPECT_EQ(probes_to(kServer), 20U);
  tick(60);
  probes_.clear();
  tick(40);
  EXPECT_EQ(probes_to(kServer), 10U);
}

// DESIGN section 5: no more goes to an address than three times what came from there.
TEST_F(DatagramPathTest, AnswersAProbeFromAnUnknownAddressWithOneProbeATick) {
  greet();
  probes_.clear();
  for (int i = 0; i < 10; ++i) path_.worker_event(now_, esp::ProbeArrived{Generation{1}, kElsewhere, 76});
  collect();
  EXPECT_EQ(probes_to(kElsewhere), 1U);
  tick(20);
  EXPECT_EQ(probes_to(kElsewhere), 1U) << "nothing more came from there";
}

TEST_F(DatagramPathTest, SendsPacketsToANewAddressOnlyWhenAProbeWasThereAndBack) {
  open();
  tick();
  hear_from(kElsewhere);
  EXPECT_THAT(remotes_, IsEmpty());
  EXPECT_EQ(probes_to(kElsewhere), 1U);
  tick(10);
  EXPECT_LE(probes_to(kElsewhere), 2U);
  EXPECT_EQ(path_.status().remote, std::nullopt) << "neither address answers";
}

TEST_F(DatagramPathTest, FollowsThePeerWhereTheOldAddressNoLongerAnswers) {
  open();
  tick();
  hear_from(kElsewhere);
  answer_all(kElsewhere);
  EXPECT_EQ(path_.status().remote, kServer) << "a tick for the old address";
  tick();
  EXPECT_EQ(path_.status().remote, kElsewhere);
  EXPECT_EQ(remotes_, (std::vector{kElsewhere, kElsewhere}));
}

TEST_F(DatagramPathTest, TriesTheBaseAtOnceAtANewAddressWhereItNeverPassedAtTheOld) {
  open();
  path_.too_big(now_, kServer, path_.rekeyer().live()[0].sas.outbound[0], 1000);
  ASSERT_EQ(path_.status().way, Way::kStream) << "the error state, which waits five seconds";
  tick();
  probes_.clear();
  hear_from(kElsewhere);
  answer_all(kElsewhere);
  tick();
  ASSERT_EQ(path_.status().remote, kElsewhere);
  answer_all(kElsewhere);
  EXPECT_EQ(path_.status().way, Way::kDatagrams);
}

TEST_F(DatagramPathTest, KeepsAnAddressThatAnswersWhereverThePeersPacketsComeFrom) {
  open();
  for (int i = 0; i < 100; ++i) {
    hear_from(kElsewhere);
    answer_all(kServer);
    answer_all(kElsewhere);
    tick();
  }
  EXPECT_EQ(path_.status().remote, kServer);
  EXPECT_THAT(remotes_, IsEmpty());
}

TEST_F(DatagramPathTest, ProbesOnceATickHoweverManyAddressesThePeersPacketsComeFrom) {
  open();
  answer_all();
  for (int i = 0; i < 20; ++i) {
    tick();
    for (std::uint16_t port = 1; port < 100; ++port) hear_from({kElsewhere.address, port});
    EXPECT_LE(probes_to(kServer), 1U) << "whether the old one answers";
    EXPECT_LE(probes_.size(), 2U);
    answer_all();
  }
}

TEST_F(DatagramPathTest, DoesNotFollowThePeerIntoTheTunnel) {
  PathFacts tunnelled = facts();
  tunnelled.tunnelled = {Prefix::parse("198.51.100.0/24").value()};
  path_.stream_up(now_, tunnelled);
  peer_.stream_up(now_, keying::KeyingState{2, Generation{0}, {}});
  EXPECT_TRUE(path_.hear(now_, encode(hello_of_peer())));
  advance();
  answer_all();
  hear_from(kElsewhere);
  EXPECT_EQ(probes_to(kElsewhere), 0U);
}

TEST_F(DatagramPathTest, StaysOnTheStreamUntilPacketsOfIpv6Fit) {
  PathFacts ipv6 = facts();
  ipv6.carries_ipv6 = true;
  path_.stream_up(now_, ipv6);
  peer_.stream_up(now_, keying::KeyingState{2, Generation{0}, {}});
  EXPECT_TRUE(path_.hear(now_, encode(hello_of_peer())));
  advance();
  advance();
  answer_all();
  EXPECT_EQ(path_.status().way, Way::kDatagrams);
  path_.too_big(now_, kServer, path_.rekeyer().live()[0].sas.outbound[0], 1290);
  EXPECT_EQ(path_.status().way, Way::kStream);
}

TEST_F(DatagramPathTest, ReportsWhatHasArrivedOnceATickWhileItGrows) {
  open();
  counts_.received = {{Generation{1}, 5}};
  tick();
  counts_.received = {{Generation{1}, 9}};
  tick();
  tick(5);
  ASSERT_EQ(said_.size(), 2U);
  EXPECT_EQ(std::get<PathReport>(said_[1]).received, counts_.received);
}

TEST_F(DatagramPathTest, ReportsTheLargestProbe) {
  open();
  path_.worker_event(now_, esp::ProbeArrived{Generation{1}, kServer, 1500});
  path_.worker_event(now_, esp::ProbeArrived{Generation{1}, kServer, 1280});
  tick();
  ASSERT_EQ(said_.size(), 1U);
  EXPECT_EQ(std::get<PathReport>(said_[0]).probe_size, 1500);
}

TEST_F(DatagramPathTest, TakesAReportOfAProbesSizeForItsEcho) {
  greet();
  for (const esp::SendProbe& probe : std::exchange(probes_, {})) echo(probe);
  collect();
  EXPECT_EQ(path_.status().outer_mtu, std::nullopt);
  EXPECT_TRUE(path_.hear(now_, encode(PathReport{{}, 1280})));
  EXPECT_EQ(path_.status().outer_mtu, 1280U);
}

TEST_F(DatagramPathTest, GoesToTheStreamWhenTheKeysAreSpent) {
  open();
  path_.worker_event(now_, esp::LimitReached{Generation{1}, true});
  EXPECT_EQ(path_.status().way, Way::kStream);
}

TEST_F(DatagramPathTest, StaysWhilePeerReportsThoughNoEchoComes) {
  open();
  for (int i = 1; i < 40; ++i) {
    counts_.packets_sent += 10;
    tick();
    EXPECT_TRUE(path_.hear(now_, encode(PathReport{{{Generation{1}, counts_.packets_sent}}, 1500})));
    probes_.clear();
  }
  EXPECT_EQ(path_.status().way, Way::kDatagrams);
}

// RFC 8899 section 4.6.1.
TEST_F(DatagramPathTest, TakesATooBigOfAnAddressThatPacketsDoNotGoToForNothing) {
  open();
  const esp::Spi spi = path_.rekeyer().live()[0].sas.outbound[0];
  path_.too_big(now_, kElsewhere, spi, 1300);
  path_.too_big(now_, {kServer.address, 23}, spi, 1300);
  EXPECT_EQ(path_.status().outer_mtu, 1500U);
  path_.too_big(now_, kServer, spi, 1300);
  EXPECT_EQ(path_.status().outer_mtu, kBasePlpmtu);
}

// RFC 8899 section 4.6.1.
TEST_F(DatagramPathTest, TakesATooBigOfAnSpiThatIsNoneOfOursForNothing) {
  open();
  path_.too_big(now_, kServer, esp::Spi{4711}, 1300);
  path_.too_big(now_, kServer, path_.rekeyer().live()[0].sas.inbound[0], 1300);
  EXPECT_EQ(path_.status().outer_mtu, 1500U);
}

// A report is up to a tick old when it comes, and a burst has gone out since.
TEST_F(DatagramPathTest, DoesNotTakeForLostWhatIsStillUnderWay) {
  open();
  counts_.packets_sent = 1000;
  tick();
  probes_.clear();
  EXPECT_TRUE(path_.hear(now_, encode(PathReport{{{Generation{1}, 100, 100}}, std::nullopt})));
  collect();
  EXPECT_EQ(path_.status().loss_per_mille, 0U);
  EXPECT_THAT(probes_, IsEmpty()) << "the size is in no doubt";
}

TEST_F(DatagramPathTest, ConfirmsTheSizeWhereMuchIsLost) {
  open();
  counts_.packets_sent = 1000;
  tick();
  answer_all();
  EXPECT_TRUE(path_.hear(now_, encode(PathReport{{{Generation{1}, 70, 100}}, std::nullopt})));
  tick();
  EXPECT_EQ(path_.status().loss_per_mille, 300U);
  ASSERT_EQ(probes_.size(), 2U) << "a short one beside it";
  EXPECT_EQ(probes_[0].size, 0U);
  EXPECT_EQ(probes_[1].size, 1500U);
}

TEST_F(DatagramPathTest, StaysWhileEchoesComeThoughNoReportDoes) {
  open();
  for (int i = 1; i < 40; ++i) {
    counts_.packets_sent += 10;
    tick();
    answer_all();
  }
  EXPECT_EQ(path_.status().way, Way::kDatagrams);
}

TEST_F(DatagramPathTest, LeavesWhenNeitherComes) {
  open();
  for (int i = 1; i < 6; ++i) {
    counts_.packets_sent += 10;
    tick();
  }
  EXPECT_EQ(path_.status().way, Way::kStream);
}

TEST_F(DatagramPathTest, WantsThreeEchoesOnceAPathHasFailed) {
  open();
  for (int i = 1; i < 6; ++i) {
    counts_.packets_sent += 10;
    tick();
  }
  ASSERT_EQ(path_.status().remote, std::nullopt);
  for (int i = 0; i < kEchoesAfterFailure; ++i) {
    EXPECT_EQ(path_.status().remote, std::nullopt);
    probes_.clear();
    tick();
    echo(probes_.at(0));
    collect();
  }
  EXPECT_EQ(path_.status().remote, kServer);
}

TEST_F(DatagramPathTest, EndsEverythingWhenThePeerSwitchesItOff) {
  open();
  EXPECT_TRUE(path_.hear(now_, encode(PathClose{})));
  EXPECT_EQ(path_.status().way, Way::kStream);
  EXPECT_THAT(path_.rekeyer().live(), IsEmpty());
  EXPECT_FALSE(path_.hear(now_, encode(hello_of_peer()))) << "until the next stream";
}

TEST_F(DatagramPathTest, SaysSoWhenItIsSwitchedOff) {
  open();
  path_.close(now_);
  collect();
  ASSERT_EQ(said_.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<PathClose>(said_[0]));
  EXPECT_EQ(path_.next_deadline(), std::nullopt);
}

TEST_F(DatagramPathTest, TellsThePeerOfNewAddresses) {
  open();
  path_.network_changed(now_, {address("203.0.113.9")});
  collect();
  ASSERT_EQ(said_.size(), 1U);
  EXPECT_EQ(std::get<DatagramHello>(said_[0]).addresses, std::vector{address("203.0.113.9")});
  EXPECT_EQ(probes_to(kServer), 1U) << "so that it learns where we are";
}

TEST_F(DatagramPathTest, TakesALaterHelloForAddressesAlone) {
  open();
  DatagramHello later = hello_of_peer();
  later.keying.live = {};
  EXPECT_TRUE(path_.hear(now_, encode(later)));
  EXPECT_EQ(path_.rekeyer().live().size(), 1U);
  EXPECT_EQ(path_.status().way, Way::kDatagrams);
}

TEST_F(DatagramPathTest, RefusesMessagesThatBreakTheirFormat) {
  open();
  EXPECT_FALSE(path_.hear(now_, Bytes{1, 9, 0, 4}));
  EXPECT_FALSE(path_.hear(now_, Bytes{1, 12, 0, 4}));
  EXPECT_EQ(path_.status().way, Way::kDatagrams);
}

// --- A peer that would have us flood somebody

// A hello of other addresses each time, as many as there may be.
DatagramHello hello_of_strangers(std::uint32_t turn) {
  DatagramHello hello = hello_of_peer();
  for (std::uint32_t i = 0; i < kMaxOwnAddresses; ++i)
    hello.addresses.push_back(IpAddress::v4(0xc6336400 + (turn * 8 + i) % 256));
  return hello;
}

TEST_F(DatagramPathTest, ProbesOneRoundATickHoweverOftenThePeerSaysHello) {
  greet();
  probes_.clear();
  constexpr int kTicks = 20;
  for (int i = 0; i < kTicks * 500; ++i) {
    EXPECT_TRUE(path_.hear(now_, encode(hello_of_strangers(static_cast<std::uint32_t>(i)))));
    advance(milliseconds{1});
  }
  EXPECT_LE(probes_.size(), (kTicks + 1) * (kMaxOwnAddresses + 1));
  EXPECT_GE(probes_.size(), kTicks * (kMaxOwnAddresses + 1) - kMaxOwnAddresses) << "nor does it end";
}

TEST_F(DatagramPathTest, KeepsItsPatienceWithAPeerThatSaysTheSameAgain) {
  greet();
  tick(80);
  probes_.clear();
  for (int i = 0; i < 40; ++i) {
    EXPECT_TRUE(path_.hear(now_, encode(hello_of_peer())));
    tick();
  }
  EXPECT_LE(probes_to(kServer), 11U);
}

TEST_F(DatagramPathTest, SendsABoundedNumberOfProbesATickWhateverThePeerDoes) {
  greet();
  for (std::uint32_t round = 0; round < 20; ++round) {
    tick();
    probes_.clear();
    for (std::uint32_t i = 0; i < 400; ++i) {
      now_ += milliseconds{1};
      const Endpoint stranger{IpAddress::v4(0xcb007100 + i), 4000};
      EXPECT_TRUE(path_.hear(now_, encode(hello_of_strangers(i))));
      path_.worker_event(now_, esp::ProbeArrived{Generation{1}, stranger, 76});
      hear_from(stranger);
      // All of them answer, so that it would like to probe them again and again.
      for (const esp::SendProbe& probe : std::vector(probes_)) echo(probe);
      advance();
    }
    const auto of_path =
        std::ranges::count_if(probes_, [](const esp::SendProbe& probe) { return probe.to.has_value(); });
    EXPECT_LE(static_cast<std::size_t>(of_path), 2 * PathProbes::kMostATick) << "two ticks may meet in this";
  }
}

TEST_F(DatagramPathTest, DoesNotProbeItsOwnAddress) {
  open();
  path_.network_changed(now_, {kElsewhere.address});
  probes_.clear();
  hear_from(kElsewhere);
  EXPECT_EQ(probes_to(kElsewhere), 0U);
}

}  // namespace
}  // namespace isthmus::session
