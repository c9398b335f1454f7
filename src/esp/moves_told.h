// Where packets have come from besides where they go to, as far as the control thread has been told. Whoever
// sends from two places at once, or sends on another's packets from a new one each time, would have it told
// with every packet.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "base/time.h"
#include "esp/tunnel_event.h"
#include "net/endpoint.h"

namespace isthmus::esp {

class MovesTold {
 public:
  // Calls `tell`, which says whether it could, unless of this move it was called within kPause, or of kMost
  // others.
  template <typename Tell>
  void tell(Instant now, const Endpoint& from, RemoteMoved::By by, Tell&& tell) {
    Told* free = nullptr;
    for (Told& told : told_) {
      if (!told.until || now >= *told.until) {
        free = &told;
      } else if (told.from == from && told.by == by) {
        return;
      }
    }
    if (free != nullptr && tell()) *free = {from, by, now + kPause};
  }
  void forget() { told_ = {}; }

  static constexpr std::size_t kMost = 8;
  static constexpr Duration kPause = std::chrono::seconds{5};

 private:
  struct Told {
    Endpoint from;
    RemoteMoved::By by{};
    std::optional<Instant> until;
  };

  std::array<Told, kMost> told_{};
};

}  // namespace isthmus::esp
