// What a packet costs between TUN and stream: in and out of the queue, through the window.
#include <benchmark/benchmark.h>

#include "session/fq_codel.h"
#include "session/queue_packets.h"
#include "session/stream_window.h"

namespace isthmus::session {
namespace {

// Packets of `range(0)` octets of `range(1)` flows, in and out, `range(2)` of them waiting all the time.
void enqueue_and_dequeue(benchmark::State& state) {
  FqCodel queue(1);
  std::vector<Bytes> packets;
  for (unsigned flow = 0; flow < state.range(1); ++flow)
    packets.push_back(
        ipv4_packet({.flow = flow, .size = static_cast<std::size_t>(state.range(0)), .ecn = 2}));
  Instant now{std::chrono::hours{1}};
  std::size_t i = 0;
  const auto put = [&] { queue.enqueue(now, {packets[i++ % packets.size()], 0}); };
  for (int waiting = 0; waiting < state.range(2); ++waiting) put();
  for (auto _ : state) {
    now += std::chrono::nanoseconds{200};
    put();
    benchmark::DoNotOptimize(queue.dequeue(now));
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(enqueue_and_dequeue)
    ->ArgNames({"octets", "flows", "waiting"})
    ->Args({64, 1, 0})
    ->Args({1500, 1, 0})
    ->Args({1500, 1, 1000})
    ->Args({1500, 500, 1000})
    ->Args({65535, 1, 0})
    ->Args({65535, 50, 100});

// A packet of 1500 octets is sent; every 64 of them are reported.
void send_and_report(benchmark::State& state) {
  StreamWindow window;
  Instant now{std::chrono::hours{1}};
  std::uint64_t position = 0;
  for (auto _ : state) {
    now += std::chrono::microseconds{1};
    position += 1500;
    window.sent(now, position);
    if (position / 1500 % 64 == 0) window.reported(now, position - 64ULL * 1500);
    benchmark::DoNotOptimize(window.is_open(now));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(send_and_report);

}  // namespace
}  // namespace isthmus::session
