// The filter of a tunnel as nft itself reads it, in a network namespace of its own and in check mode.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "net/tunnel_filter.h"

namespace isthmus {
namespace {

Prefix prefix(const char* text) {
  return Prefix::parse(text).value();
}
IpAddress address(const char* text) {
  return IpAddress::parse(text).value();
}

TunnelFilterInput whole_input() {
  TunnelFilterInput input;
  input.interface = "isth0";
  input.remote = {prefix("193.6.37.0/24"), prefix("193.6.37.128/25"), prefix("10.0.0.0/8"),
                  prefix("10.5.5.128/28"), prefix("2001:db8:37::/48")};
  input.exceptions = {prefix("10.5.5.0/24"), prefix("2001:db8:37:1::/64")};
  input.offered = {prefix("193.6.35.0/24"), prefix("2001:db8:35::/48")};
  input.outer = {{address("193.6.36.12"), 22}, {address("2001:db8::22"), 2222}, {address("10.1.1.1"), 0}};
  input.datagrams = {4500, 0x69736d00};
  input.guarded = {{address("193.6.35.12"), {"eth1", "eth1.7", "br-lan@x"}}, {address("2001:db8:35::1"), {}}};
  input.masquerade_interfaces = {"eth1", "wlp3s0"};
  return input;
}

bool can_check() {
  return geteuid() == 0 && std::system("unshare --net nft --version >/dev/null 2>&1") == 0;
}

bool nft_accepts(const TunnelFilterInput& input) {
  FILE* nft = popen("unshare --net nft --check --file -", "w");
  if (nft == nullptr) return false;
  const std::string text =
      "table inet isthmus_" + input.interface + " {\n" + tunnel_filter_body(input) + "}\n";
  fputs(text.c_str(), nft);
  return pclose(nft) == 0;
}

class NftSyntax : public testing::Test {
 protected:
  void SetUp() override {
    if (!can_check()) GTEST_SKIP() << "needs root, unshare and nft";
  }
};

TEST_F(NftSyntax, AcceptsEverythingAtOnce) {
  EXPECT_TRUE(nft_accepts(whole_input()));
}

TEST_F(NftSyntax, AcceptsAFullTunnelOfBothFamilies) {
  TunnelFilterInput input = whole_input();
  input.remote = {prefix("0.0.0.0/0"), prefix("::/0")};
  input.exceptions.push_back(prefix("ff00::/8"));
  input.exceptions.push_back(prefix("255.255.255.255"));
  EXPECT_TRUE(nft_accepts(input));
}

TEST_F(NftSyntax, AcceptsAFilterWithoutTheGuard) {
  TunnelFilterInput input = whole_input();
  input.guard = false;
  EXPECT_TRUE(nft_accepts(input));
}

TEST_F(NftSyntax, AcceptsTheFilterOfAPlainPeer) {
  TunnelFilterInput input;
  input.interface = "isth-12_x";
  EXPECT_TRUE(nft_accepts(input));
}

TEST_F(NftSyntax, AcceptsAFilterThatOffersNothing) {
  TunnelFilterInput input = whole_input();
  input.offered.clear();
  input.masquerade_interfaces.clear();
  EXPECT_TRUE(nft_accepts(input));
}

}  // namespace
}  // namespace isthmus
