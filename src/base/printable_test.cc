#include "base/printable.h"

#include <gtest/gtest.h>

namespace isthmus {
namespace {

TEST(Printable, LeavesOrdinaryTextOfAnyScriptAlone) {
  for (const char* text : {"", "route 193.6.37.0/24", "Köln – Łódź", "東京", "🌉"})
    EXPECT_EQ(printable(text, 100), text);
}

TEST(Printable, ReplacesWhatATerminalWouldObey) {
  EXPECT_EQ(printable("a\x1b[2Jb\r\nc\x7f\tz", 100), "a?[2Jb??c??z");
  EXPECT_EQ(printable(std::string_view{"a\0b", 3}, 100), "a?b");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m",
                      100),
            "?31m");                                                  // CSI as one C1 character
  EXPECT_EQ(printable("x\xe2\x80\xaetxt", 100), "x?txt");             // right-to-left override
  EXPECT_EQ(printable("x\xe2\x80\xa8y\xe2\x81\xa6z", 100), "x?y?z");  // line separator, isolate
}

TEST(Printable, ReplacesBrokenSequencesOctetByOctet) {
  EXPECT_EQ(printable("\xff", 100), "?");
  EXPECT_EQ(printable("\xc3", 100), "?");
  EXPECT_EQ(printable("\xc0\xaf", 100), "??");            // overlong '/'
  EXPECT_EQ(printable("\xe0\x80\xaf", 100), "???");       // overlong again
  EXPECT_EQ(printable("\xed\xa0\x80", 100), "???");       // a surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80", 100), "????");  // beyond U+10FFFF
}

TEST(Printable, CutsAtACharacter) {
  EXPECT_EQ(printable("aé", 2), "a");
  EXPECT_EQ(printable("aé", 3), "aé");
  EXPECT_EQ(printable("abc", 0), "");
}

TEST(Printable, ChangesNothingTheSecondTime) {
  const std::string once = printable(
      "a\x1b\xc3(\xe2\x80\xae"
      "ü",
      100);
  EXPECT_EQ(printable(once, 100), once);
}

}  // namespace
}  // namespace isthmus
