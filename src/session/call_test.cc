#include "session/call.h"

#include <gtest/gtest.h>

#include "base/seeded_random.h"

namespace isthmus::session {
namespace {

using std::chrono::seconds;

class AnyAddress final : public ppp::AddressPolicy {
 public:
  [[nodiscard]] bool permits_remote(const IpAddress&) const override { return true; }
  [[nodiscard]] bool permits_local(const IpAddress&) const override { return true; }
};

class NoPackets final : public PacketSink, public ppp::LinkSink {
 public:
  void packet(const Packet&) override {}
  void packet(Family, ConstBytes) override {}
};

ppp::LinkOptions plain_ppp() {
  ppp::LinkOptions options;
  options.vsncp = false;
  options.network.reset();
  return options;
}

ppp::NetworkOptions network(const char* local, const char* remote) {
  ppp::NetworkOptions options;
  options.local_ipv4 = IpAddress::parse(local).value();
  options.remote_ipv4 = IpAddress::parse(remote).value();
  return options;
}

// A call to a plain PPP peer that does not yet know what it wants above LCP.
class CallTest : public testing::Test {
 protected:
  CallTest() {
    peer_.carrier_up(now_);
    call_.start(now_);
    exchange();
  }

  void exchange() {
    for (int round = 0; round < 20; ++round) {
      peer_.receive(now_, call_.link().take_octets(), nobody_);
      call_.receive(now_, peer_.take_octets(), nobody_);
    }
    for (CallEvent& event : call_.take_events()) {
      if (std::holds_alternative<PeerHeard>(event)) call_.settle(now_, ours());
      if (std::holds_alternative<Agreed>(event)) ++agreed_;
      if (std::holds_alternative<CallEnded>(event)) has_ended_ = true;
    }
  }
  void run_for(seconds length) {
    for (const Instant end = now_ + length; now_ < end; now_ += seconds{1}) {
      call_.advance(now_);
      peer_.advance(now_);
      exchange();
    }
  }
  static Settlement ours() {
    Settlement settlement;
    settlement.network = network("193.6.35.12", "193.6.37.12");
    return settlement;
  }

  Instant now_{std::chrono::hours{1}};
  AnyAddress policy_;
  NoPackets nobody_;
  SeededRandom random_{1}, peers_random_{2};
  Call call_{CallId{1}, Direction::kOutgoing, ppp::LinkOptions{}, Hello{}, random_, policy_};
  ppp::Link peer_{plain_ppp(), peers_random_, policy_};
  int agreed_ = 0;
  bool has_ended_ = false;
};

TEST_F(CallTest, AgreesAnewWhenAProtocolThatTimedOutComesUpAfterAll) {
  run_for(seconds{35});
  ASSERT_EQ(agreed_, 1);
  EXPECT_FALSE(call_.agreement().ipv4);
  peer_.open_network(now_, network("193.6.37.12", "193.6.35.12"));
  exchange();
  exchange();
  EXPECT_GE(agreed_, 2);
  EXPECT_TRUE(call_.agreement().ipv4);
  EXPECT_TRUE(call_.agreement().why_no_ipv4.empty());
  EXPECT_FALSE(has_ended_);
}

}  // namespace
}  // namespace isthmus::session
