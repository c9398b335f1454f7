// RFC 6040: explicit congestion notification across the tunnel, its two figures as they stand.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include "esp/ecn.h"

namespace isthmus::esp {
namespace {

constexpr std::array kOuter{Ecn::kNotEct, Ecn::kEct0, Ecn::kEct1, Ecn::kCe};

struct Row {
  Ecn inner;
  std::array<std::string_view, 4> outgoing;
};

// Figure 4, columns in its order: Not-ECT, ECT(0), ECT(1), CE.
constexpr std::array kFigure4{
    Row{Ecn::kNotEct, {"Not-ECT", "Not-ECT(!!!)", "Not-ECT(!!!)", "<drop>(!!!)"}},
    Row{Ecn::kEct0, {"ECT(0)", "ECT(0)", "ECT(1)", "CE"}},
    Row{Ecn::kEct1, {"ECT(1)", "ECT(1) (!)", "ECT(1)", "CE"}},
    Row{Ecn::kCe, {"CE", "CE", "CE(!!!)", "CE"}},
};

std::optional<Ecn> code_point(std::string_view cell) {
  if (cell.starts_with("Not-ECT")) return Ecn::kNotEct;
  if (cell.starts_with("ECT(0)")) return Ecn::kEct0;
  if (cell.starts_with("ECT(1)")) return Ecn::kEct1;
  if (cell.starts_with("CE")) return Ecn::kCe;
  return std::nullopt;
}

TEST(Rfc6040Section42, DecapsulatesAsFigure4Has) {
  for (const Row& row : kFigure4) {
    for (std::size_t column = 0; column < kOuter.size(); ++column) {
      const std::string_view cell = row.outgoing[column];
      const Decapsulation expected{code_point(cell), cell.contains("!")};
      EXPECT_EQ(decapsulate_ecn(row.inner, kOuter[column]), expected) << cell;
    }
  }
}

// Figure 3, the column of normal mode.
TEST(Rfc6040Section41, EncapsulatesInNormalMode) {
  for (const Ecn ecn : kOuter) {
    for (const OuterDscp dscp : {OuterDscp::kZero, OuterDscp::kCopied})
      EXPECT_EQ(ecn_of(outer_traffic_class(dscp, static_cast<std::uint8_t>(ecn))), ecn);
  }
}

}  // namespace
}  // namespace isthmus::esp
