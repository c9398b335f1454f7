// What ESP costs a packet: sealing, opening, the replay window and the search for an SA. Rates are of octets
// of inner packets.
#include <benchmark/benchmark.h>

#include <cstdint>

#include "esp/esn.h"
#include "esp/test_tunnels.h"

namespace isthmus::esp {
namespace {

using namespace test;

constexpr std::size_t kBatch = 64;

Bytes packet_of_size(std::size_t size) {
  Parts parts;
  parts.protocol = 17;
  parts.payload = random_octets(size - 28, 1);
  return packet_of(parts);
}

struct Joined : TunnelPair {
  explicit Joined(const benchmark::State& state) {
    install(1, true, static_cast<crypto::Cipher>(state.range(0)));
  }
};

void count(benchmark::State& state, std::int64_t packets) {
  state.SetItemsProcessed(packets);
  state.SetBytesProcessed(packets * state.range(1));
}

void Seal(benchmark::State& state) {
  Joined pair{state};
  Bytes room = with_room(packet_of_size(static_cast<std::size_t>(state.range(1))));
  Bytes out(sealed_size(room.size()));
  for (auto _ : state) {
    const auto sealed = pair.near.seal(room, out);
    if (!sealed) state.SkipWithError("not sealed");
    benchmark::DoNotOptimize(out.data());
  }
  count(state, static_cast<std::int64_t>(state.iterations()));
}

// A batch is sealed outside of the time, since no packet can be opened twice.
void Open(benchmark::State& state) {
  Joined pair{state};
  const Bytes packet = packet_of_size(static_cast<std::size_t>(state.range(1)));
  std::vector<Bytes> batch(kBatch);
  Bytes out(packet.size() + 100);
  for (auto _ : state) {
    state.PauseTiming();
    for (Bytes& datagram : batch) datagram = seal(pair.near, packet);
    state.ResumeTiming();
    for (const Bytes& datagram : batch) {
      const auto opened = pair.far.open({datagram, kNear, 0}, out);
      if (!opened) state.SkipWithError("not opened");
      benchmark::DoNotOptimize(out.data());
    }
  }
  count(state, static_cast<std::int64_t>(state.iterations() * kBatch));
}

void sizes_and_ciphers(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"cipher", "size"});
  for (const auto cipher : kCiphers) {
    for (const std::int64_t size : {64, 576, 1400, 9000})
      bench->Args({static_cast<std::int64_t>(cipher), size});
  }
}
BENCHMARK(Seal)->Apply(sizes_and_ciphers);
BENCHMARK(Open)->Apply(sizes_and_ciphers);

// What a flood of garbage costs: an SPI of nobody's, and one of ours with a wrong ICV.
void DropUnknownSpi(benchmark::State& state) {
  TunnelPair pair;
  pair.install(1);
  const Bytes datagram(1436, 0x55);
  Bytes out(1500);
  for (auto _ : state) benchmark::DoNotOptimize(pair.far.open({datagram, kNear, 0}, out));
}
BENCHMARK(DropUnknownSpi);

void DropReplayed(benchmark::State& state) {
  TunnelPair pair;
  pair.install(1);
  const Bytes datagram = seal(pair.near, packet_of_size(1400));
  Bytes out(1500);
  (void)pair.far.open({datagram, kNear, 0}, out);
  for (auto _ : state) benchmark::DoNotOptimize(pair.far.open({datagram, kNear, 0}, out));
}
BENCHMARK(DropReplayed);

void ReplayWindowInOrder(benchmark::State& state) {
  ReplayWindow window;
  std::uint64_t number = 0;
  for (auto _ : state) {
    const SequenceNumber next{++number};
    benchmark::DoNotOptimize(window.is_fresh(next));
    window.commit(next);
  }
}
BENCHMARK(ReplayWindowInOrder);

// Pairs are swapped, and every hundredth packet is 1,000 late.
void ReplayWindowReordered(benchmark::State& state) {
  ReplayWindow window;
  std::uint64_t number = 2000;
  for (auto _ : state) {
    ++number;
    const SequenceNumber next{number % 100 == 0 ? number - 1000 : number ^ 1U};
    if (window.is_fresh(next)) window.commit(next);
  }
}
BENCHMARK(ReplayWindowReordered);

void InferEsn(benchmark::State& state) {
  std::uint64_t highest = 0xfffff000;
  for (auto _ : state) {
    const SequenceNumber before{highest++};
    benchmark::DoNotOptimize(infer_sequence(before, static_cast<std::uint32_t>(highest)));
  }
}
BENCHMARK(InferEsn);

// The SA looked for is the last of as many.
void FindSa(benchmark::State& state) {
  SaTable table{256};
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    const SaParameters sa = parameters(static_cast<std::uint32_t>(1000 + i));
    const auto added = table.add(
        {.generation = {}, .sa = InboundSa{{.spi = sa.spi, .is_esn = false, .highest = {}}, cipher_of(sa)}});
    if (!added) state.SkipWithError("not added");
  }
  const Spi last{static_cast<std::uint32_t>(1000 + state.range(0) - 1)};
  for (auto _ : state) benchmark::DoNotOptimize(table.find(last));
}
BENCHMARK(FindSa)->ArgName("alive")->Arg(1)->Arg(2)->Arg(16)->Arg(128);

}  // namespace
}  // namespace isthmus::esp
