#include "base/printable.h"

#include <cstdint>

namespace isthmus {
namespace {

struct Character {
  std::uint32_t code_point = 0;
  std::size_t octets = 0;  // 0: no well-formed character begins here
};

std::size_t sequence_length(std::uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  if (lead >= 0xf0 && lead < 0xf5) return 4;
  return 0;
}

// Unicode table 3-7: neither overlong forms nor surrogates nor beyond U+10FFFF.
bool is_well_formed(std::uint32_t code_point, std::size_t octets) {
  if (octets == 3) return code_point >= 0x800 && (code_point < 0xd800 || code_point > 0xdfff);
  if (octets == 4) return code_point >= 0x10000 && code_point <= 0x10ffff;
  return true;
}

Character first_character(std::string_view text) {
  const auto lead = static_cast<std::uint8_t>(text.front());
  const std::size_t octets = sequence_length(lead);
  if (octets == 0 || octets > text.size()) return {};
  if (octets == 1) return {lead, 1};

  std::uint32_t code_point = lead & (0x7fU >> octets);
  for (const char next : text.substr(1, octets - 1)) {
    const auto octet = static_cast<std::uint8_t>(next);
    if ((octet & 0xc0) != 0x80) return {};
    code_point = (code_point << 6) | (octet & 0x3fU);
  }
  return is_well_formed(code_point, octets) ? Character{code_point, octets} : Character{};
}

bool is_harmless(std::uint32_t code_point) {
  if (code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0)) return false;
  if (code_point == 0x061c || code_point == 0x200e || code_point == 0x200f) return false;
  const bool reorders = code_point >= 0x2028 && code_point <= 0x202e;
  const bool isolates = code_point >= 0x2066 && code_point <= 0x2069;
  return !reorders && !isolates;
}

}  // namespace

std::size_t printable_length(std::string_view text) {
  const Character first = first_character(text);
  return is_harmless(first.code_point) ? first.octets : 0;
}

std::string printable(std::string_view text, std::size_t max_octets) {
  std::string out;
  while (!text.empty()) {
    const Character next = first_character(text);
    const bool keeps = next.octets > 0 && is_harmless(next.code_point);
    const std::size_t taken = next.octets > 0 ? next.octets : 1;
    const std::string_view piece = keeps ? text.substr(0, taken) : std::string_view{"?"};
    if (out.size() + piece.size() > max_octets) break;
    out += piece;
    text.remove_prefix(taken);
  }
  return out;
}

}  // namespace isthmus
