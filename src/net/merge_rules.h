// Which packets become one super-packet, as Linux's own receive offload has it, wherever their octets lie.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "net/transport_view.h"

namespace isthmus {

// What every Linux with UDP segmentation takes at once (UDP_MAX_SEGMENTS; later ones take 128).
inline constexpr std::size_t kMaxMergedDatagrams = 64;

// Addresses, ports, protocol and family.
struct FlowKey {
  std::array<std::uint8_t, 32> addresses{};
  std::array<std::uint8_t, 4> ports{};
  Transport protocol = Transport::kTcp;
  Family family = Family::kIpv4;

  friend bool operator==(const FlowKey&, const FlowKey&) = default;
};
FlowKey flow_key_of(ConstBytes octets, const TransportView& view);

// A super-packet as far as it has come.
struct Merged {
  TransportView view;
  std::uint16_t segment_size = 0;
  std::size_t segments = 0;
  std::size_t size = 0;  // of its headers, once, and all payloads
};

// Whether `octets`, of which `view` is a view, may be part of a super-packet at all: its checksums are right,
// and nothing in it would be lost. A merged packet's checksum is computed anew, and would hide what was
// wrong.
bool may_merge(ConstBytes octets, const TransportView& view);
// Whether one that may follows those in `merged`, of whose key it is. `first` holds at least the headers of
// the first one.
bool continues(const Merged& merged, ConstBytes first, ConstBytes octets, const TransportView& view);
// Whether nothing may follow a packet that is the first.
bool ends_train(ConstBytes octets, const TransportView& view);
// Counts one that continues and puts its flags into the first one's header. True if nothing may follow it.
bool note_merged(Merged& merged, MutableBytes first, ConstBytes octets);
// Makes the headers of the first one those of the super-packet.
void write_lengths(const Merged& merged, MutableBytes first);

}  // namespace isthmus
