// Two Sessions and the streams between them in virtual time: the whole life of a join without a process, a
// socket or a clock. Streams carry octets with a delay, in both directions, and can be cut.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/seeded_random.h"
#include "datagram_shell.h"
#include "session/session.h"

namespace isthmus::session::testing {

inline Prefix prefix(const char* text) {
  return Prefix::parse(text).value();
}
inline IpAddress address(const char* text) {
  return IpAddress::parse(text).value();
}

class AnyAddress final : public ppp::AddressPolicy {
 public:
  [[nodiscard]] bool permits_remote(const IpAddress& a) const override { return a.is_unicast_host(); }
  [[nodiscard]] bool permits_local(const IpAddress& a) const override { return a.is_unicast_host(); }
};

inline SessionOptions caller() {
  SessionOptions options;
  options.dials = true;
  return options;
}

// Counts what came, and keeps the last.
class CountedPackets final : public PacketSink {
 public:
  void packet(const Packet& packet) override {
    ++count;
    last.assign(packet.octets.begin(), packet.octets.end());
    segment_size = packet.segment_size;
  }
  int count = 0;
  Bytes last;
  std::uint16_t segment_size = 0;
};

// One end: a Session, and what its shell would do about its actions.
struct End {
  End(std::string the_name, std::uint8_t node, SessionOptions options, std::uint64_t seed, const char* own,
      const char* network)
      : name(std::move(the_name)), random(seed), own_address(address(own)), own_network(prefix(network)) {
    options.identity.node.fill(node);
    options.identity.host.fill(node);
    options.identity.name = name;
    if (!options.identity.offers.empty()) offers = options.identity.offers;
    options.identity.offers = offers;
    options.link.restart_interval = std::chrono::seconds{3};
    session.emplace(std::move(options), random, policy);
  }

  std::string name;
  SeededRandom random;
  AnyAddress policy;
  CountedPackets packets;
  std::optional<Session> session;
  IpAddress own_address;
  Prefix own_network;
  std::vector<Prefix> offers{own_network};
  std::string why_refused;     // what the local policy says of every prefix offered; empty: yes
  std::optional<Bye> refusal;  // what it says to everybody
  bool routes_fail = false;
  bool has_ipv4 = true, has_ipv6 = true;
  std::string text_first;   // comes out of its end of the stream before its own octets
  Duration dial_latency{};  // of ssh: from Dial to a stream
  int dials = 0, judged = 0, established = 0, suspended = 0, proven = 0;
  std::optional<Ended> ended;
  std::optional<Agreement> agreement;
  std::vector<std::string> plan, plan_to_tell;
  std::optional<DatagramShell> datagrams;  // empty: this end has no use for them
  int resumed = 0;
};

class Pair {
 public:
  static constexpr Duration kDelay = std::chrono::milliseconds{20};

  Pair(SessionOptions left, SessionOptions right, std::uint64_t seed)
      : a("fellini", 1, std::move(left), seed, "193.6.35.12", "193.6.35.0/24"),
        b("polanski", 2, std::move(right), seed + 1, "193.6.37.12", "193.6.37.0/24") {}

  End a, b;
  Instant now{std::chrono::hours{1}};
  bool network_works = true;  // whether a dial succeeds

  void run_for(Duration duration) {
    const Instant end = now + duration;
    settle_down();
    while (true) {
      const std::optional<Instant> next = next_event();
      if (!next || *next > end) break;
      now = std::max(now, *next);
      answer_dials();
      deliver();
      for (End* const one : {&a, &b}) {
        if (one->datagrams) one->session->counted(one->datagrams->counts(one->session->datagrams()));
        if (is_due(*one)) one->session->advance(now);
      }
      settle_down();
    }
    now = end;
  }

