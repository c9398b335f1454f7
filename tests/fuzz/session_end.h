// One end for session_pair_fuzz: a Session with the real policy, and what its shell does about its actions,
// each of which is held against what was agreed before.
#pragma once

#include <algorithm>
#include <deque>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "base/seeded_random.h"
#include "esp/tunnel.h"
#include "fuzz/session_place.h"
#include "session/session.h"

namespace isthmus::session::fuzz {

inline constexpr std::size_t kMaxWaiting = 32;  // datagrams under way to an end
inline constexpr int kMaxTurns =
    200;  // until an end has nothing more to ask, without an octet from the other

class End final : public PacketSink {
 public:
  End(bool is_caller, unsigned bits)
      : place_(place_of(is_caller)),
        random_(bits + (is_caller ? 0 : 256)),
        policy_(policy_of(place_), facts_of(place_)),
        session_(options_of(place_, is_caller, bits), random_, policy_),
        is_planning_(is_caller && (bits & 8U) != 0) {}

  void packet(const Packet& packet) override {
    CHECK(!packet.octets.empty() && packet.octets.size() <= kMaxPacket);
  }

  // What it asks for, and what that leads to; the order of both is checked.
  void act(Instant now) {
    for (int turns = 0;; ++turns) {
      CHECK(turns < kMaxTurns);
      std::vector<SessionAction> actions = session_.take_actions();
      bool is_again = !actions.empty();
      for (SessionAction& action : actions) {
        // Calls that were still standing may go on to say what becomes of them.
        CHECK(!is_ended || std::holds_alternative<HangUp>(action) || std::holds_alternative<Said>(action));
        std::visit([&](auto& what) { on(now, what); }, action);
      }
      while (const auto event = tunnel_.next_event()) {
        session_.worker_event(now, *event);
        is_again = true;
      }
      if (!is_again) return;
    }
  }

  void take_datagrams(std::deque<Bytes>& to) {
    Bytes room(2000);
    while (const auto made = tunnel_.next_datagram(room)) {
      if (to.size() < kMaxWaiting)
        to.emplace_back(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(made->size));
    }
  }

  void open(Instant now, Bytes datagram, const Endpoint& from) {
    Bytes packet(datagram.size());
    std::ignore = tunnel_.open({datagram, from, 0, false, now}, packet);
  }

  void count() {
    PathCounts counts;
    counts.packets_received = tunnel_.counters().packets_received;
    counts.dummies_sent = tunnel_.counters().dummies_sent;
    for (const esp::SaStatus& sa : tunnel_.status()) counts.add(sa);
    session_.counted(std::move(counts));
  }

  [[nodiscard]] Session& session() { return session_; }
  [[nodiscard]] Endpoint udp() const { return {place_.own, 1000}; }
  [[nodiscard]] const Place& place() const { return place_; }

  int dials = 0;  // not answered yet
  bool is_ended = false;
  bool is_machine_willing = true;
  std::vector<std::pair<CallId, Bytes>> hung_up;

 private:
  void on(Instant, Dial&) { ++dials; }
  void on(Instant, HangUp& hang_up) { hung_up.emplace_back(hang_up.call, std::move(hang_up.last_octets)); }

  void on(Instant now, Judge& judge) {
    const config::PeerPolicy policy = policy_of(place_);
    const auto judged = config::judge_offers(judge.hello ? judge.hello->offers : std::vector<Prefix>{},
                                             policy, facts_of(place_), {});
    Settlement settlement;
    settlement.verdicts = judged.verdicts;
    settlement.accepted = judge.hello ? judged.accepted() : policy.accepts;
    settlement.offers = policy.offers;
    settlement.network.local_ipv4 = place_.own;
    settlement.plan = {"a plan"};
    session_.settle(now, judge.call, std::move(settlement));
  }

  void on(Instant now, Establish& establish) {
    const Agreement& agreement = establish.agreement;
    for (const Prefix& accepted : agreement.accepted)
      CHECK(std::ranges::any_of(place_.accepts, [&](const Prefix& own) { return own.contains(accepted); }));
    for (const Prefix& offered : agreement.offered) CHECK(offered == place_.network);
    if (agreement.ipv4)
      CHECK(policy_.permits_remote(agreement.ipv4->remote) && agreement.ipv4->local == place_.own);
    is_established_ = true;
    if (!is_machine_willing) return session_.routes_failed(now, "the kernel said no");
    if (session_.takes_datagrams())
      session_.use_datagrams(now, path_options_of(place_),
                             {{}, agreement.accepted, agreement.ipv6.has_value()});
    session_.routes_ready(now, {{place_.own}, {}});
  }

  // Whoever asks for a plan alone establishes nothing, and loses a stream all the same.
  void on(Instant, Suspend&) { CHECK(is_established_ || is_planning_); }
  void on(Instant, Resume&) { CHECK(is_established_); }
  void on(Instant now, Prove& prove) {
    CHECK(is_established_);
    ProofReport report;
    for (const IpAddress& target : prove.targets.gateways)
      report.probes.push_back({place_.own, target, false, std::nullopt});
    session_.probed(now, std::move(report));
  }
  void on(Instant, Proven&) { CHECK(is_established_); }
  void on(Instant, PlanArrived&) { CHECK(is_planning_); }
  void on(Instant, Ended&) { is_ended = true; }
  void on(Instant, keying::WorkerCommand& command) {
    CHECK(command.worker == 0);
    CHECK(tunnel_.apply(std::move(command.command)));
  }
  void on(Instant, Carry&) { CHECK(session_.datagrams() != nullptr || !is_established_); }
  void on(Instant, SetInnerMtu& mtu) { CHECK(mtu.mtu >= 68); }
  void on(Instant, Said& said) { CHECK(said.text.size() < 8000); }
  void on(Instant, ppp::FrameTrace&) { CHECK(false); }

  Place place_;
  SeededRandom random_;
  config::PeerAddressPolicy policy_;
  Session session_;
  esp::Tunnel tunnel_;
  bool is_planning_;
  bool is_established_ = false;
};

}  // namespace isthmus::session::fuzz
