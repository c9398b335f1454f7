// Framing of random packets: what one direction of the stream path pays per octet of payload. The rates are
// of information octets, without framing. Beside ours goes a plain version, with a table for the FCS and a
// branch an octet; the ratios between the two stand at the end.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/seeded_random.h"
#include "ppp/fcs.h"
#include "ppp/framing_kernels.h"
#include "ppp/hdlc.h"
#include "ppp/hdlc_decoder.h"
#include "ppp/hdlc_encoder.h"

namespace isthmus::ppp {
namespace {

constexpr std::uint16_t kIpv4 = 0x0021;
constexpr std::size_t kPacketsPerBatch = 64;
// As two of us agree on a clean pipe.
constexpr FramingOptions kCompressed{
    .accm = 0, .protocol_field_compression = true, .address_control_compression = true};

// --- the plain version, as RFC 1662 appendix C and section 4.2 read

const std::array<std::uint16_t, 256>& fcs_table() {
  static const std::array<std::uint16_t, 256> kTable = [] {
    std::array<std::uint16_t, 256> table{};
    for (unsigned octet = 0; octet < table.size(); ++octet) {
      unsigned value = octet;
      for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? (value >> 1) ^ 0x8408 : value >> 1;
      table[octet] = static_cast<std::uint16_t>(value);
    }
    return table;
  }();
  return kTable;
}

// Both write to room that is there already, so that what they pay is only the octets.
std::size_t plain_encode(ConstBytes information, std::uint32_t accm, MutableBytes out) {
  const std::array<std::uint16_t, 256>& table = fcs_table();
  std::size_t size = 0;
  std::uint16_t fcs = kInitialFcs;
  const auto put = [&](std::uint8_t octet) {
    fcs = static_cast<std::uint16_t>((fcs >> 8) ^ table[(fcs ^ octet) & 0xff]);
    if (octet == kFlag || octet == kControlEscape || is_mapped(accm, octet)) {
      out[size++] = kControlEscape;
      octet ^= kEscapeBit;
    }
    out[size++] = octet;
  };
  out[size++] = kFlag;
  put(kIpv4);
  for (const std::uint8_t octet : information) put(octet);
  const auto field = static_cast<std::uint16_t>(~fcs);
  put(static_cast<std::uint8_t>(field));
  put(static_cast<std::uint8_t>(field >> 8));
  out[size++] = kFlag;
  return size;
}

// The octets of information in the good frames of `stream`.
std::size_t plain_decode(ConstBytes stream, std::uint32_t accm, MutableBytes frame) {
  const std::array<std::uint16_t, 256>& table = fcs_table();
  std::size_t information = 0;
  std::size_t size = 0;
  std::uint16_t fcs = kInitialFcs;
  bool escaped = false;
  for (std::uint8_t octet : stream) {
    if (octet == kFlag) {
      if (size > 3 && fcs == kGoodFcs) information += size - 3;
      size = 0;
      fcs = kInitialFcs;
      continue;
    }
    if (is_mapped(accm, octet)) continue;
    if (octet == kControlEscape) {
      escaped = true;
      continue;
    }
    if (escaped) octet ^= kEscapeBit;
    escaped = false;
    fcs = static_cast<std::uint16_t>((fcs >> 8) ^ table[(fcs ^ octet) & 0xff]);
    if (size < frame.size()) frame[size++] = octet;
  }
  return information;
}

// --- the benchmarks

Bytes random_packet(const benchmark::State& state) {
  Bytes packet(static_cast<std::size_t>(state.range(0)));
  SeededRandom{1400}.fill(packet);
  return packet;
}

Bytes stream_of(ConstBytes packet, std::uint32_t accm) {
  FramingOptions options = kCompressed;
  options.accm = accm;
  Bytes stream;
  for (std::size_t i = 0; i < kPacketsPerBatch; ++i) encode_frame(kIpv4, packet, options, stream);
  return stream;
}

void count(benchmark::State& state, std::size_t packets) {
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * packets));
  state.SetBytesProcessed(state.items_processed() * state.range(0));
}

void sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->Arg(64)->Arg(1400)->Arg(65000);
}

void transmit(benchmark::State& state, std::uint32_t accm) {
  FramingOptions options = kCompressed;
  options.accm = accm;
  const Bytes packet = random_packet(state);
  Bytes out;
  out.reserve(kPacketsPerBatch * max_encoded_size(packet.size()));
  for (auto _ : state) {
    out.clear();
    for (std::size_t i = 0; i < kPacketsPerBatch; ++i) encode_frame(kIpv4, packet, options, out);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  count(state, kPacketsPerBatch);
}

void plain_transmit(benchmark::State& state, std::uint32_t accm) {
  const Bytes packet = random_packet(state);
  Bytes out(kPacketsPerBatch * max_encoded_size(packet.size()));
  for (auto _ : state) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < kPacketsPerBatch; ++i)
      size += plain_encode(packet, accm, MutableBytes{out}.subspan(size));
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  count(state, kPacketsPerBatch);
}

