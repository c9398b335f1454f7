// A network namespace of each test's own, looked at with ip(8) and nft(8) from outside of our code:
//
//   lan0 (10.1.0.1/24, 2001:db8:1::1/64) ── veth ── lan1 (no address)
//
// The namespace goes with the process, and the next test gets a new one; nothing of the machine's is touched.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "io/runtime_dir.h"
#include "io/test_directory.h"
#include "net/host_change.h"

namespace isthmus::io {

class NamespaceTest : public ::testing::Test {
 protected:
  void SetUp() override;

  // What a shell command prints; its failure fails the test.
  static std::string shell(const std::string& command);
  // Everything a session could have changed here: addresses, routes, rules, proxies, nft, sysctls.
  static std::string snapshot();
  [[nodiscard]] RuntimeDir runtime_dir() const { return *RuntimeDir::open(base_.path()); }

  static IpAddress address(const char* text) { return *IpAddress::parse(text); }
  static Prefix prefix(const char* text) { return *Prefix::parse(text); }

 private:
  TestDirectory base_;
};

}  // namespace isthmus::io
