// Which inner packets may cross: a peer speaks for the prefixes it was allowed to announce and for its own
// tunnel addresses, and reaches what we offered and nothing else (the traffic selectors of RFC 4301, for one
// peer).
#pragma once

#include <algorithm>
#include <vector>

#include "net/packet_view.h"
#include "net/prefix.h"

namespace isthmus {

class Selector {
 public:
  Selector() = default;
  // `remote` and `local` as prefixes, single addresses among them as /32 and /128.
  Selector(std::vector<Prefix> remote, std::vector<Prefix> local)
      : remote_(std::move(remote)), local_(std::move(local)) {}

  [[nodiscard]] bool permits_inbound(const PacketView& packet) const {
    return covers(remote_, packet.source) && covers(local_, packet.destination);
  }

 private:
  static bool covers(const std::vector<Prefix>& prefixes, const IpAddress& address) {
    return std::ranges::any_of(prefixes, [&](const Prefix& prefix) { return prefix.contains(address); });
  }

  std::vector<Prefix> remote_;
  std::vector<Prefix> local_;
};

}  // namespace isthmus
