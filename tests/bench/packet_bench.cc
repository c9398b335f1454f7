// What super-packets cost: the checksum, cutting one up, putting one together. Rates are of octets of whole
// packets; an item is one ordinary packet.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstring>

#include "net/checksum.h"
#include "net/coalescer.h"
#include "net/segmenter.h"
#include "net/test_packets.h"

namespace isthmus {
namespace {

constexpr std::uint16_t kSegment = 1360;
constexpr std::size_t kPacketsOfTrain = 47;

test::Parts train(int protocol) {
  test::Parts parts;
  parts.protocol = protocol;
  if (protocol == 6) parts.tcp_options = Bytes(12, 1);
  parts.payload = test::random_octets(kPacketsOfTrain * kSegment, 1);
  return parts;
}

struct Discard final : PacketSink {
  std::size_t given = 0;
  void packet(const Packet& packet) override {
    benchmark::DoNotOptimize(packet.octets.data());
    ++given;
  }
};

void Checksum(benchmark::State& state) {
  const Bytes octets = test::random_octets(static_cast<std::size_t>(state.range(0)), 1);
  for (auto _ : state) benchmark::DoNotOptimize(sum_octets(octets));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(Checksum)->Arg(20)->Arg(64)->Arg(1400)->Arg(65535);

// As a checksum is usually written; the one above is to be compared with it.
void ChecksumWordByWord(benchmark::State& state) {
  const Bytes octets = test::random_octets(static_cast<std::size_t>(state.range(0)), 1);
  for (auto _ : state) benchmark::DoNotOptimize(test::slow_sum(octets));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(ChecksumWordByWord)->Arg(1400);

// A copy of the super-packet is part of it: cutting uses it up.
void Cut(benchmark::State& state) {
  const Bytes super = test::packet_of(train(static_cast<int>(state.range(0))));
  Bytes octets = super;
  std::size_t packets = 0;
  for (auto _ : state) {
    std::memcpy(octets.data(), super.data(), super.size());
    cut(octets, kSegment, 0, [&packets](MutableBytes packet, std::uint16_t) {
      benchmark::DoNotOptimize(packet.data());
      ++packets;
    });
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(packets));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(super.size()));
}
BENCHMARK(Cut)->ArgName("protocol")->Arg(6)->Arg(17);

void Coalesce(benchmark::State& state) {
  const std::vector<Bytes> packets = test::train_of(train(static_cast<int>(state.range(0))), kSegment);
  Coalescer coalescer;
  Discard discard;
  for (auto _ : state) {
    for (const Bytes& packet : packets) coalescer.add({.octets = packet}, discard);
    coalescer.flush(discard);
  }
  if (discard.given != static_cast<std::size_t>(state.iterations()))
    state.SkipWithError("a train did not become one super-packet");
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(packets.size()));
  state.SetBytesProcessed(state.items_processed() * static_cast<std::int64_t>(packets[0].size()));
}
BENCHMARK(Coalesce)->ArgName("protocol")->Arg(6)->Arg(17);

// Packets that nothing can be merged with: what the coalescer costs for nothing.
void CoalesceNothing(benchmark::State& state) {
  std::vector<Bytes> packets;
  for (int port = 0; port < 64; ++port) {
    test::Parts parts;
    parts.protocol = 17;
    parts.source_port = port;
    parts.payload = test::random_octets(36, 1);
    packets.push_back(test::packet_of(parts));
  }
  Coalescer coalescer;
  Discard discard;
  for (auto _ : state) {
    for (const Bytes& packet : packets) coalescer.add({.octets = packet}, discard);
    coalescer.flush(discard);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(packets.size()));
}
BENCHMARK(CoalesceNothing);

}  // namespace
}  // namespace isthmus
