#include "keying/exchange.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace isthmus::keying {
namespace {

template <typename T>
bool contains(const std::vector<T>& list, const T& value) {
  return std::ranges::find(list, value) != list.end();
}

esp::SaParameters parameters(const NewGeneration& generation, esp::Spi spi, SaKey key) {
  return {spi, generation.cipher, std::move(key.key), key.salt, generation.is_esn};
}

}  // namespace

std::optional<crypto::Cipher> choose_cipher(const KeyOffer& offer, const CipherWishes& ours) {
  constexpr auto kChaCha = crypto::Cipher::kChaCha20Poly1305;
  const bool is_aes_slow = offer.is_aes_slow || ours.is_aes_slow;
  if (is_aes_slow && contains(offer.ciphers, kChaCha) && contains(ours.ciphers, kChaCha)) return kChaCha;

  const auto common = std::ranges::find_if(
      offer.ciphers, [&](crypto::Cipher cipher) { return contains(ours.ciphers, cipher); });
  return common == offer.ciphers.end() ? std::nullopt : std::optional{*common};
}

std::vector<esp::Spi> draw_spis(RandomSource& random, std::size_t count, std::size_t workers,
                                const std::vector<esp::Spi>& taken) {
  CHECK(count <= kMaxWorkers && workers > 0 && workers <= kMaxWorkers);
  std::vector<esp::Spi> spis;
  while (spis.size() < count) {
    // Below the top the sum cannot overflow; the numbers lost there are missed by nobody.
    const std::uint32_t drawn = random.u32() & 0x7fffffff;
    const auto step = static_cast<std::uint32_t>(workers);
    const auto worker = static_cast<std::uint32_t>(spis.size() % workers);
    const esp::Spi spi{drawn - drawn % step + worker};
    if (esp::is_usable(spi) && !contains(spis, spi) && !contains(taken, spi)) spis.push_back(spi);
  }
  return spis;
}

bool are_usable(const std::vector<esp::Spi>& spis, std::size_t count, const std::vector<esp::Spi>& taken) {
  if (spis.size() != count) return false;
  return std::ranges::all_of(spis, [&](esp::Spi spi) {
    return esp::is_usable(spi) && std::ranges::count(spis, spi) == 1 && !contains(taken, spi);
  });
}

void append_installs(const NewGeneration& generation, const KeySchedule& keys, Role ours,
                     std::vector<WorkerCommand>& out) {
  const bool is_caller = ours == Role::kCaller;
  const Direction outward = is_caller ? Direction::kFromCaller : Direction::kFromCalled;
  const Direction inward = is_caller ? Direction::kFromCalled : Direction::kFromCaller;
  const auto workers = static_cast<unsigned>(generation.outbound.size());
  for (std::size_t i = 0; i < generation.inbound.size(); ++i) {
    const esp::Spi spi = generation.inbound[i];
    esp::SaParameters sa = parameters(generation, spi, keys.derive(inward, i, generation.cipher));
    out.push_back({esp::worker_of(spi, workers), esp::InstallInbound{generation.number, std::move(sa)}});
  }
  for (std::size_t i = 0; i < generation.outbound.size(); ++i) {
    esp::SaParameters sa =
        parameters(generation, generation.outbound[i], keys.derive(outward, i, generation.cipher));
    out.push_back({i, esp::InstallOutbound{generation.number, std::move(sa)}});
  }
}

}  // namespace isthmus::keying
