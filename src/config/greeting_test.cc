#include "config/greeting.h"

#include <gtest/gtest.h>

#include "config/commands.h"

namespace isthmus::config {
namespace {

Greeting sample() {
  Greeting greeting;
  greeting.name = "fellini";
  for (std::uint8_t i = 0; i < 16; ++i) {
    greeting.host[i] = static_cast<std::uint8_t>(0x11 * i);
    greeting.node[i] = static_cast<std::uint8_t>(0xff - 0x11 * i);
  }
  return greeting;
}

TEST(Greeting, IsWrittenAsDocumentedAndReadBack) {
  const std::string text = encode_greeting(sample());
  EXPECT_EQ(text, "fellini,00112233445566778899aabbccddeeff,ffeeddccbbaa99887766554433221100");
  EXPECT_EQ(*parse_greeting(text), sample());
}

TEST(Greeting, RefusesEverythingElse) {
  const std::string good = encode_greeting(sample());
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(parse_greeting(good.substr(0, size))) << size;
  for (const std::string& text : std::vector<std::string>{
           good + "0", good + ",", " " + good, good + "\n", "," + good.substr(8), "a b" + good.substr(7),
           "-x" + good.substr(7), "../x" + good.substr(7), "$(id)" + good.substr(7), std::string(200, 'a'),
           "fellini,00112233445566778899AABBCCDDEEFF,ffeeddccbbaa99887766554433221100"})
    EXPECT_FALSE(parse_greeting(text)) << text;
}

TEST(Greeting, IsSafeInAnyShell) {
  Greeting greeting = sample();
  greeting.name = "a'b $(id);\n|`x`";
  const std::string text = encode_greeting(greeting);
  EXPECT_EQ(text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._,-"),
            std::string::npos);
  EXPECT_TRUE(parse_greeting(text));
}

TEST(Greeting, IsFoundInTheCommandThatAForcedOneReplaced) {
  const std::string text = encode_greeting(sample());
  EXPECT_EQ(greeting_in_command("isthmus attach --caller " + text), sample());
  EXPECT_EQ(greeting_in_command("exec sh -c 'sudo -n isthmus attach --caller " + text + "'"), sample());
  EXPECT_EQ(greeting_in_command("--caller " + text + "; --caller " + text), sample());
  EXPECT_EQ(greeting_in_command("--caller " + text + " --caller " + text), sample());
}

TEST(Greeting, IsNotFoundWhereItIsAmbiguousOrBroken) {
  Greeting other = sample();
  other.node[0] = 1;
  const std::string text = encode_greeting(sample());
  EXPECT_EQ(greeting_in_command(""), std::nullopt);
  EXPECT_EQ(greeting_in_command("isthmus attach --caller"), std::nullopt);
  EXPECT_EQ(greeting_in_command("isthmus attach --caller x,y,z"), std::nullopt);
  EXPECT_EQ(greeting_in_command("--caller=" + text), std::nullopt);
  EXPECT_EQ(greeting_in_command("--caller " + text + " --caller " + encode_greeting(other)), std::nullopt);
  EXPECT_EQ(greeting_in_command("--caller " + text + std::string(10000, ' ')), std::nullopt);
}

TEST(Greeting, MakesANameOfAnyHostName) {
  EXPECT_EQ(greeting_name("fellini.example"), "fellini.example");
  EXPECT_EQ(greeting_name(""), "unnamed");
  EXPECT_EQ(greeting_name("..."), "unnamed");
  EXPECT_EQ(greeting_name("-rf /"), "rf--");
  EXPECT_TRUE(is_valid_name(greeting_name(std::string(500, 'x'))));
  EXPECT_TRUE(is_valid_name(greeting_name("\xff\xfe\n")) || greeting_name("\xff\xfe\n") == "unnamed");
}

}  // namespace
}  // namespace isthmus::config
