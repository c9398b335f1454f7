// When a key of the datagrams has served enough, so that the caller begins an exchange for the next one.
// Where it ends is another matter: esp::SaLimits has the hard limits of use, keying::kStopAfter that of time.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "esp/sa_limits.h"
#include "keying/rekeyer.h"

namespace isthmus::session {

struct SoftLimits {
  std::uint64_t packets = esp::SaLimits{}.soft_packets;  // of one SA
  Duration time = keying::kRekeyAfter;
  friend bool operator==(const SoftLimits&, const SoftLimits&) = default;
};

}  // namespace isthmus::session
