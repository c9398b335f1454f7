// The inbound SAs that are alive, found by SPI (RFC 4303 section 3.4.2).
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/result.h"
#include "esp/generation.h"
#include "esp/inbound_sa.h"

namespace isthmus::esp {

struct LiveInbound {
  Generation generation{};
  InboundSa sa;
  bool is_soft_limit_told = false;
};

class SaTable {
 public:
  explicit SaTable(std::size_t capacity);

  // kExists: an SA with this SPI is there. kRefused: the table is full.
  [[nodiscard]] Result<void> add(LiveInbound live);
  // Ends the SAs of a generation, as many as there are.
  void retire(Generation generation);

  // Valid until the next add() or retire(). A few SAs are alive at a time, so that looking through their
  // SPIs, which lie side by side, is quicker than any hash.
  [[nodiscard]] LiveInbound* find(Spi spi) {
    for (std::size_t i = 0; i < spis_.size(); ++i) {
      if (spis_[i] == spi) return live_[i].get();
    }
    return nullptr;
  }
  [[nodiscard]] const std::vector<std::unique_ptr<LiveInbound>>& all() const { return live_; }

 private:
  std::size_t capacity_;
  std::vector<Spi> spis_;  // of live_, in the same order
  std::vector<std::unique_ptr<LiveInbound>> live_;
};

}  // namespace isthmus::esp
