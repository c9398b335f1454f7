#include "esp/ecn.h"

#include <gtest/gtest.h>

namespace isthmus::esp {
namespace {

// RFC 6040 section 4.1, normal mode; RFC 2983 for the rest.
TEST(OuterTrafficClass, CopiesEcnAlwaysAndDscpByChoice) {
  for (unsigned inner = 0; inner < 256; ++inner) {
    const auto octet = static_cast<std::uint8_t>(inner);
    ASSERT_EQ(outer_traffic_class(OuterDscp::kZero, octet), inner % 4);
    ASSERT_EQ(outer_traffic_class(OuterDscp::kCopied, octet), inner);
  }
}

TEST(DecapsulateEcn, NeverShowsATransportThatKnowsNoEcnAMark) {
  for (const Ecn outer : {Ecn::kNotEct, Ecn::kEct0, Ecn::kEct1})
    EXPECT_EQ(decapsulate_ecn(Ecn::kNotEct, outer).ecn, Ecn::kNotEct);
  EXPECT_EQ(decapsulate_ecn(Ecn::kNotEct, Ecn::kCe).ecn, std::nullopt);
}

}  // namespace
}  // namespace isthmus::esp