void receive_with(benchmark::State& state, std::uint32_t accm, const FramingKernels& kernels) {
  const Bytes packet = random_packet(state);
  const Bytes stream = stream_of(packet, accm);
  HdlcDecoder decoder{65535, kernels};
  decoder.set_receive_accm(accm);
  std::size_t octets = 0;
  for (auto _ : state)
    decoder.feed(stream, [&octets](const Frame& frame) { octets += frame.information.size(); });
  if (octets != state.iterations() * kPacketsPerBatch * packet.size())
    state.SkipWithError("frames were lost");
  count(state, kPacketsPerBatch);
}

void receive(benchmark::State& state, std::uint32_t accm) {
  receive_with(state, accm, best_kernels());
}

void portable_receive(benchmark::State& state, std::uint32_t accm) {
  receive_with(state, accm, portable_kernels());
}

void plain_receive(benchmark::State& state, std::uint32_t accm) {
  const Bytes packet = random_packet(state);
  const Bytes stream = stream_of(packet, accm);
  Bytes frame(packet.size() + 6);
  std::size_t octets = 0;
  for (auto _ : state) octets += plain_decode(stream, accm, frame);
  if (octets != state.iterations() * kPacketsPerBatch * packet.size())
    state.SkipWithError("frames were lost");
  count(state, kPacketsPerBatch);
}

BENCHMARK_CAPTURE(plain_transmit, clean, 0U)->Apply(sizes);
BENCHMARK_CAPTURE(transmit, clean, 0U)->Apply(sizes);
BENCHMARK_CAPTURE(plain_receive, clean, 0U)->Apply(sizes);
BENCHMARK_CAPTURE(receive, clean, 0U)->Apply(sizes);
BENCHMARK_CAPTURE(portable_receive, clean, 0U)->Apply(sizes);
BENCHMARK_CAPTURE(plain_transmit, all_mapped, 0xffffffffU)->Arg(1400);
BENCHMARK_CAPTURE(transmit, all_mapped, 0xffffffffU)->Arg(1400);
BENCHMARK_CAPTURE(plain_receive, all_mapped, 0xffffffffU)->Arg(1400);
BENCHMARK_CAPTURE(receive, all_mapped, 0xffffffffU)->Arg(1400);

void fcs(benchmark::State& state, const FramingKernels& kernels) {
  const Bytes packet = random_packet(state);
  for (auto _ : state) benchmark::DoNotOptimize(kernels.fcs16(packet, kInitialFcs));
  count(state, 1);
}
BENCHMARK_CAPTURE(fcs, portable, portable_kernels())->Arg(1400);
BENCHMARK_CAPTURE(fcs, best, best_kernels())->Arg(1400);

// Prints the medians of all rounds, and keeps their rates.
class RatioReporter final : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    std::vector<Run> medians;
    std::ranges::copy_if(runs, std::back_inserter(medians),
                         [](const Run& run) { return run.error_occurred || run.aggregate_name == "median"; });
    for (const Run& run : medians)
      if (const auto rate = run.counters.find("bytes_per_second"); rate != run.counters.end())
        rates_[run.run_name.function_name + '/' + run.run_name.args] = rate->second / 1e9;
    ConsoleReporter::ReportRuns(medians);
  }

  void print_ratios() const {
    std::printf("\nmedian rates, GB/s, and how many times the plain version's\n");
    for (const auto& [name, ours] : rates_)
      if (const auto plain = rates_.find("plain_" + name); plain != rates_.end())
        std::printf("%-28s %6.2f  plain %5.2f  ratio %5.1f\n", name.c_str(), ours, plain->second,
                    ours / plain->second);
  }

 private:
  std::map<std::string, double> rates_;
};

}  // namespace
}  // namespace isthmus::ppp

// Rounds are interleaved, so that what else the machine does meets both versions. Arguments override this.
int main(int argc, char** argv) {
  std::string rounds = "--benchmark_repetitions=5";
  std::string interleaving = "--benchmark_enable_random_interleaving=true";
  std::string aggregates = "--benchmark_display_aggregates_only=true";
  std::string time = "--benchmark_min_time=0.05";
  std::vector<char*> arguments{argv[0], rounds.data(), interleaving.data(), aggregates.data(), time.data()};
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 1;
  isthmus::ppp::RatioReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  reporter.print_ratios();
}
