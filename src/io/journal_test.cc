#include "io/journal.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/file_lock.h"
#include "io/test_directory.h"

namespace isthmus::io {
namespace {

const SysctlChange kFirst{"net.ipv4.conf.eth0.forwarding", "1"};
const SysctlChange kSecond{"net.ipv4.conf.eth1.forwarding", "1"};

class JournalTest : public ::testing::Test {
 protected:
  // What a process that dies with the journal open leaves behind.
  template <typename Act>
  void die_after(Act act) {
    const pid_t child = ::fork();
    if (child == 0) {
      act();
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
  }

  [[nodiscard]] std::filesystem::path file() const { return dir_.path() / "office.journal"; }

  TestDirectory base_;
  RuntimeDir dir_ = *RuntimeDir::open(base_.path());
};

TEST_F(JournalTest, KeepsWhatIsNotUndone) {
  auto journal = Journal::create(dir_, "office");
  ASSERT_TRUE(journal);
  ASSERT_TRUE(journal->intend(kFirst) && journal->mark_done(kFirst));
  ASSERT_TRUE(journal->intend(kSecond) && journal->mark_done(kSecond));
  ASSERT_TRUE(journal->mark_undone(kFirst));
  const auto records = Journal::read_all(dir_);
  ASSERT_TRUE(records && records->size() == 1);
  EXPECT_EQ(records->front().standing, std::vector<HostChange>{kSecond});
}

TEST_F(JournalTest, CountsAnIntentAsStandingBeforeItsAct) {
  auto journal = Journal::create(dir_, "office");
  ASSERT_TRUE(journal && journal->intend(kFirst));
  EXPECT_EQ(Journal::read_all(dir_)->front().standing, std::vector<HostChange>{kFirst});
}

TEST_F(JournalTest, BelongsToOneLivingOwner) {
  const auto journal = Journal::create(dir_, "office");
  ASSERT_TRUE(journal);
  die_after([&] {
    const auto second = Journal::create(dir_, "office");
    const auto adopted = Journal::adopt(dir_, "office");
    const bool are_refused = !second && second.error().code == Error::Code::kExists && !adopted &&
                             adopted.error().code == Error::Code::kExists;
    if (!are_refused) std::ofstream(dir_.path() / "wrong");
  });
  EXPECT_FALSE(std::filesystem::exists(dir_.path() / "wrong"));
  EXPECT_TRUE(Journal::read_all(dir_)->front().is_alive);
  EXPECT_TRUE(Journal::adopt_orphans(dir_)->empty());
}

TEST_F(JournalTest, IsAdoptedWithEverythingOnceItsOwnerIsDead) {
  die_after([&] {
    auto journal = Journal::create(dir_, "office");
    (void)journal->intend(kFirst);
    (void)journal->name_interface("isth0", 7);
  });
  EXPECT_FALSE(Journal::read_all(dir_)->front().is_alive);
  const auto orphans = Journal::adopt_orphans(dir_);
  ASSERT_TRUE(orphans && orphans->size() == 1);
  EXPECT_EQ(orphans->front().standing(), std::vector<HostChange>{kFirst});
  EXPECT_EQ(orphans->front().interface(), "isth0");
  EXPECT_EQ(orphans->front().interface_index(), 7U);
}

TEST_F(JournalTest, OfADeadOwnerIsNotOverwritten) {
  die_after([&] { (void)Journal::create(dir_, "office"); });
  EXPECT_EQ(Journal::create(dir_, "office").error().code, Error::Code::kExists);
}

TEST_F(JournalTest, OfADeadOwnerIsNotAliveWhileSomebodyTakesItsLock) {
  die_after([&] { (void)Journal::create(dir_, "office"); });
  const auto lock = lock_file(file());
  ASSERT_TRUE(lock);
  EXPECT_FALSE(Journal::read_all(dir_)->front().is_alive);
}

TEST_F(JournalTest, SurvivesADeathAtEveryOctetOfTheLastLine) {
  die_after([&] {
    auto journal = Journal::create(dir_, "office");
    (void)journal->intend(kFirst);
    (void)journal->intend(kSecond);
  });
  const std::string whole = base_.read(std::filesystem::relative(file(), base_.path()));
  const std::size_t last = whole.rfind('\n', whole.size() - 2) + 1;
  for (std::size_t length = last; length < whole.size(); ++length) {
    std::ofstream(file(), std::ios::trunc) << whole.substr(0, length);
    auto journal = Journal::adopt(dir_, "office");
    ASSERT_TRUE(journal);
    EXPECT_EQ(journal->standing(), std::vector<HostChange>{kFirst});
    ASSERT_TRUE(journal->intend(kSecond));
    EXPECT_EQ(Journal::read_all(dir_)->front().standing, (std::vector<HostChange>{kFirst, kSecond}));
  }
}

TEST_F(JournalTest, CountsDamageAndKeepsTheRest) {
  die_after([&] {
    auto journal = Journal::create(dir_, "office");
    (void)journal->intend(kFirst);
  });
  std::ofstream(file(), std::ios::app) << "\xff\xfe nonsense\n{\"intend\":{}}\n";
  const auto records = Journal::read_all(dir_);
  EXPECT_EQ(records->front().unreadable_lines, 2U);
  EXPECT_EQ(records->front().standing, std::vector<HostChange>{kFirst});
}

TEST_F(JournalTest, DoesNotGrowWithALinkThatComesAndGoes) {
  auto journal = Journal::create(dir_, "office");
  ASSERT_TRUE(journal && journal->intend(kFirst));
  for (int round = 0; round < 1000; ++round) {
    ASSERT_TRUE(journal->intend(kSecond) && journal->mark_undone(kSecond));
  }
  EXPECT_LT(std::filesystem::file_size(file()), 64U * 1024);
  EXPECT_EQ(Journal::read_all(dir_)->front().standing, std::vector<HostChange>{kFirst});
  EXPECT_TRUE(Journal::read_all(dir_)->front().is_alive);
}

TEST_F(JournalTest, GivesEachSessionASlotOfItsOwn) {
  auto first = Journal::create(dir_, "a");
  const auto second = Journal::create(dir_, "b");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->slot(), 0U);
  EXPECT_EQ(second->slot(), 1U);
  ASSERT_TRUE(first->remove());
  EXPECT_EQ(Journal::create(dir_, "c")->slot(), 0U);
}

TEST_F(JournalTest, RefusesMoreSessionsThanThereAreSlots) {
  std::vector<Journal> all;
  for (std::uint32_t slot = 0; slot < kMaxSlots; ++slot) {
    all.push_back(*Journal::create(dir_, "s" + std::to_string(slot)));
  }
  EXPECT_EQ(Journal::create(dir_, "one-more").error().code, Error::Code::kRefused);
}

TEST_F(JournalTest, IsGoneAfterRemoval) {
  auto journal = Journal::create(dir_, "office");
  ASSERT_TRUE(journal && journal->remove());
  EXPECT_TRUE(Journal::read_all(dir_)->empty());
}

}  // namespace
}  // namespace isthmus::io
