#include "config/ssh_target.h"

#include <gtest/gtest.h>

namespace isthmus::config {
namespace {

using namespace std::chrono_literals;

TEST(SshTarget, ComesBackAsItWasWritten) {
  for (const SshTarget& target : {SshTarget{"polanski.example", 22, std::nullopt, 15s, 1},
                                  SshTarget{"193.6.36.12", 2222, Family::kIpv4, 0s, 3},
                                  SshTarget{"fe80::1%wan0", 65535, Family::kIpv6, 7s, 1}})
    EXPECT_EQ(decode_ssh_target(encode_ssh_target(target)), target);
}

TEST(SshTarget, IsWrittenAsFiveWords) {
  EXPECT_EQ(encode_ssh_target({"polanski", 22, std::nullopt, 15s, 1}), "polanski 22 any 15 1");
  EXPECT_EQ(encode_ssh_target({"polanski", 22, Family::kIpv6, 15s, 2}), "polanski 22 inet6 15 2");
}

TEST(SshTarget, IsNothingElse) {
  for (const char* text :
       {"", "polanski", "polanski 22 any 15", "polanski 22 any 15 1 ", "polanski 22 any 15 1 x",
        " 22 any 15 1", "polanski 0 any 15 1", "polanski 65536 any 15 1", "polanski 22 ip 15 1",
        "polanski 22 any -1 1", "polanski 22 any 15 0", "polanski 22 any 15x 1", "-x 22 any 15 1",
        "a;b 22 any 15 1", "$(id) 22 any 15 1"})
    EXPECT_FALSE(decode_ssh_target(text)) << text;
}

}  // namespace
}  // namespace isthmus::config
