// What a dummy (RFC 4303 section 2.6) carries between two of ours: a token that comes back. It proves a path,
// a packet size and an address. Anyone else discards it, as every dummy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "net/address.h"

namespace isthmus::esp {

struct Probe {
  enum class Kind : std::uint8_t { kRequest = 1, kEcho = 2 };
  Kind kind = Kind::kRequest;
  std::uint64_t token = 0;

  friend bool operator==(const Probe&, const Probe&) = default;
};

inline constexpr std::size_t kProbeFields = 16;
// With these the ESP packet needs no padding, and the echo has the size of its request.
inline constexpr std::size_t kMinProbe = 18;
// A UDP payload over IPv4 has at most 65,507 octets.
inline constexpr std::size_t kMaxProbe = 65470;

// Writes the probe as all of `out`, kMinProbe to kMaxProbe octets: its fields, then zeros.
void write_probe(const Probe& probe, MutableBytes out);
// Empty if `text` is another's dummy.
std::optional<Probe> parse_probe(ConstBytes text);

// Octets of the probe that makes the largest outer IP packet of at most `outer` octets: ESP comes in steps
// of 4. If that is too small for any probe, the smallest one.
std::size_t probe_size(std::size_t outer, Family family);
// Octets of the outer IP packet around an ESP packet of `packet` octets in UDP.
std::size_t outer_size(std::size_t packet, Family family);

}  // namespace isthmus::esp
