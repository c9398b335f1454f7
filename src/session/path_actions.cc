#include "session/path_actions.h"

#include <algorithm>

namespace isthmus::session {

void PathCounts::add(const esp::SaStatus& sa) {
  if (sa.direction != esp::SaStatus::Direction::kInbound) return;
  auto of = std::ranges::find(received, sa.generation, &PathReport::Received::generation);
  if (of == received.end()) of = received.insert(of, {sa.generation, 0, 0});
  of->packets += sa.packets;
  of->highest = of->highest.value_or(0) + sa.highest_sequence;
}

}  // namespace isthmus::session
