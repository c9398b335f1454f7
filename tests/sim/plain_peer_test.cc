// A Session and a plain PPP peer over a slow stream in virtual time: nothing is reported, echoes measure.
#include <gtest/gtest.h>

#include "net/test_packets.h"
#include "session_pair.h"

namespace isthmus::session::testing {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

ppp::LinkOptions plain_ppp() {
  ppp::LinkOptions options;
  options.vsncp = false;
  options.network->local_ipv4 = address("193.6.37.12");
  return options;
}

// What the peer sends comes after a delay; what we send goes through a bottleneck with a buffer without end.
class PlainPeer : public ::testing::Test {
 protected:
  static constexpr Duration kDelay = milliseconds{20};
  static constexpr std::size_t kSshPacket = 16 * 1024;
  static constexpr Duration kStep = microseconds{500};

  PlainPeer() {
    session_.begin(now_);
    call_ = session_.add_call(now_, Direction::kOutgoing);
    peer_.carrier_up(now_);
    run_for(seconds{15});
  }

  void run_for(Duration length, ConstBytes greedy = {}) {
    for (const Instant end = now_ + length; now_ < end; now_ += kStep) {
      while (!greedy.empty() && session_.current() && session_.traffic().waiting < 300'000)
        session_.enqueue(now_, {greedy});
      deliver();
      if (session_.next_deadline() && *session_.next_deadline() <= now_) session_.advance(now_);
      if (peer_.next_deadline() && *peer_.next_deadline() <= now_) peer_.advance(now_);
      act();
      session_.pump(now_, std::size_t{1} << 30);
      post(session_.take_octets(call_), false);
      post(answers_ ? peer_.take_octets() : Bytes{}, true);
    }
  }
  void deliver() {
    for (auto* wire : {&to_peer_, &to_us_}) {
      while (!wire->empty() && wire->front().arrives <= now_) {
        const Bytes octets = std::move(wire->front().octets);
        wire->pop_front();
        if (wire == &to_us_) session_.receive(now_, call_, octets, packets_);
        if (wire == &to_peer_) peer_.receive(now_, octets, sink_);
      }
    }
  }
  void act() {
    for (const SessionAction& action : session_.take_actions()) {
      if (const auto* judge = std::get_if<Judge>(&action)) settle(judge->call);
      if (std::holds_alternative<Establish>(action)) session_.routes_ready(now_, {});
    }
    std::ignore = peer_.take_actions();
  }
  void settle(CallId call) {
    Settlement settlement;
    settlement.offers = {prefix("193.6.35.0/24")};
    settlement.network.ipv6 = false;
    settlement.network.local_ipv4 = address("193.6.35.12");
    session_.settle(now_, call, std::move(settlement));
  }
  void post(Bytes octets, bool to_us) {
    if (octets.empty()) return;
    if (to_us) return to_us_.push_back({now_ + kDelay, std::move(octets)});
    // ssh makes packets of what it is given, and no peer sees half of one.
    for (std::size_t at = 0; at < octets.size(); at += kSshPacket) {
      const auto size = static_cast<std::ptrdiff_t>(std::min(kSshPacket, octets.size() - at));
      const std::chrono::duration<double> time{static_cast<double>(size) / rate_};
      free_at_ = std::max(free_at_, now_) + std::chrono::duration_cast<Duration>(time);
      const auto first = octets.begin() + static_cast<std::ptrdiff_t>(at);
      to_peer_.push_back({free_at_ + kDelay, Bytes(first, first + size)});
    }
  }

  struct Sink final : ppp::LinkSink {
    void packet(Family, ConstBytes octets) override { received += octets.size(); }
    std::size_t received = 0;
  };
  struct Parcel {
    Instant arrives;
    Bytes octets;
  };

  double rate_ = 2.5e6;  // octets a second, of the bottleneck
  bool answers_ = true;  // the peer's octets come through
  Instant now_{std::chrono::hours{1}};
  Instant free_at_{};
  std::deque<Parcel> to_peer_, to_us_;
  SeededRandom random_{9}, peers_random_{11};
  AnyAddress policy_;
  CountedPackets packets_;
  Sink sink_;
  Session session_{caller(), random_, policy_};
  ppp::Link peer_{plain_ppp(), peers_random_, policy_};
  CallId call_{};
  Bytes packet_ = test::packet_of({.payload = test::random_octets(1400, 5), .tos = 2});
};

TEST_F(PlainPeer, TheStreamIsFilledForAsLongAsThereIsSomethingToSend) {
  run_for(seconds{5}, packet_);
  const std::size_t before = sink_.received;
  run_for(seconds{20}, packet_);
  EXPECT_GE(static_cast<double>(sink_.received - before), 0.9 * 20 * rate_);
}

// Echoes measure less well than reports; without either it would be the megabytes that ssh takes.
TEST_F(PlainPeer, WhatIsUnderWayIsLessThanAQuarterOfASecond) {
  run_for(seconds{5}, packet_);
  ASSERT_NE(session_.stream(), nullptr);
  std::uint64_t most = 0;
  for (int i = 0; i < 2000; ++i) {
    run_for(kStep, packet_);
    most = std::max(most, session_.stream()->undelivered());
  }
  EXPECT_LE(static_cast<double>(most), rate_ * 0.25);
}

TEST_F(PlainPeer, NeverClosesForGoodWhenTheStreamChangesUnderABurstySender) {
  for (int i = 0; i < 300; ++i) {
    rate_ = i % 3 == 0 ? 10e6 : i % 3 == 1 ? 1e6 : 5e6;
    run_for(milliseconds{50 + i % 7 * 40}, packet_);
    run_for(milliseconds{i % 5 * 100});
  }
  rate_ = 5e6;
  run_for(seconds{5});
  const std::size_t before = sink_.received;
  run_for(seconds{5}, packet_);
  EXPECT_GE(static_cast<double>(sink_.received - before), 0.5 * 5 * rate_);
}

}  // namespace
}  // namespace isthmus::session::testing
