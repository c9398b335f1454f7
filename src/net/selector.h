// Which inner packets may cross: a peer speaks for the prefixes it was allowed to announce and for its own
// tunnel addresses, never for ours, and reaches what we offered and nothing else (the traffic selectors of
// RFC 4301, for one peer).
#pragma once

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/guard.h"
#include "net/never_routed.h"
#include "net/packet_view.h"
#include "net/prefix.h"

namespace isthmus {

class Selector {
 public:
  Selector() = default;
  // `remote` and `local` as prefixes, single addresses among them as /32 and /128.
  // `own`: networks and addresses of ours inside `remote`, which are no peer's, less the parts that are in
  // `remote` themselves. What is never routed may be neither source nor destination, unless it is named: a
  // default route holds it, and means it no more than any other does.
  Selector(std::vector<Prefix> remote, std::vector<Prefix> local, std::vector<Prefix> own = {})
      : remote_(std::move(remote)), local_(std::move(local)), own_(std::move(own)) {
    for (const Prefix& prefix : remote_) {
      if (std::ranges::any_of(own_, [&](const Prefix& outer) { return outer.contains(prefix); }))
        carved_out_.push_back(prefix);
    }
    for (const std::vector<Prefix>* const side : {&remote_, &local_}) {
      std::ranges::copy(never_routed_within(*side), std::back_inserter(nobodys_));
      std::ranges::copy_if(*side, std::back_inserter(named_), [](const Prefix& prefix) {
        return std::ranges::any_of(never_routed(),
                                   [&](const Prefix& outer) { return outer.contains(prefix); });
      });
    }
  }

  [[nodiscard]] bool permits_inbound(const PacketView& packet) const {
    const bool is_our_own = covers(own_, packet.source) && !covers(carved_out_, packet.source);
    return guard<Guard::kSelectorSource>(covers(remote_, packet.source)) &&
           guard<Guard::kSelectorOwnSource>(!is_our_own) &&
           guard<Guard::kSelectorDestination>(covers(local_, packet.destination)) &&
           guard<Guard::kSelectorNeverRouted>(!is_nobodys(packet.source) && !is_nobodys(packet.destination));
  }

 private:
  [[nodiscard]] bool is_nobodys(const IpAddress& address) const {
    return covers(nobodys_, address) && !covers(named_, address);
  }
  static bool covers(const std::vector<Prefix>& prefixes, const IpAddress& address) {
    return std::ranges::any_of(prefixes, [&](const Prefix& prefix) { return prefix.contains(address); });
  }

  std::vector<Prefix> remote_;
  std::vector<Prefix> local_;
  std::vector<Prefix> own_;
  std::vector<Prefix> carved_out_;  // of own_: proxied hosts of our LAN
  std::vector<Prefix> nobodys_;     // never routed, inside remote_ or local_; mostly none
  std::vector<Prefix> named_;       // of remote_ and local_: link-local addresses of the tunnel
};

}  // namespace isthmus
