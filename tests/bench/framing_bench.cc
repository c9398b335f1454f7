// Framing of random packets: what one direction of the stream path pays per octet of payload. The rates are
// of information octets, without framing.
#include <benchmark/benchmark.h>

#include <cstdint>

#include "base/bytes.h"
#include "base/seeded_random.h"
#include "ppp/fcs.h"
#include "ppp/hdlc_decoder.h"
#include "ppp/hdlc_encoder.h"

namespace isthmus::ppp {
namespace {

constexpr std::uint16_t kIpv4 = 0x0021;
constexpr std::size_t kPacketsPerBatch = 64;
// As two of us agree on a clean pipe.
constexpr FramingOptions kCompressed{
    .accm = 0, .protocol_field_compression = true, .address_control_compression = true};

Bytes random_packet(std::size_t size) {
  Bytes packet(size);
  SeededRandom{1400}.fill(packet);
  return packet;
}

void count(benchmark::State& state, std::size_t packets) {
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * packets));
  state.SetBytesProcessed(state.items_processed() * state.range(0));
}

void Transmit(benchmark::State& state) {
  const Bytes packet = random_packet(static_cast<std::size_t>(state.range(0)));
  Bytes out;
  out.reserve(kPacketsPerBatch * max_encoded_size(packet.size()));
  for (auto _ : state) {
    out.clear();
    for (std::size_t i = 0; i < kPacketsPerBatch; ++i) encode_frame(kIpv4, packet, kCompressed, out);
    benchmark::DoNotOptimize(out.data());
  }
  count(state, kPacketsPerBatch);
}
BENCHMARK(Transmit)->Arg(64)->Arg(1400);

void Receive(benchmark::State& state) {
  const Bytes packet = random_packet(static_cast<std::size_t>(state.range(0)));
  Bytes stream;
  for (std::size_t i = 0; i < kPacketsPerBatch; ++i) encode_frame(kIpv4, packet, kCompressed, stream);
  HdlcDecoder decoder{1500};
  decoder.set_receive_accm(0);
  std::size_t octets = 0;
  for (auto _ : state)
    decoder.feed(stream, [&octets](const Frame& frame) { octets += frame.information.size(); });
  if (octets != state.iterations() * kPacketsPerBatch * packet.size())
    state.SkipWithError("frames were lost");
  count(state, kPacketsPerBatch);
}
BENCHMARK(Receive)->Arg(64)->Arg(1400);

void Fcs(benchmark::State& state) {
  const Bytes packet = random_packet(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(fcs16(packet));
  count(state, 1);
}
BENCHMARK(Fcs)->Arg(1400);

}  // namespace
}  // namespace isthmus::ppp
