#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/guard.h"
#include "ppp/describe.h"
#include "ppp/hdlc_encoder.h"
#include "ppp/link_state.h"

namespace isthmus::ppp {
namespace {

constexpr std::size_t kMaxQuotedText = 200;
constexpr std::size_t kMagicSize = 4;
constexpr std::size_t kTokenSize = 8;

// A peer's text, fit for a log line.
std::string printable(ConstBytes text) {
  std::string out;
  for (const std::uint8_t octet : text.first(std::min(text.size(), kMaxQuotedText)))
    out += octet >= 0x20 && octet < 0x7f ? static_cast<char>(octet) : '.';
  return out;
}

}  // namespace

// --- receiving

void Link::State::receive(Instant now, ConstBytes stream, LinkSink& sink) {
  octets_received += stream.size();
  decoder.feed(stream, [&](const Frame& frame) { on_frame(now, frame, sink); });
  count_dropped();
}

void Link::State::on_frame(Instant now, const Frame& frame, LinkSink& sink) {
  ++counters.frames_received;
  if (is_over_) return;
  if (watch_) watch_->heard(now);
  if (traces) actions.emplace_back(FrameTrace{false, describe_frame(frame.protocol, frame.information)});
  const bool may_be_long =
      frame.protocol == static_cast<std::uint16_t>(Protocol::kVsnp) && has_long_messages();
  const bool fits = may_be_long || frame.information.size() <= longest_information(options_);
  if (!guard<Guard::kMru>(fits)) {
    ++beyond_mru_;
    return;
  }
  dispatch(now, frame, sink);
  settle(now);
}

void Link::State::dispatch(Instant now, const Frame& frame, LinkSink& sink) {
  if (frame.protocol == static_cast<std::uint16_t>(Protocol::kLcp)) return receive_lcp(now, frame);
  Ncp* const ncp = ncp_of(frame.protocol);
  // RFC 1661 section 3.4: before LCP is Opened everything else is discarded without a word.
  if (!guard<Guard::kLcpOpened>(lcp_.is_opened())) {
    if (ncp != nullptr) ++counters.not_up;
    return;
  }
  if (ncp == nullptr || !ncp->is_wanted) return reject_protocol(frame);
  if (frame.protocol == static_cast<std::uint16_t>(ncp->control)) return receive_control(now, *ncp, frame);
  receive_data(*ncp, frame, sink);
}

void Link::State::receive_lcp(Instant now, const Frame& frame) {
  const auto packet = parse_control_packet(frame.information);
  if (!packet) return;
  const std::optional<Code> code = known_code(packet->code);
  if (code && *code >= Code::kProtocolReject && *code <= Code::kIdentification)
    return lcp_maintenance(now, *code, *packet);

  const bool was_opened = lcp_.is_opened();
  if (was_opened && code == Code::kTerminateRequest) {
    const std::string text = printable(packet->data);
    plan_end(LinkEnd::kTerminatedByPeer,
             text.empty() ? "the peer ended the link" : "the peer ended the link: " + text);
  }
  lcp_.receive(now, *packet);
  if (was_opened && code == Code::kTerminateRequest)
    actions.emplace_back(PeerTerminates{planned_end_->reason});
  if (lcp_policy_.is_looped_back())
    drop(now, LinkEnd::kLoopback, "our own requests come back: the line is looped");
}

void Link::State::lcp_maintenance(Instant now, Code code, const ControlPacket& packet) {
  // RFC 1570 section 1.1 has Identification in any state, the rest is for Opened (RFC 1661 sections 5.7
  // to 5.9).
  if (code == Code::kIdentification) return receive_identification(packet);
  if (!lcp_.is_opened()) return;
  if (code == Code::kProtocolReject) return receive_protocol_reject(now, packet);
  receive_magic(now, code, packet);
}

// Echo-Request, Echo-Reply and Discard-Request. That they came is life already.
void Link::State::receive_magic(Instant now, Code code, const ControlPacket& packet) {
  ByteReader in(packet.data);
  const std::uint32_t magic = in.u32();
  if (!in.ok()) return;
  const bool is_ours = magic != 0 && magic == lcp_policy_.magic();
  // On a looped line our requests come first. A reply with our number may be a peer's that copies it.
  if (code == Code::kEchoReply) echo_sightings_ = is_ours ? echo_sightings_ + 1 : 0;
  if (is_ours && (code != Code::kEchoReply || echo_sightings_ >= kLoopbackSightings))
    return drop(now, LinkEnd::kLoopback, "our own magic number came back: the line is looped");
  if (code == Code::kEchoReply && in.remaining() == kTokenSize) echo = in.u64();
  if (code != Code::kEchoRequest) return;
  echo_request_ = {packet.code, packet.identifier, in.take_rest()};
  lcp_.echo_requested(now);
  settle(now);
  echo_request_ = {};
}

void Link::State::receive_identification(const ControlPacket& packet) {
  if (packet.data.size() <= kMagicSize || std::exchange(is_identified_, true)) return;
  note(LinkNote::Level::kNotice,
       fmt::format("the peer says it is {}", printable(packet.data.subspan(kMagicSize))));
}

void Link::State::receive_protocol_reject(Instant now, const ControlPacket& packet) {
  ByteReader in(packet.data);
  const std::uint16_t protocol = in.u16();
  if (!in.ok()) return;
  if (protocol == static_cast<std::uint16_t>(Protocol::kLcp)) return lcp_.protocol_rejected(now);
  Ncp* const ncp = ncp_of(protocol);
  if (ncp == nullptr || !ncp->negotiator || ncp->unavailable) return;
  // Section 5.7: of the protocol that is named no packet may be sent any more.
  if (protocol == static_cast<std::uint16_t>(ncp->control)) {
    ncp->negotiator->fall_silent(now);
  } else {
    ncp->negotiator->protocol_rejected(now);
  }
  make_unavailable(now, *ncp, ncp->negotiator->failure());
}

void Link::State::receive_control(Instant now, Ncp& ncp, const Frame& frame) {
  const auto packet = parse_control_packet(frame.information);
  if (!packet) return;
  if (!ncp.negotiator) return hold(ncp, *packet, frame.information);
  if (ncp.negotiator->receive(now, *packet) == Receipt::kForeignVendor) reject_protocol(frame);
}

// Nobody has said yet what we want: open_network() will. Until then this is the column Closed of RFC 1661
// section 4.1, but that a Configure-Request waits for its answer.
void Link::State::hold(Ncp& ncp, const ControlPacket& packet, ConstBytes information) {
  const std::optional<Code> code = known_code(packet.code);
  if (code == Code::kConfigureRequest) {
    ncp.held_request.assign(information.begin(), information.end());
    return;
  }
  if (code == Code::kTerminateRequest) ncp.held_request.clear();
  if (code == Code::kTerminateAck || code == Code::kCodeReject) return;
  Bytes reply;
  if (code && *code <= Code::kTerminateRequest) {
    append_control_packet(Code::kTerminateAck, packet.identifier, {}, reply);
  } else {
    const std::size_t quoted = kControlHeaderSize + packet.data.size();
    const ConstBytes fitting =
        information.first(std::min<std::size_t>(quoted, peer_mru_ - kControlHeaderSize));
    append_control_packet(Code::kCodeReject, lcp_.fresh_identifier(), fitting, reply);
  }
  send_frame(ncp.control, reply);
}

void Link::State::receive_data(Ncp& ncp, const Frame& frame, LinkSink& sink) {
  if (!guard<Guard::kNetworkOpened>(ncp.is_up)) {
    ++counters.not_up;
    // RFC 3772 section 2 permits the reject. While VSNCP is being negotiated it would tear down at the peer
    // what is about to come up here.
    const bool is_hopeless = ncp.negotiator && !ncp.negotiator->is_negotiating();
    if (ncp.data == Protocol::kVsnp && is_hopeless) reject_protocol(frame);
    return;
  }
  if (ncp.data == Protocol::kVsnp) {
    if (sink.vsnp(frame.information, frame.position)) return;
    actions.emplace_back(VsnpMessage{Bytes(frame.information.begin(), frame.information.end())});
    return;
  }
  if (!frame.information.empty())
    sink.packet(ncp.data == Protocol::kIpv4 ? Family::kIpv4 : Family::kIpv6, frame.information);
}

Link::State::Ncp* Link::State::ncp_of(std::uint16_t protocol) {
  const auto found = std::ranges::find_if(ncps_, [&](const Ncp& ncp) {
    return protocol == static_cast<std::uint16_t>(ncp.control) ||
           protocol == static_cast<std::uint16_t>(ncp.data);
  });
  return found == ncps_.end() ? nullptr : &*found;
}

// --- sending

bool Link::State::send_packet(Instant now, Family family, ConstBytes packet) {
  const Ncp& ncp = ncps_[family == Family::kIpv4 ? kIpcpPlace : kIpv6cpPlace];
  if (!ncp.is_up || is_over_) return false;
  if (packet.size() > peer_mru_) {
    ++counters.over_peer_mru;
    return false;
  }
  send_frame(ncp.data, packet);
  if (watch_) watch_->sent(now);
  return true;
}

bool Link::State::send_vsnp(Instant now, ConstBytes head, ConstBytes body) {
  if (!ncps_[kVsncpPlace].is_up || is_over_) return false;
  const std::size_t most =
      has_long_messages() ? std::max<std::size_t>(kMaxLongMessage, peer_mru_) : peer_mru_;
  if (head.size() + body.size() > most) {
    ++counters.over_peer_mru;
    return false;
  }
  encode_frame(static_cast<std::uint16_t>(Protocol::kVsnp), SplitInformation{head, body}, framing_, octets);
  count_sent(Protocol::kVsnp, head);
  if (watch_) watch_->sent(now);
  return true;
}

// One for a frame received, never longer than it by more than its own header, and within the peer's MRU.
void Link::State::reject_protocol(const Frame& frame) {
  if (lcp_.is_code_rejected(Code::kProtocolReject)) return;
  Bytes data;
  ByteWriter writer(data);
  writer.u16(frame.protocol);
  const std::size_t room = peer_mru_ - kControlHeaderSize - data.size();
  writer.raw(frame.information.first(std::min(frame.information.size(), room)));
  send_lcp(Code::kProtocolReject, lcp_.fresh_identifier(), data);
}

bool Link::State::send_echo(std::uint64_t token) {
  if (!lcp_.is_opened() || is_over_ || lcp_.is_code_rejected(Code::kEchoRequest)) return false;
  Bytes data;
  ByteWriter writer(data);
  writer.u32(lcp_policy_.magic());
  writer.u64(token);
  send_lcp(Code::kEchoRequest, lcp_.fresh_identifier(), data);
  return true;
}

void Link::State::send_echo_request() {
  // A peer that refuses to echo can not be asked; only its own frames tell.
  if (lcp_.is_code_rejected(Code::kEchoRequest)) return watch_.reset();
  Bytes data;
  ByteWriter(data).u32(lcp_policy_.magic());
  send_lcp(Code::kEchoRequest, lcp_.fresh_identifier(), data);
}

void Link::State::send_echo_reply() {
  Bytes data;
  ByteWriter writer(data);
  writer.u32(lcp_policy_.magic());
  const std::size_t room = peer_mru_ - kControlHeaderSize - data.size();
  writer.raw(echo_request_.data.first(std::min(echo_request_.data.size(), room)));
  send_lcp(Code::kEchoReply, echo_request_.identifier, data);
}

void Link::State::send_identification() {
  if (options_.identification.empty() || lcp_.is_code_rejected(Code::kIdentification)) return;
  Bytes data;
  ByteWriter writer(data);
  writer.u32(lcp_policy_.magic());
  const std::size_t room = std::min(kMaxQuotedText, peer_mru_ - kControlHeaderSize - data.size());
  writer.raw(bytes_of(options_.identification).first(std::min(options_.identification.size(), room)));
  send_lcp(Code::kIdentification, lcp_.fresh_identifier(), data);
}

void Link::State::send_lcp(Code code, std::uint8_t identifier, ConstBytes data) {
  Bytes information;
  append_control_packet(code, identifier, data, information);
  send_frame(Protocol::kLcp, information);
}

void Link::State::send_frame(Protocol protocol, ConstBytes information) {
  encode_frame(static_cast<std::uint16_t>(protocol), information, framing_, octets);
  count_sent(protocol, information);
}

void Link::State::count_sent(Protocol protocol, ConstBytes information) {
  ++counters.frames_sent;
  if (!traces) return;
  actions.emplace_back(FrameTrace{true, describe_frame(static_cast<std::uint16_t>(protocol), information)});
}

bool Link::State::has_long_messages() const {
  return (options_.vsncp_capabilities & vsncp_policy_.agreement().capabilities & kSuperPackets) != 0;
}

void Link::State::count_dropped() {
  const DecoderCounters& dropped = decoder.counters();
  counters.bad_fcs = dropped.bad_fcs;
  counters.too_long = dropped.too_long + beyond_mru_;
  counters.too_short = dropped.too_short;
  counters.aborted = dropped.aborted;
  counters.malformed = dropped.malformed;
  counters.octets_before_first_frame = decoder.octets_before_first_frame();
}

}  // namespace isthmus::ppp
