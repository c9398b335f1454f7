// The half of an extended sequence number that is not sent (RFC 4303 section 2.2.1 and appendix A).
#pragma once

#include <cstdint>
#include <optional>

#include "esp/replay_window.h"
#include "esp/sequence_number.h"

namespace isthmus::esp {

// The number that a packet with the lower half `low` has, given the highest one received (appendix A2.2). It
// holds as long as fewer than 2^32 packets in a row are lost. Empty for a number before the first: no packet
// has it.
constexpr std::optional<SequenceNumber> infer_sequence(SequenceNumber highest, std::uint32_t low) {
  constexpr auto kWindow = static_cast<std::uint32_t>(ReplayWindow::kSize);
  const std::uint32_t bottom = highest.low() - kWindow + 1;  // modulo 2^32, as the appendix has it
  const bool is_in_one_subspace = highest.low() >= kWindow - 1;
  if (is_in_one_subspace) return SequenceNumber{low >= bottom ? highest.high() : highest.high() + 1, low};
  if (low < bottom) return SequenceNumber{highest.high(), low};
  if (highest.high() == 0) return std::nullopt;
  return SequenceNumber{highest.high() - 1, low};
}

}  // namespace isthmus::esp
