// Notices that the peer, who sent packets, sends none any more or is not heard.
#pragma once

#include <cstdint>
#include <utility>

namespace isthmus::session {

class Inflow {
 public:
  // Told each tick how many have come, ever: true in the first tick without one more.
  bool has_stopped(std::uint64_t count) {
    const bool was_running = std::exchange(is_running_, count != count_);
    count_ = count;
    return was_running && !is_running_;
  }

 private:
  std::uint64_t count_ = 0;
  bool is_running_ = false;
};

}  // namespace isthmus::session
