// Tunnel's obedience: everything that may allocate, and nothing of the packet path.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "esp/tunnel.h"

namespace isthmus::esp {
namespace {

std::unexpected<Error> no_generation(std::string_view what, Generation generation) {
  return fail(Error::Code::kNotFound, fmt::format("{} generation {}: there is no such generation", what,
                                                  std::to_underlying(generation)));
}

SaStatus status_of(const LiveInbound& live) {
  return {.generation = live.generation,
          .direction = SaStatus::Direction::kInbound,
          .spi = live.sa.spi(),
          .packets = live.sa.packets(),
          .blocks = live.sa.blocks(),
          .highest_sequence = live.sa.highest().value()};
}

}  // namespace

Tunnel::Tunnel(const TunnelOptions& options) : options_(options), inbound_limits_(limits_of(true)) {}

Result<void> Tunnel::apply(TunnelCommand command) {
  return std::visit([this](auto& one) { return obey(one); }, command);
}

Result<void> Tunnel::obey(InstallInbound& install) {
  SaCipher cipher = TRY(make_cipher(install.sa));
  return inbound_.add({.generation = install.generation,
                       .sa = InboundSa{{.spi = install.sa.spi, .is_esn = install.sa.is_esn, .highest = {}},
                                       std::move(cipher)}});
}

Result<void> Tunnel::obey(InstallOutbound& install) {
  const auto number = std::to_underlying(install.generation);
  if (find_outbound(install.generation) != nullptr)
    return fail(Error::Code::kExists, fmt::format("install outbound SA: generation {} has one", number));
  if (outbound_.size() >= kMaxOutbound)
    return fail(
        Error::Code::kRefused,
        fmt::format("install outbound SA of generation {}: {} are alive already", number, kMaxOutbound));
  SaCipher cipher = TRY(make_cipher(install.sa));
  outbound_.push_back(std::make_unique<LiveOutbound>(
      LiveOutbound{.generation = install.generation,
                   .sa = OutboundSa{{.spi = install.sa.spi, .is_esn = install.sa.is_esn, .last = {}},
                                    std::move(cipher),
                                    limits_of(install.sa.is_esn)}}));
  return {};
}

Result<SaCipher> Tunnel::make_cipher(const SaParameters& sa) const {
  const auto spi = std::to_underlying(sa.spi);
  if (!is_usable(sa.spi))
    return fail(Error::Code::kInvalid, fmt::format("install SA {:08x}: an SPI is 256 or more", spi));
  auto aead =
      TRY(crypto::make_aead(sa.cipher, sa.key.reveal().first(crypto::key_size(sa.cipher)), options_.backend));
  return SaCipher{std::move(aead), sa.salt};
}

SaLimits Tunnel::limits_of(bool is_esn) const {
  SaLimits limits = SaLimits::of(is_esn);
  if (!options_.limits) return limits;
  limits.soft_packets = std::min(limits.soft_packets, options_.limits->soft_packets);
  limits.soft_blocks = std::min(limits.soft_blocks, options_.limits->soft_blocks);
  limits.hard_packets = std::min(limits.hard_packets, options_.limits->hard_packets);
  limits.hard_calls = std::min(limits.hard_calls, options_.limits->hard_calls);
  return limits;
}

Result<void> Tunnel::obey(const UseOutbound& use) {
  LiveOutbound* const live = find_outbound(use.generation);
  if (live == nullptr) return no_generation("use outbound SA of", use.generation);
  in_use_ = live;
  return {};
}

Result<void> Tunnel::obey(const Retire& retire) {
  inbound_.retire(retire.generation);
  retire_outbound(retire.generation);
  return {};
}

Result<void> Tunnel::obey(const RetireOutbound& retire) {
  retire_outbound(retire.generation);
  return {};
}

void Tunnel::retire_outbound(Generation generation) {
  if (in_use_ != nullptr && in_use_->generation == generation) in_use_ = nullptr;
  std::erase_if(outbound_, [=](const auto& live) { return live->generation == generation; });
}

Result<void> Tunnel::obey(const SetRemote& set) {
  remote_ = set.remote;
  // Whoever sends from elsewhere is told anew.
  moves_told_.forget();
  return {};
}

Result<void> Tunnel::obey(const SendProbe& send) {
  if (find_outbound(send.generation) == nullptr) return no_generation("probe by", send.generation);
  const auto& to = send.to ? send.to : remote_;
  if (!to) return fail(Error::Code::kInvalid, "probe: no address to send it to");
  const bool is_taken = waiting_.push({.probe = Probe{Probe::Kind::kRequest, send.token},
                                       .generation = send.generation,
                                       .size = probe_size(send.size, to->address.family()),
                                       .to = *to});
  if (!is_taken) return fail(Error::Code::kRefused, fmt::format("probe: {} wait already", kMaxWaiting));
  return {};
}

Result<void> Tunnel::obey(SetSelector& set) {
  selector_ = std::move(set.selector);
  return {};
}

std::vector<SaStatus> Tunnel::status() const {
  std::vector<SaStatus> all;
  for (const auto& live : inbound_.all()) all.push_back(status_of(*live));
  for (const auto& live : outbound_) {
    all.push_back({.generation = live->generation,
                   .direction = SaStatus::Direction::kOutbound,
                   .spi = live->sa.spi(),
                   .is_in_use = live.get() == in_use_,
                   .packets = live->sa.packets(),
                   .blocks = live->sa.blocks(),
                   .highest_sequence = live->sa.last().value()});
  }
  return all;
}

}  // namespace isthmus::esp
