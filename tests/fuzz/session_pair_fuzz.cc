// Two Sessions, a caller and a called end, and between them streams and datagrams that the input delivers in
// pieces, damages, forges, loses and cuts, while it moves the clock. What an end agrees to lies in what its
// own policy permits, its actions come in an order that a shell can follow, and after Ended none but what
// becomes of the calls that stood.
//
// Input: one octet of options, then operations of one octet (modulo 15) and their arguments; see
// `run_operation`.
#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "base/byte_reader.h"
#include "base/check.h"
#include "fuzz/session_end.h"
#include "ppp/hdlc_decoder.h"
#include "ppp/hdlc_encoder.h"

namespace {

using namespace isthmus;
using namespace isthmus::session;
using isthmus::session::fuzz::End;

constexpr std::size_t kMaxOperations = 120;
constexpr std::size_t kMaxStreams = 4;
constexpr std::array<std::uint16_t, 8> kProtocols = {0xc021, 0x805b, 0x005b, 0x8021,
                                                     0x8057, 0x0021, 0x0057, 0xc025};

struct Stream {
  CallId calls[2];     // of the ends, by their number
  Bytes under_way[2];  // to them
  bool is_open[2] = {true, true};
};

class Harness {
 public:
  explicit Harness(unsigned bits) : ends_{{true, bits}, {false, bits}} {
    for (End& end : ends_) end.session().begin(now_);
    settle_down();
  }

  void run(ByteReader& in) {
    for (std::size_t i = 0; i < kMaxOperations && in.remaining() > 0; ++i) {
      run_operation(in);
      settle_down();
    }
  }

 private:
  void run_operation(ByteReader& in) {
    const unsigned operation = in.u8() % 15;
    const unsigned which = in.u8();  // by its low bit an end, by the rest a stream
    const std::size_t to = which & 1U;
    // Of a session that has ended nothing is asked any more.
    if (ends_[to].is_ended && operation > 9) return;
    switch (operation) {
      case 0:
        return dial(to, true);
      case 1:
        return dial(to, in.u8() % 4 != 0);
      case 2:
      case 3:
        return talk(1 + which % 16);
      case 4:
        return deliver(to, stream(which), in.u8());
      case 5:
        return damage(to, stream(which), in);
      case 6:
        return forge(to, stream(which), in);
      case 7:
        return cut(to, stream(which), in.u8() % 2 == 0);
      case 8:
      case 9:
        return pass_time(std::chrono::milliseconds{100} * in.u8());
      case 10:
        return ends_[to].session().network_changed(now_);
      case 11:
        return enqueue(to, in.u8());
      case 12:
        return datagrams(to, in.u8());
      case 13:
        ends_[to].is_machine_willing = !ends_[to].is_machine_willing;
        return;
      default:
        if (in.u8() % 8 == 0) ends_[to].session().close(now_, {Bye::Reason::kUndone, "fuzzed"});
    }
  }

  Stream* stream(unsigned which) {
    return streams_.empty() ? nullptr : &streams_[which / 2 % streams_.size()];
  }

  // ssh's answer to a Dial.
  void dial(std::size_t from, bool does_reach) {
    End& caller = ends_[from];
    if (caller.dials == 0 || caller.is_ended) return;
    --caller.dials;
    End& called = ends_[1 - from];
    if (!does_reach || called.is_ended || streams_.size() >= kMaxStreams)
      return caller.session().dial_failed(now_, "no route to host");
    Stream stream{};
    stream.calls[1 - from] = called.session().add_call(now_, Direction::kIncoming);
    stream.calls[from] = caller.session().add_call(now_, Direction::kOutgoing);
    streams_.push_back(std::move(stream));
  }

  // All that is under way arrives, and what that leads to, `rounds` times.
  void talk(unsigned rounds) {
    for (unsigned round = 0; round < rounds; ++round) {
      for (Stream& stream : streams_) {
        for (const std::size_t to : {0U, 1U}) deliver(to, &stream, stream.under_way[to].size());
      }
      for (const std::size_t to : {0U, 1U}) datagrams(to, 0);
      settle_down();
      if (streams_.empty()) return;
    }
  }

  void deliver(std::size_t to, Stream* stream, std::size_t octets) {
    if (stream == nullptr) return;
    Bytes& under_way = stream->under_way[to];
    const std::size_t now = std::min(octets, under_way.size());
    const Bytes first(under_way.begin(), under_way.begin() + static_cast<std::ptrdiff_t>(now));
    under_way.erase(under_way.begin(), under_way.begin() + static_cast<std::ptrdiff_t>(now));
    if (stream->is_open[to] && !ends_[to].is_ended && now > 0)
      ends_[to].session().receive(now_, stream->calls[to], first, ends_[to]);
  }

