#include "session/path_actions.h"

#include <algorithm>

namespace isthmus::session {

void PathCounts::add_received(const esp::SaStatus& inbound) {
  auto of = std::ranges::find(received, inbound.generation, &PathReport::Received::generation);
  if (of == received.end()) of = received.insert(of, {inbound.generation, 0, 0});
  of->packets += inbound.packets;
  of->highest = of->highest.value_or(0) + inbound.highest_sequence;
}

}  // namespace isthmus::session
