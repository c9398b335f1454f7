// One generation of SAs as the Rekeyer knows it, from its installation to its Retire.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "keying/exchange.h"

namespace isthmus::keying {

struct LiveGeneration {
  NewGeneration sas;
  Instant made{};
  // What each of our workers sends in its probe, and whether that came back.
  std::vector<std::uint64_t> tokens;
  std::vector<bool> proven;
  std::optional<Instant> probe_at;   // the next probes of those not proven
  bool is_inward = false;            // the peer's packets come by it, if they come as datagrams
  bool is_heard = false;             // the peer is known to hold it
  bool is_wanted_anew = false;       // a soft limit is reached
  bool is_spent = false;             // a hard limit is reached: nothing more goes out by it
  std::optional<Instant> retire_at;  // a newer one has taken over in both directions

  [[nodiscard]] esp::Generation number() const { return sas.number; }
  // Every worker of ours sends by it.
  [[nodiscard]] bool is_outward() const {
    return std::ranges::all_of(proven, [](bool is_proven) { return is_proven; });
  }
  [[nodiscard]] bool is_complete() const { return is_outward() && is_inward; }
};

}  // namespace isthmus::keying
