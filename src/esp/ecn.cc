#include "esp/ecn.h"

#include <array>
#include <utility>

namespace isthmus::esp {

Decapsulation decapsulate_ecn(Ecn inner, Ecn outer) {
  // By code point: Not-ECT 0, ECT(1) 1, ECT(0) 2, CE 3, so that rows and columns stand in another order than
  // in the figure.
  constexpr Decapsulation kDrop{std::nullopt, true};
  constexpr Decapsulation kNot{Ecn::kNotEct, false};
  constexpr Decapsulation kNotUnexpected{Ecn::kNotEct, true};
  constexpr Decapsulation kEct1{Ecn::kEct1, false};
  constexpr Decapsulation kEct1Unexpected{Ecn::kEct1, true};
  constexpr Decapsulation kEct0{Ecn::kEct0, false};
  constexpr Decapsulation kCe{Ecn::kCe, false};
  constexpr Decapsulation kCeUnexpected{Ecn::kCe, true};
  static constexpr std::array<std::array<Decapsulation, 4>, 4> kFigure4{{
      // outer: Not-ECT, ECT(1), ECT(0), CE
      {kNot, kNotUnexpected, kNotUnexpected, kDrop},  // inner Not-ECT
      {kEct1, kEct1, kEct1Unexpected, kCe},           // inner ECT(1)
      {kEct0, kEct1, kEct0, kCe},                     // inner ECT(0)
      {kCe, kCeUnexpected, kCe, kCe},                 // inner CE
  }};
  return kFigure4[std::to_underlying(inner)][std::to_underlying(outer)];
}

}  // namespace isthmus::esp
