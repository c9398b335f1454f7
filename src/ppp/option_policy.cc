#include "ppp/option_policy.h"

#include <fmt/format.h>

#include <algorithm>

namespace isthmus::ppp {

std::string describe_unknown(const Option& option) {
  return fmt::format("option {} of {} octets", option.type, option.value.size());
}

bool contains(const std::vector<Option>& options, std::uint8_t type) {
  return std::ranges::any_of(options, [&](const Option& option) { return option.type == type; });
}

}  // namespace isthmus::ppp
