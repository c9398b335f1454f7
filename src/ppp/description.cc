#include "ppp/description.h"

#include <algorithm>
#include <string_view>

namespace isthmus::ppp {
namespace {

constexpr std::size_t kShownOctets = 16;
constexpr std::string_view kCut = "...";

bool is_plain(std::uint8_t octet) {
  return octet >= 0x20 && octet < 0x7f && octet != '"' && octet != '\\';
}

}  // namespace

void Description::add_octets(ConstBytes octets) {
  if (octets.empty()) return;
  add(" ");
  for (const std::uint8_t octet : octets.first(std::min(octets.size(), kShownOctets))) add("{:02x}", octet);
  if (octets.size() > kShownOctets) add("{}", kCut);
}

void Description::add_text(ConstBytes text) {
  add("\"");
  for (const std::uint8_t octet : text.first(std::min(text.size(), kMaxDescription))) {
    if (is_plain(octet))
      add("{}", static_cast<char>(octet));
    else
      add("\\x{:02x}", octet);
  }
  add("\"");
}

std::string Description::take() {
  if (line_.size() > kMaxDescription) {
    line_.resize(kMaxDescription - kCut.size());
    line_ += kCut;
  }
  return std::move(line_);
}

}  // namespace isthmus::ppp
