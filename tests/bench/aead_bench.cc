// What a packet costs to seal and to open, for each cipher and library: the octets of the argument, a trailer
// of 4, 8 of associated data, a new nonce a packet.
#include <benchmark/benchmark.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/seeded_random.h"
#include "crypto/aead.h"

namespace isthmus::crypto {
namespace {

constexpr std::size_t kTrailerSize = 4;
constexpr std::array<std::uint8_t, 8> kAad{0, 0, 1, 0, 0, 0, 0, 1};

struct Variant {
  Cipher cipher;
  Backend backend;
  const char* name;
};

constexpr std::array kVariants{
    Variant{Cipher::kAes128Gcm, Backend::kIpsecMb, "aes128gcm_ipsec_mb"},
    Variant{Cipher::kAes128Gcm, Backend::kOpenSsl, "aes128gcm_openssl"},
    Variant{Cipher::kAes256Gcm, Backend::kIpsecMb, "aes256gcm_ipsec_mb"},
    Variant{Cipher::kAes256Gcm, Backend::kOpenSsl, "aes256gcm_openssl"},
    Variant{Cipher::kChaCha20Poly1305, Backend::kIpsecMb, "chacha20poly1305_ipsec_mb"},
    Variant{Cipher::kChaCha20Poly1305, Backend::kOpenSsl, "chacha20poly1305_openssl"},
};

Bytes random_octets(std::size_t size) {
  Bytes octets(size);
  SeededRandom{4303}.fill(octets);
  return octets;
}

Result<std::unique_ptr<Aead>> aead_of(const Variant& variant) {
  return make_aead(variant.cipher, random_octets(key_size(variant.cipher)), variant.backend);
}

void advance(Nonce& nonce) {
  for (std::size_t i = kNonceSize; i > kSaltSize && ++nonce[i - 1] == 0;) --i;
}

void count(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void seal(benchmark::State& state, const Variant& variant) {
  const std::unique_ptr<Aead> aead = *aead_of(variant);
  Bytes room = random_octets(static_cast<std::size_t>(state.range(0)) + kTrailerSize);
  Bytes out(room.size() + kIcvSize);
  const Bytes trailer{1, 2, 2, 4};
  Nonce nonce{};
  for (auto _ : state) {
    advance(nonce);
    aead->seal(nonce, kAad, room, trailer, out);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  count(state);
}

// The same packet again and again: what is opened costs the same whichever it is.
void open(benchmark::State& state, const Variant& variant) {
  const std::unique_ptr<Aead> aead = *aead_of(variant);
  Bytes room = random_octets(static_cast<std::size_t>(state.range(0)) + kTrailerSize);
  Bytes sealed(room.size() + kIcvSize);
  aead->seal({}, kAad, room, {}, sealed);
  for (auto _ : state) {
    CHECK(aead->open({}, kAad, sealed, room));
    benchmark::DoNotOptimize(room.data());
    benchmark::ClobberMemory();
  }
  count(state);
}

// A library that is not here has no line.
void add_all() {
  for (const Variant& variant : kVariants) {
    if (!aead_of(variant)) continue;
    const std::string name = variant.name;
    benchmark::RegisterBenchmark(("seal/" + name).c_str(), seal, variant)->Arg(64)->Arg(1400)->Arg(9000);
    benchmark::RegisterBenchmark(("open/" + name).c_str(), open, variant)->Arg(64)->Arg(1400)->Arg(9000);
  }
}

}  // namespace
}  // namespace isthmus::crypto

// Short runs: there are many of them, and what they measure hardly varies. Arguments override this.
int main(int argc, char** argv) {
  std::string time = "--benchmark_min_time=0.05";
  std::vector<char*> arguments{argv[0], time.data()};
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  int count = static_cast<int>(arguments.size());
  isthmus::crypto::add_all();
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
