#include "config/nearest_word.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace isthmus::config {
namespace {

constexpr std::size_t kLongestWord = 40;

// Levenshtein's distance, row by row.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string suggestion(std::string_view typed, std::span<const std::string_view> known) {
  if (typed.empty() || typed.size() > kLongestWord) return "";
  std::string_view best;
  // Two steps are one transposition.
  std::size_t best_distance = std::max<std::size_t>(typed.size() / 3, typed.size() < 4 ? 1 : 2) + 1;
  for (const std::string_view word : known) {
    const std::size_t steps = distance(typed, word);
    if (steps >= best_distance) continue;
    best = word;
    best_distance = steps;
  }
  return best.empty() ? "" : ", did you mean '" + std::string{best} + "'?";
}

}  // namespace isthmus::config
