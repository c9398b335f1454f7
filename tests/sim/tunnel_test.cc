// Two Tunnels with a network between them that loses, repeats, reorders and damages, rekeyed all the while;
// and what a packet costs the heap.
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <set>

#include "allocation_count.h"
#include "base/seeded_random.h"
#include "esp/test_tunnels.h"
#include "net/big_endian.h"
#include "seeds.h"

namespace isthmus::esp {
namespace {

using namespace test;
using session::testing::seeds;

Bytes numbered(std::uint64_t number, std::size_t size) {
  Parts parts;
  parts.version = number % 2 == 0 ? 4 : 6;
  parts.protocol = 17;
  parts.tos = 2;
  parts.payload = Bytes(8 + size);
  store_u64(parts.payload, 0, number);
  return packet_of(parts);
}

std::uint64_t number_of(ConstBytes packet) {
  return load_u64(packet, packet[0] >> 4 == 4 ? 28 : 48);
}

// One direction of a network. What it is given, it may lose, repeat, delay behind later datagrams, or damage.
class Network {
 public:
  explicit Network(SeededRandom& random) : random_(random) {}

  void take(const Bytes& datagram, const Endpoint& from) {
    sent_.push_back(datagram);
    if (chance(50)) return;
    const int copies = chance(20) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      const std::size_t at = chance(5) ? way_.size() - random_.u32() % (way_.size() + 1) : way_.size();
      way_.insert(way_.begin() + static_cast<std::ptrdiff_t>(at), {datagram, from});
    }
    if (!chance(30)) return;
    Bytes damaged = datagram;
    damaged[random_.u32() % damaged.size()] ^= static_cast<std::uint8_t>(1U << random_.u32() % 8);
    way_.push_back({damaged, kElsewhere});
  }

  // Somebody on the way sends an old datagram again, from elsewhere.
  void replay() {
    if (!sent_.empty()) way_.push_back({sent_[random_.u32() % sent_.size()], kElsewhere});
  }

  template <typename Deliver>
  void deliver(std::size_t count, const Deliver& deliver) {
    for (; count > 0 && !way_.empty(); --count) {
      deliver(way_.front().first, way_.front().second);
      way_.pop_front();
    }
  }

  [[nodiscard]] const std::vector<Bytes>& sent() const { return sent_; }
  std::set<std::uint64_t> delivered;

 private:
  bool chance(unsigned one_in) { return random_.u32() % one_in == 0; }

  SeededRandom& random_;
  std::deque<std::pair<Bytes, Endpoint>> way_;
  std::vector<Bytes> sent_;
};

void one_run(std::uint64_t seed) {
  SeededRandom random{seed};
  TunnelPair pair;
  Network there{random};
  std::uint32_t generation = 1;
  const bool is_esn = seed % 2 == 0;
  const auto cipher = kCiphers[seed % 3];
  pair.install(generation, true, cipher, is_esn);
  std::uint64_t accepted = 0;

  for (std::uint64_t number = 1; number <= 600; ++number) {
    there.take(seal(pair.near, numbered(number, random.u32() % 200)), kNear);
    if (random.u32() % 10 == 0) there.replay();
    if (random.u32() % 100 == 0) {
      pair.install(++generation, true, cipher, is_esn);
      if (generation > 2) {
        ASSERT_TRUE(pair.near.apply(Retire{Generation{generation - 2}}));
        ASSERT_TRUE(pair.far.apply(Retire{Generation{generation - 2}}));
      }
    }
    there.deliver(random.u32() % 4, [&](const Bytes& datagram, const Endpoint& from) {
      const auto packet = open(pair.far, datagram, from);
      if (!packet) return;
      ++accepted;
      const std::uint64_t inside = number_of(*packet);
      ASSERT_EQ(packet->size(), view_packet(*packet)->length);
      ASSERT_TRUE(there.delivered.insert(inside).second) << "packet " << inside << " came twice";
    });
  }
  EXPECT_GT(accepted, 300U);
  // Nonces: key (by SPI) and IV, of everything that was ever sent.
  std::set<std::pair<std::uint32_t, std::uint64_t>> nonces;
  for (const Bytes& datagram : there.sent()) nonces.insert({load_u32(datagram, 0), load_u64(datagram, 8)});
  EXPECT_EQ(nonces.size(), there.sent().size());
}

TEST(TunnelSimulation, DeliversEachPacketAtMostOnceAndUsesNoNonceTwice) {
  for (std::uint64_t seed = 1; seed <= seeds(300); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    one_run(seed);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(TunnelSimulation, AllocatesNothingOnThePacketPath) {
  for (const auto cipher : kCiphers) {
    TunnelPair pair;
    pair.install(1, true, cipher, true);
    Bytes room = with_room(numbered(2, 1300));
    Bytes datagram(sealed_size(room.size() - kTrailerRoom));
    Bytes out(2000);
    std::uint64_t taken = 0;
    const std::uint64_t before = allocation_count();
    for (int i = 0; i < 1000; ++i) {
      const auto sealed = pair.near.seal(room, datagram);
      taken += pair.far.open({datagram, i % 7 == 0 ? kElsewhere : kNear, 3}, out) ? 1U : 0U;
      taken += pair.far.open({datagram, kNear, 0}, out) ? 1U : 0U;
      datagram[40] ^= 1;
      taken += pair.far.open({datagram, kNear, 0}, out) ? 1U : 0U;
      if (!sealed) break;
      while (pair.far.next_event()) {
      }
    }
    EXPECT_EQ(allocation_count(), before);
    EXPECT_EQ(taken, 1000U);
  }
}

TEST(TunnelSimulation, AllocatesNothingForProbesAndEchoes) {
  TunnelPair pair;
  pair.install(1);
  Bytes datagram(2000);
  Bytes out(2000);
  const std::uint64_t before = allocation_count();
  std::uint64_t echoes = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    if (!pair.near.apply(SendProbe{Generation{1}, i, 1400, std::nullopt})) break;
    while (const auto made = pair.near.next_datagram(datagram))
      (void)pair.far.open({ConstBytes{datagram}.first(made->size), kNear, 0}, out);
    while (const auto made = pair.far.next_datagram(datagram))
      (void)pair.near.open({ConstBytes{datagram}.first(made->size), kFar, 0}, out);
    while (const auto event = pair.near.next_event()) echoes += std::holds_alternative<EchoArrived>(*event);
    while (pair.far.next_event()) {
    }
  }
  EXPECT_EQ(allocation_count(), before);
  EXPECT_EQ(echoes, 1000U);
}

}  // namespace
}  // namespace isthmus::esp
