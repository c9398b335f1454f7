// The conditions that keep out what must not come in, each under a name. A guard is true if what it looks at
// may pass. tools/run_guards.py shows for each that some test notices when it is inverted, and when it lets
// all pass; only a build with ISTHMUS_GUARDS, for that one purpose, can do either. In every other build a
// guard is the plain condition.
#pragma once

#include "base/guard_names.h"

#ifdef ISTHMUS_GUARDS
#include <source_location>
#include <string_view>
#endif

namespace isthmus {

#ifdef ISTHMUS_GUARDS
enum class GuardMode : std::uint8_t { kPlain, kInverted, kOpen };
// What the environment has for the guard of this instance of guard(), and whether it means this place of it.
GuardMode guard_mode(std::string_view function);
bool is_guard_meant(const std::source_location& place);

template <Guard kName>
bool guard(bool may_pass, const std::source_location& place = std::source_location::current()) {
  static const GuardMode mode = guard_mode(__PRETTY_FUNCTION__);
  if (mode == GuardMode::kPlain || !is_guard_meant(place)) return may_pass;
  return mode == GuardMode::kOpen || !may_pass;
}
#else
template <Guard kName>
constexpr bool guard(bool may_pass) {
  return may_pass;
}
#endif

}  // namespace isthmus