  // Ends every stream at both ends at once, as a dying ssh does.
  void cut_streams() {
    const std::vector<Stream> cut = std::exchange(streams_, {});
    for (const Stream& stream : cut) {
      a.session->carrier_lost(now, stream.at_a);
      b.session->carrier_lost(now, stream.at_b);
    }
    settle_down();
  }
  // What is under way to the end comes later and at once, with `more` behind it, as when that machine was
  // busy.
  void bunch_for(End& to, Duration busy, const Bytes& more) {
    std::map<CallId, Bytes> bunches;
    run_for(Duration{});
    for (const Instant end = now + busy; now < end;) {
      for (Parcel& parcel : parcels_) {
        if (parcel.to != &to) continue;
        Bytes& bunch = bunches[parcel.call];
        bunch.insert(bunch.end(), parcel.octets.begin(), parcel.octets.end());
      }
      std::erase_if(parcels_, [&](const Parcel& parcel) { return parcel.to == &to; });
      run_for(std::chrono::milliseconds{1});
    }
    for (auto& [call, octets] : bunches) {
      octets.insert(octets.end(), more.begin(), more.end());
      to.session->receive(now, call, octets, to.packets);
    }
    settle_down();
  }
  // Both ends have a socket and a worker from now on.
  void have_datagrams() {
    a.datagrams.emplace(Endpoint{a.own_address, 1001});
    b.datagrams.emplace(Endpoint{b.own_address, 1002});
  }
  bool is_udp_shut = false;
  // Octets vanish from now on, and nobody is told.
  void freeze_streams() { frozen_ = true; }

  // A dial of `caller` reaches the other end: both get the stream.
  void connect(End& caller) {
    End& called = &caller == &a ? b : a;
    const CallId there = called.session->add_call(now, Direction::kIncoming);
    const CallId here = caller.session->add_call(now, Direction::kOutgoing);
    streams_.push_back(&caller == &a ? Stream{here, there} : Stream{there, here});
  }
  [[nodiscard]] std::size_t streams() const { return streams_.size(); }

 private:
  struct Stream {
    CallId at_a, at_b;
  };
  struct Parcel {
    Instant arrives;
    End* to;
    CallId call;
    Bytes octets;
  };

  struct Datagram {
    Instant arrives;
    End* to;
    Bytes octets;
  };

  struct Dialled {
    Instant answers;
    End* caller;
  };

  static bool due(const std::optional<Instant>& deadline, Instant now) {
    return deadline && *deadline <= now;
  }
  [[nodiscard]] bool is_due(const End& end) const { return due(end.session->next_deadline(), now); }

  [[nodiscard]] std::optional<Instant> next_event() const {
    std::optional<Instant> next;
    const auto consider = [&](std::optional<Instant> at) {
      if (at && (!next || *at < *next)) next = at;
    };
    consider(a.session->next_deadline());
    consider(b.session->next_deadline());
    if (!parcels_.empty()) consider(parcels_.front().arrives);
    for (const Dialled& dialled : dialled_) consider(dialled.answers);
    if (!datagrams_.empty()) consider(datagrams_.front().arrives);
    return next;
  }

  void answer_dials() {
    for (std::size_t i = 0; i < dialled_.size();) {
      if (dialled_[i].answers > now) {
        ++i;
        continue;
      }
      End& caller = *dialled_[i].caller;
      dialled_.erase(dialled_.begin() + static_cast<std::ptrdiff_t>(i));
      if (network_works) connect(caller);
      if (!network_works) caller.session->dial_failed(now, "no route to host");
    }
  }

  void deliver() {
    while (!parcels_.empty() && parcels_.front().arrives <= now) {
      Parcel parcel = std::move(parcels_.front());
      parcels_.pop_front();
      parcel.to->session->receive(now, parcel.call, parcel.octets, parcel.to->packets);
    }
    while (!datagrams_.empty() && datagrams_.front().arrives <= now) {
      const Datagram datagram = std::move(datagrams_.front());
      datagrams_.pop_front();
      End& to = *datagram.to;
      if (!is_udp_shut) to.datagrams->open(datagram.octets, (&to == &a ? b : a).datagrams->local());
    }
  }

  void settle_down() {
    for (bool again = true; again;) {
      again = act(a) | act(b);
      collect(a);
      collect(b);
      for (End* const one : {&a, &b}) again |= one->datagrams && run_worker(*one);
    }
  }

