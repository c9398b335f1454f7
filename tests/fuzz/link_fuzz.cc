// A peer of any mind against one Link in any phase: what it says back is bounded by what it was told, nothing
// is delivered or reported up that was not agreed, and after LinkDown it is silent.
//
// Input: one octet of options, then operations of one octet (modulo 12) and their arguments; see
// `run_operation`.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "base/byte_reader.h"
#include "base/check.h"
#include "base/seeded_random.h"
#include "ppp/control_packet.h"
#include "ppp/hdlc_decoder.h"
#include "ppp/hdlc_encoder.h"
#include "ppp/link.h"

namespace {

using namespace isthmus;
using namespace isthmus::ppp;

constexpr std::size_t kMaxOperations = 400;
constexpr std::size_t kMaxActionsPerInput = 60;
// What one frame may set off besides its answer: first requests of four protocols, an Identification.
constexpr std::size_t kMaxUnaskedOctets = 1000;
constexpr std::array<std::uint16_t, 12> kProtocols = {0xc021, 0x8021, 0x8057, 0x805b, 0x0021, 0x0057,
                                                      0x005b, 0x80fd, 0xc023, 0x002d, 0x0001, 0xc025};

class TenNetIsForbidden final : public AddressPolicy {
 public:
  bool permits_remote(const IpAddress& address) const override { return address.octets()[0] != 10; }
  bool permits_local(const IpAddress& address) const override { return address.octets()[0] != 10; }
};

NetworkOptions network_options(unsigned bits) {
  NetworkOptions network;
  network.ipv6 = (bits & 1) == 0;
  if ((bits & 2) == 0) network.local_ipv4 = IpAddress::v4(0xc106230c);
  if ((bits & 4) == 0) network.remote_ipv4 = IpAddress::v4(0xc106250c);
  network.accept_local_ipv4 = network.ask_for_dns = (bits & 8) != 0;
  if ((bits & 8) != 0) network.dns_to_offer = {IpAddress::v4(0xc1062335)};
  return network;
}

LinkOptions link_options(unsigned bits) {
  LinkOptions options;
  options.network = network_options(bits);
  if ((bits & 16) != 0) options.network.reset();
  options.silent = (bits & 32) != 0;
  options.passive = (bits & 64) != 0;
  options.vsncp = (bits & 128) == 0;
  options.identification = "fuzzed";
  return options;
}

class Harness final : public LinkSink {
 public:
  explicit Harness(unsigned bits) : bits_(bits), random_(bits), link_(link_options(bits), random_, policy_) {}

  void packet(Family family, ConstBytes octets) override {
    CHECK(family == Family::kIpv4 ? ipv4_up_ : ipv6_up_);
    CHECK(!octets.empty());
  }

  void run(ByteReader& in) {
    for (std::size_t i = 0; i < kMaxOperations && in.remaining() > 0; ++i) run_operation(in);
    check_output(0, 0);
  }

 private:
  void run_operation(ByteReader& in) {
    switch (in.u8() % 12) {
      case 0:
        return link_.carrier_up(now_), check_output(1, 0);
      case 1:
        return frame(in);
      case 2:
        return raw(in.take(std::min<std::size_t>(in.u8(), in.remaining())));
      case 3:
        return pass_time(std::chrono::milliseconds(50) * in.u8());
      case 4:
        return ack_everything();
      case 5:
        return loop_everything();
      case 6:
        return link_.close(now_, "fuzzed"), check_output(1, 0);
      case 7:
        return link_.renegotiate(now_), check_output(1, 0);
      case 8:
        return link_.open_network(now_, network_options(bits_)), check_output(1, 0);
      case 9:
        return send(in.u8());
      case 10:
        return link_.carrier_progressed(now_), check_output(1, 0);
      default:
        if (in.u8() % 8 == 0) link_.carrier_down(now_);
        return check_output(1, 0);
    }
  }

  void frame(ByteReader& in) {
    const std::uint8_t choice = in.u8();
    const std::uint16_t protocol = choice < 0xf0 ? kProtocols[choice % kProtocols.size()] : in.u16();
    feed(protocol, in.take(std::min<std::size_t>(in.u8(), in.remaining())));
  }

  void feed(std::uint16_t protocol, ConstBytes information) {
    Bytes stream;
    encode_frame(protocol, information, {}, stream);
    link_.receive(now_, stream, *this);
    check_output(1, stream.size());
  }

  void raw(ConstBytes stream) {
    for (std::size_t i = 0; i < stream.size(); ++i) {
      link_.receive(now_, stream.subspan(i, 1), *this);
      check_output(1, 1);
    }
  }

