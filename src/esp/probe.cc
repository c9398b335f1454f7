#include "esp/probe.h"

#include <algorithm>
#include <utility>

#include "base/byte_reader.h"
#include "base/check.h"
#include "esp/esp_format.h"
#include "net/big_endian.h"
#include "net/header_fields.h"

namespace isthmus::esp {
namespace {

constexpr std::uint32_t kMagic = 0x49737468;  // "Isth"

static_assert(padding_of(kMinProbe) == 0 && kMinProbe >= kProbeFields);
static_assert(padding_of(kMaxProbe) == 0 && sealed_size(kMaxProbe) <= 65507);

}  // namespace

void write_probe(const Probe& probe, MutableBytes out) {
  CHECK(out.size() >= kMinProbe && out.size() <= kMaxProbe);
  std::ranges::fill(out, std::uint8_t{0});
  store_u32(out, 0, kMagic);
  out[4] = std::to_underlying(probe.kind);
  store_u16(out, 6, static_cast<std::uint16_t>(out.size()));
  store_u64(out, 8, probe.token);
}

std::optional<Probe> parse_probe(ConstBytes text) {
  ByteReader in{text};
  const bool is_ours = in.u32() == kMagic;
  const std::uint8_t kind = in.u8();
  in.u8();  // for later
  const std::uint16_t length = in.u16();
  const std::uint64_t token = in.u64();
  if (!in.ok() || !is_ours || length != text.size()) return std::nullopt;
  // In IPv6 a dummy may be longer than an echo of ours can be.
  if (text.size() < kMinProbe || text.size() > kMaxProbe) return std::nullopt;
  if (kind == std::to_underlying(Probe::Kind::kRequest)) return Probe{Probe::Kind::kRequest, token};
  if (kind == std::to_underlying(Probe::Kind::kEcho)) return Probe{Probe::Kind::kEcho, token};
  return std::nullopt;
}

std::size_t probe_size(std::size_t outer, Family family) {
  const std::size_t around = outer_size(sealed_size(kMinProbe), family) - kMinProbe;
  if (outer <= around + kMinProbe) return kMinProbe;
  const std::size_t more = (outer - around - kMinProbe) / kAlignment * kAlignment;
  return std::min(kMinProbe + more, kMaxProbe);
}

std::size_t outer_size(std::size_t packet, Family family) {
  return packet + kUdpHeader + (family == Family::kIpv4 ? kIpv4Header : kIpv6Header);
}

}  // namespace isthmus::esp