  bool run_worker(End& end) {
    End& peer = &end == &a ? b : a;
    for (auto& [to, octets] : end.datagrams->take_datagrams()) {
      if (to == peer.datagrams->local()) datagrams_.push_back({now + kDelay, &peer, std::move(octets)});
    }
    const std::vector<esp::TunnelEvent> events = end.datagrams->take_events();
    for (const esp::TunnelEvent& event : events) end.session->worker_event(now, event);
    return !events.empty();
  }

  void collect(End& from) {
    from.session->pump(now, std::size_t{1} << 30);
    for (const Stream& stream : streams_) {
      const CallId call = &from == &a ? stream.at_a : stream.at_b;
      Bytes octets = from.session->take_octets(call);
      // A login's words, which no peer sent.
      if (const std::string text = std::exchange(from.text_first, ""); !text.empty())
        octets.insert(octets.begin(), text.begin(), text.end());
      post(from, call, std::move(octets));
    }
  }

  void post(End& from, CallId call, Bytes octets) {
    if (octets.empty() || frozen_) return;
    for (const Stream& stream : streams_) {
      if ((&from == &a ? stream.at_a : stream.at_b) != call) continue;
      End& to = &from == &a ? b : a;
      parcels_.push_back({now + kDelay, &to, &from == &a ? stream.at_b : stream.at_a, std::move(octets)});
      return;
    }
  }

  bool act(End& end) {
    auto actions = end.session->take_actions();
    for (SessionAction& action : actions) {
      if (std::holds_alternative<Dial>(action)) dial(end);
      if (const auto* hang_up = std::get_if<HangUp>(&action)) post(end, hang_up->call, hang_up->last_octets);
      if (const auto* judge = std::get_if<Judge>(&action)) settle(end, *judge);
      if (const auto* establish = std::get_if<Establish>(&action)) join(end, *establish);
      if (std::holds_alternative<Suspend>(action)) ++end.suspended;
      if (std::holds_alternative<Resume>(action)) ++end.resumed;
      if (auto* const command = std::get_if<keying::WorkerCommand>(&action)) end.datagrams->obey(*command);
      if (const auto* carry = std::get_if<Carry>(&action)) end.datagrams->way = carry->way;
      if (std::holds_alternative<Prove>(action)) end.session->probed(now, {});
      if (std::holds_alternative<Proven>(action)) ++end.proven;
      if (const auto* plan = std::get_if<PlanArrived>(&action)) end.plan = plan->lines;
      if (const auto* ended = std::get_if<Ended>(&action)) end.ended = *ended;
    }
    return !actions.empty();
  }

  void dial(End& end) {
    ++end.dials;
    dialled_.push_back({now + end.dial_latency, &end});
  }

  void settle(End& end, const Judge& judge) {
    ++end.judged;
    Settlement settlement;
    settlement.refusal = end.refusal;
    settlement.offers = end.offers;
    settlement.network.ipv4 = end.has_ipv4;
    settlement.network.ipv6 = end.has_ipv6;
    if (end.has_ipv4) settlement.network.local_ipv4 = end.own_address;
    settlement.plan = end.plan_to_tell;
    for (const Prefix& offered : judge.hello ? judge.hello->offers : std::vector<Prefix>{}) {
      settlement.verdicts.push_back({offered, end.why_refused.empty(), end.why_refused});
      if (end.why_refused.empty()) settlement.accepted.push_back(offered);
    }
    end.session->settle(now, judge.call, std::move(settlement));
  }

  void join(End& end, const Establish& establish) {
    ++end.established;
    end.agreement = establish.agreement;
    if (end.routes_fail) return end.session->routes_failed(now, "the kernel said no");
    End& peer = &end == &a ? b : a;
    if (end.datagrams)
      end.session->use_datagrams(now, end.datagrams->options(), {{peer.own_address}, {}, false});
    end.session->routes_ready(now, {{end.own_address}, {}});
  }

  std::vector<Stream> streams_;
  std::deque<Parcel> parcels_;
  std::deque<Datagram> datagrams_;
  std::vector<Dialled> dialled_;
  bool frozen_ = false;
};

}  // namespace isthmus::session::testing