  void pass_time(Duration length) {
    const Instant end = now_ + length;
    for (auto next = link_.next_deadline(); next && *next <= end; next = link_.next_deadline()) {
      now_ = std::max(now_, *next);
      link_.advance(now_);
      CHECK(!link_.next_deadline() || *link_.next_deadline() > now_);
      check_output(4, 0);
    }
    now_ = end;
  }

  // What a willing peer would do: without it hardly any input would see an Opened link.
  void ack_everything() {
    const Bytes sent = std::exchange(sent_, {});
    HdlcDecoder decoder(65535);
    decoder.set_receive_accm(0);
    decoder.feed(sent, [&](const Frame& frame) {
      const auto packet = parse_control_packet(frame.information);
      if (!packet || packet->code != 1 || (frame.protocol & 0x8000) == 0) return;
      Bytes ack;
      append_control_packet(Code::kConfigureAck, packet->identifier, packet->data, ack);
      feed(frame.protocol, ack);
    });
  }

  void loop_everything() {
    const Bytes sent = std::exchange(sent_, {});
    link_.receive(now_, sent, *this);
    check_output(1 + sent.size() / 8, sent.size());
  }

  void send(std::uint8_t argument) {
    const Family family = (argument & 1) != 0 ? Family::kIpv6 : Family::kIpv4;
    const std::uint64_t before = link_.octets_queued();
    const bool was_up = family == Family::kIpv4 ? ipv4_up_ : ipv6_up_;
    const bool was_sent = link_.send_packet(now_, family, Bytes(std::size_t{argument} * 8, 0x45));
    CHECK(was_sent == (link_.octets_queued() > before));
    CHECK(!was_sent || was_up);
    const Bytes message(argument, 1);
    CHECK(!link_.send_vsnp(now_, message) || vsncp_up_);
    check_output(1, message.size() + std::size_t{argument} * 8);
  }

  void check_output(std::size_t inputs, std::size_t octets) {
    const Bytes out = link_.take_octets();
    CHECK(out.size() <= inputs * kMaxUnaskedOctets + octets * 4);
    sent_.insert(sent_.end(), out.begin(), out.end());
    if (sent_.size() > 20000) sent_.clear();
    const bool was_over = is_over_;
    const std::vector<LinkAction> actions = link_.take_actions();
    CHECK(actions.size() <= inputs * kMaxActionsPerInput);
    if (was_over) CHECK(out.empty() && actions.empty() && !link_.next_deadline());
    for (const LinkAction& action : actions) {
      CHECK(!is_over_);
      std::visit(*this, action);
    }
    if (is_over_) CHECK(!ipv4_up_ && !ipv6_up_ && !vsncp_up_);
  }

 public:
  void operator()(const LcpUp& up) { CHECK(up.peer_mru >= 64); }
  void operator()(const Ipv4Up& up) {
    CHECK(!std::exchange(ipv4_up_, true));
    CHECK(up.local.is_unicast_host() && up.remote.is_unicast_host() && up.local != up.remote);
    CHECK(policy_.permits_remote(up.remote) && policy_.permits_local(up.local));
    for (const IpAddress& server : up.dns) CHECK(server.is_unicast_host());
  }
  void operator()(const Ipv4Down&) { CHECK(std::exchange(ipv4_up_, false)); }
  void operator()(const Ipv6Up& up) {
    CHECK(!std::exchange(ipv6_up_, true));
    CHECK(up.local_interface_id != 0 && up.remote_interface_id != 0);
    CHECK(up.local_interface_id != up.remote_interface_id);
  }
  void operator()(const Ipv6Down&) { CHECK(std::exchange(ipv6_up_, false)); }
  void operator()(const VsncpUp& up) {
    CHECK(!std::exchange(vsncp_up_, true));
    CHECK(up.version > 0);
  }
  void operator()(const VsncpDown&) { CHECK(std::exchange(vsncp_up_, false)); }
  void operator()(const VsnpMessage&) { CHECK(vsncp_up_); }
  void operator()(const PeerTerminates&) {}
  void operator()(const LinkDown&) { is_over_ = true; }
  void operator()(const ProtocolUnavailable& gone) { CHECK(!gone.reason.empty()); }
  void operator()(const LinkNote& note) { CHECK(note.text.size() < 4000); }
  void operator()(const FrameTrace&) { CHECK(false); }

 private:
  unsigned bits_;
  SeededRandom random_;
  TenNetIsForbidden policy_;
  Link link_;
  Instant now_{std::chrono::hours{1}};
  Bytes sent_;
  bool ipv4_up_ = false, ipv6_up_ = false, vsncp_up_ = false, is_over_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in{{data, size}};
  Harness harness(in.u8());
  harness.run(in);
  return 0;
}
