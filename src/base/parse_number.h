// A number in a text.
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>

namespace isthmus {

// What the whole of `text` says in digits of `base`, signed types with a '-' before them; empty if there is
// anything else in it, a blank or a '+' included, or if Number does not hold it.
template <std::integral Number>
std::optional<Number> parse_number(std::string_view text, int base = 10) {
  Number number = 0;
  const char* const first = text.data();
  const char* const last = first + text.size();
  const auto [end, error] = std::from_chars(first, last, number, base);
  if (error != std::errc{} || end != last) return std::nullopt;
  return number;
}

}  // namespace isthmus
