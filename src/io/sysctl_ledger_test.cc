#include "io/sysctl_ledger.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "io/journal.h"
#include "io/test_directory.h"

namespace isthmus::io {
namespace {

constexpr const char* kFile = "net/ipv4/conf/eth0/forwarding";
const SysctlChange kForward{"net.ipv4.conf.eth0.forwarding", "1"};

class SysctlLedgerTest : public ::testing::Test {
 protected:
  SysctlLedgerTest() { root_.write(kFile, "0\n"); }
  [[nodiscard]] std::string value() const { return *Sysctl{root_.path()}.read(kForward.key); }

  TestDirectory base_;
  TestDirectory root_;
  RuntimeDir dir_ = *RuntimeDir::open(base_.path());
  SysctlLedger ledger_{dir_, Sysctl{root_.path()}};
};

TEST_F(SysctlLedgerTest, RestoresWhenTheLastHolderLetsGo) {
  ASSERT_TRUE(ledger_.acquire("a", kForward) && ledger_.acquire("b", kForward));
  ASSERT_TRUE(ledger_.release("a", kForward.key));
  EXPECT_EQ(value(), "1");
  ASSERT_TRUE(ledger_.release("b", kForward.key));
  EXPECT_EQ(value(), "0");
}

TEST_F(SysctlLedgerTest, CountsASessionOnce) {
  ASSERT_TRUE(ledger_.acquire("a", kForward) && ledger_.acquire("a", kForward));
  ASSERT_TRUE(ledger_.release("a", kForward.key));
  EXPECT_EQ(value(), "0");
}

TEST_F(SysctlLedgerTest, LeavesAValueThatSomebodyElseHasSetSince) {
  root_.write(kFile, "2\n");
  ASSERT_TRUE(ledger_.acquire("a", kForward));
  root_.write(kFile, "3\n");
  ASSERT_TRUE(ledger_.release("a", kForward.key));
  EXPECT_EQ(value(), "3");
}

TEST_F(SysctlLedgerTest, LeavesAValueThatWasRightAlready) {
  root_.write(kFile, "1\n");
  ASSERT_TRUE(ledger_.acquire("a", kForward) && ledger_.release("a", kForward.key));
  EXPECT_EQ(value(), "1");
}

TEST_F(SysctlLedgerTest, RefusesTwoSessionsThatNeedDifferentValues) {
  ASSERT_TRUE(ledger_.acquire("a", kForward));
  EXPECT_EQ(ledger_.acquire("b", {kForward.key, "2"}).error().code, Error::Code::kExists);
  EXPECT_EQ(value(), "1");
  ASSERT_TRUE(ledger_.release("a", kForward.key));
  EXPECT_EQ(value(), "0");
}

TEST_F(SysctlLedgerTest, ForgetsAKeyWhoseInterfaceIsGone) {
  ASSERT_TRUE(ledger_.acquire("a", kForward));
  std::filesystem::remove_all(root_.path() / "net/ipv4/conf/eth0");
  EXPECT_TRUE(ledger_.release("a", kForward.key));
  root_.write(kFile, "1\n");
  ASSERT_TRUE(ledger_.release("a", kForward.key));
  EXPECT_EQ(value(), "1");
}

TEST_F(SysctlLedgerTest, RemembersTheFirstValueAcrossADeathBeforeTheWrite) {
  // As if a session had died between its record and its write: the ledger says 1, the sysctl still says 0.
  ASSERT_TRUE(ledger_.acquire("a", kForward));
  root_.write(kFile, "0\n");
  ASSERT_TRUE(ledger_.acquire("b", kForward));
  ASSERT_TRUE(ledger_.release("a", kForward.key) && ledger_.release("b", kForward.key));
  EXPECT_EQ(value(), "0");
}

TEST_F(SysctlLedgerTest, DropsHoldersWithoutAJournalOnly) {
  const SysctlChange other{"net.ipv4.conf.eth1.forwarding", "1"};
  root_.write("net/ipv4/conf/eth1/forwarding", "0\n");
  const auto living = Journal::create(dir_, "living");
  ASSERT_TRUE(living && ledger_.acquire("living", kForward) && ledger_.acquire("vanished", kForward));
  ASSERT_TRUE(ledger_.acquire("vanished", other));
  EXPECT_EQ(*ledger_.release_orphans(), std::vector<std::string>{other.key});
  EXPECT_EQ(value(), "1");
  EXPECT_EQ(*Sysctl{root_.path()}.read(other.key), "0");
}

// Two sessions that end at once: the other's interface is still read and is gone when it would be written.
TEST_F(SysctlLedgerTest, ForgetsAPartWhoseInterfaceGoesWhileItRestores) {
  const std::string all = "net/ipv6/conf/all/forwarding", part = "net/ipv6/conf/isth0/forwarding";
  for (const std::string& file : {all, part}) root_.write(file, "0\n");
  ASSERT_TRUE(ledger_.acquire("a", {"net.ipv6.conf.all.forwarding", "1"}));
  const std::filesystem::path path = root_.path() / part;
  std::filesystem::remove(path);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  std::thread kernel{[&] {
    const UniqueFd writer{open(path.c_str(), O_WRONLY | O_CLOEXEC)};  // waits for the one who reads
    std::filesystem::remove(path);
    EXPECT_EQ(write(writer.get(), "1\n", 2), 2);
  }};
  EXPECT_TRUE(ledger_.release("a", "net.ipv6.conf.all.forwarding"));
  kernel.join();
  EXPECT_EQ(root_.read(all), "0");
}

TEST_F(SysctlLedgerTest, ChangesNothingForAKeyThatDoesNotExist) {
  EXPECT_EQ(ledger_.acquire("a", {"net.ipv4.none", "1"}).error().code, Error::Code::kNotFound);
  EXPECT_TRUE(ledger_.release("a", "net.ipv4.none"));
}

}  // namespace
}  // namespace isthmus::io
