#include "config/destination.h"

#include <gtest/gtest.h>

namespace isthmus::config {
namespace {

TEST(Destination, UnderstandsEveryForm) {
  const std::vector<std::pair<const char*, Destination>> cases = {
      {"polanski", {"", "polanski", {}}},
      {"root@polanski-out.example", {"root", "polanski-out.example", {}}},
      {"ssh://polanski", {"", "polanski", {}}},
      {"ssh://root@polanski:2222", {"root", "polanski", 2222}},
      {"ssh://root@polanski:2222/", {"root", "polanski", 2222}},
      {"193.6.36.12", {"", "193.6.36.12", {}}},
      {"[2001:db8::1]", {"", "2001:db8::1", {}}},
      {"root@[2001:db8::1]", {"root", "2001:db8::1", {}}},
      {"ssh://root@[2001:db8::1]:22", {"root", "2001:db8::1", 22}},
      {"[fe80::1%eth0]", {"", "fe80::1%eth0", {}}},
      {"user@realm@host", {"user@realm", "host", {}}},
      {"a_b", {"", "a_b", {}}},
  };
  for (const auto& [text, expected] : cases) {
    const Result<Destination> destination = parse_destination(text);
    ASSERT_TRUE(destination) << text << ": " << destination.error().message;
    EXPECT_EQ(*destination, expected) << text;
  }
}

TEST(Destination, RefusesWhatSshCouldMisunderstand) {
  for (const char* text : {"",
                           "@",
                           "@host",
                           "root@",
                           "-oProxyCommand=x",
                           "root@-host",
                           "-l@host",
                           "a b",
                           "a\tb",
                           "host\n",
                           "a;b",
                           "$(id)",
                           "`id`",
                           "a|b",
                           "%h",
                           "a%b",
                           "a/b",
                           "..;",
                           "'a'",
                           "\"a\"",
                           "host:22",
                           "2001:db8::1",
                           "[::1",
                           "[host]",
                           "[1.2.3.4]",
                           "[]",
                           "[::1]x",
                           "[::1]:22",
                           "[fe80::1%]",
                           "[fe80::1%-x]",
                           "[fe80::1%a;b]",
                           "ssh://",
                           "ssh://h:0",
                           "ssh://h:65536",
                           "ssh://h:x",
                           "ssh://h:",
                           "ssh://h:1:2",
                           "ssh://-h",
                           "ssh://[::1]22",
                           "http://h",
                           "a\\b",
                           "u$er@h",
                           "h\xc3\xa4st"}) {
    EXPECT_FALSE(parse_destination(text)) << text;
  }
  EXPECT_FALSE(parse_destination(std::string_view{"a\0b", 3}));
  EXPECT_FALSE(parse_destination(std::string(254, 'a')));
}

TEST(Destination, NamesItselfForPeople) {
  EXPECT_EQ(parse_destination("root@polanski")->to_string(), "root@polanski");
  EXPECT_EQ(parse_destination("ssh://[2001:db8::1]:2222")->to_string(), "[2001:db8::1]:2222");
}

}  // namespace
}  // namespace isthmus::config
