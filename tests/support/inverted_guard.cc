// Which guard is inverted, or open, in a build with ISTHMUS_GUARDS, as the environment has it:
// ISTHMUS_INVERT=kReplay everywhere, ISTHMUS_OPEN=kReplay@esp/inbound_sa.cc:22 in one place. No other build
// has this file.
#include <cstdlib>
#include <string>

#include "base/guard.h"

namespace isthmus {
namespace {

struct Order {
  std::string name;
  std::string file;  // empty: everywhere
  unsigned long line = 0;
};

Order order_in(const char* variable) {
  const char* const value = std::getenv(variable);
  Order order{value == nullptr ? "" : value, {}, 0};
  const std::size_t at = order.name.find('@');
  if (at == std::string::npos) return order;
  const std::size_t colon = order.name.rfind(':');
  order.file = order.name.substr(at + 1, colon - at - 1);
  order.line = std::stoul(order.name.substr(colon + 1));
  order.name.resize(at);
  return order;
}

const Order& inverted() {
  static const Order order = order_in("ISTHMUS_INVERT");
  return order;
}
const Order& opened() {
  static const Order order = order_in("ISTHMUS_OPEN");
  return order;
}

// "bool isthmus::guard(bool, const std::source_location&) [with isthmus::Guard kName =
// isthmus::Guard::kReplay]"
std::string_view name_in(std::string_view function) {
  const std::size_t end = function.size() - 1;
  const std::size_t start = function.rfind(':', end) + 1;
  return function.substr(start, end - start);
}

}  // namespace

GuardMode guard_mode(std::string_view function) {
  const std::string_view name = name_in(function);
  if (name == inverted().name) return GuardMode::kInverted;
  return name == opened().name ? GuardMode::kOpen : GuardMode::kPlain;
}

bool is_guard_meant(const std::source_location& place) {
  const Order& order = inverted().name.empty() ? opened() : inverted();
  return order.file.empty() ||
         (order.line == place.line() && std::string_view{place.file_name()}.ends_with(order.file));
}

}  // namespace isthmus