  // An octet changes, mostly in a frame that is then sealed again by its FCS, as a hostile peer would do
  // it.
  void damage(std::size_t to, Stream* stream, ByteReader& in) {
    const std::size_t at = in.u8();
    const std::uint8_t change = in.u8();
    if (stream == nullptr || stream->under_way[to].empty()) return;
    Bytes& under_way = stream->under_way[to];
    if (at % 4 == 0) {
      under_way[at % under_way.size()] ^= change;
      return;
    }
    ppp::HdlcDecoder decoder{65535};
    decoder.set_receive_accm(0);
    Bytes again;
    decoder.feed(under_way, [&](const ppp::Frame& frame) {
      Bytes information(frame.information.begin(), frame.information.end());
      if (!information.empty()) information[at % information.size()] ^= change;
      ppp::encode_frame(frame.protocol, information, {}, again);
    });
    under_way = again;
  }

  void forge(std::size_t to, Stream* stream, ByteReader& in) {
    const std::uint16_t protocol = kProtocols[in.u8() % kProtocols.size()];
    const ConstBytes information = in.take(std::min<std::size_t>(in.u8(), in.remaining()));
    if (stream != nullptr && stream->is_open[to])
      ppp::encode_frame(protocol, information, {}, stream->under_way[to]);
  }

  // One end learns of it now, the other as well or when the input says so.
  void cut(std::size_t to, Stream* stream, bool are_both_told) {
    if (stream == nullptr) return;
    lose(to, *stream);
    if (are_both_told) lose(1 - to, *stream);
    std::erase_if(streams_, [](const Stream& s) { return !s.is_open[0] && !s.is_open[1]; });
  }

  void lose(std::size_t end, Stream& stream) {
    if (std::exchange(stream.is_open[end], false) && !ends_[end].is_ended)
      ends_[end].session().carrier_lost(now_, stream.calls[end]);
  }

  void datagrams(std::size_t to, unsigned change) {
    std::deque<Bytes> arriving = std::exchange(datagrams_[to], {});
    for (Bytes& datagram : arriving) {
      if (change != 0) datagram[change % datagram.size()] ^= static_cast<std::uint8_t>(change);
      if (change % 3 != 1) ends_[to].open(now_, std::move(datagram), ends_[1 - to].udp());
    }
  }

  void enqueue(std::size_t from, std::uint8_t size) {
    Bytes packet(20 + std::size_t{size} * 5, 0);
    packet[0] = 0x45;
    packet[2] = static_cast<std::uint8_t>(packet.size() >> 8U);
    packet[3] = static_cast<std::uint8_t>(packet.size());
    packet[9] = 17;
    std::ranges::copy(ends_[from].place().own.octets(), packet.begin() + 12);
    std::ranges::copy(ends_[1 - from].place().own.octets(), packet.begin() + 16);
    ends_[from].session().enqueue(now_, {packet});
  }

  void pass_time(Duration length) {
    const Instant end = now_ + length;
    for (int steps = 0; steps < 2000; ++steps) {
      std::optional<Instant> next;
      for (End& one : ends_) {
        const auto deadline = one.is_ended ? std::nullopt : one.session().next_deadline();
        if (deadline && (!next || *deadline < *next)) next = deadline;
      }
      if (!next || *next > end) {
        now_ = end;
        return;
      }
      now_ = std::max(now_, *next);
      advance();
    }
    CHECK(false);  // deadlines that never pass
  }

  void advance() {
    for (End& end : ends_) {
      const auto deadline = end.session().next_deadline();
      if (end.is_ended || !deadline || *deadline > now_) continue;
      end.count();
      end.session().advance(now_);
    }
    settle_down();
  }

  void settle_down() {
    for (const std::size_t from : {0U, 1U}) {
      End& end = ends_[from];
      end.act(now_);
      end.session().pump(now_, std::size_t{1} << 20U);
      for (Stream& stream : streams_) {
        if (stream.is_open[from])
          append(stream.under_way[1 - from], end.session().take_octets(stream.calls[from]));
      }
      end.take_datagrams(datagrams_[1 - from]);
      end.act(now_);
      hang_up(from);
    }
  }

  void hang_up(std::size_t from) {
    for (auto& [call, octets] : std::exchange(ends_[from].hung_up, {})) {
      for (Stream& stream : streams_) {
        if (stream.calls[from] != call) continue;
        append(stream.under_way[1 - from], octets);
        stream.is_open[from] = false;
      }
    }
  }

  static void append(Bytes& to, const Bytes& octets) { to.insert(to.end(), octets.begin(), octets.end()); }

  Instant now_{std::chrono::hours{1}};
  End ends_[2];
  std::vector<Stream> streams_;
  std::deque<Bytes> datagrams_[2];
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in{{data, size}};
  Harness harness(in.u8());
  harness.run(in);
  return 0;
}
