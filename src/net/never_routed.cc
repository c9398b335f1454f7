#include "net/never_routed.h"

#include <algorithm>
#include <iterator>

namespace isthmus {

const std::vector<Prefix>& never_routed() {
  static const std::vector<Prefix> kAll = [] {
    std::vector<Prefix> all;
    for (const char* text : {"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4",
                             "::/96", "::ffff:0:0/96", "fe80::/10", "ff00::/8"})
      all.push_back(Prefix::parse(text).value());
    return all;
  }();
  return kAll;
}

std::vector<Prefix> never_routed_within(const std::vector<Prefix>& prefixes) {
  std::vector<Prefix> within;
  std::ranges::copy_if(never_routed(), std::back_inserter(within), [&](const Prefix& inner) {
    return std::ranges::any_of(prefixes,
                               [&](const Prefix& outer) { return outer.contains(inner) && outer != inner; });
  });
  return within;
}

}  // namespace isthmus
