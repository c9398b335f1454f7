// Two Rekeyers under a virtual clock, with a stream that breaks and datagrams that get lost: whatever
// happens, both come to send by keys that the other has.
#include "keying/rekeyer.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "base/seeded_random.h"
#include "seeds.h"

namespace isthmus::keying {
namespace {

using esp::Generation;
using esp::Spi;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Sa {
  Generation generation{};
  Bytes key;
};

// What a worker has been told.
struct Worker {
  std::map<Spi, Sa> inbound;
  std::map<Generation, std::pair<Spi, Bytes>> outbound;
  std::optional<Generation> in_use;
};

Bytes key_of(const esp::SaParameters& sa) {
  const ConstBytes key = sa.key.reveal();
  Bytes octets(key.begin(), key.end());
  octets.insert(octets.end(), sa.salt.begin(), sa.salt.end());
  return octets;
}

struct Probe {
  std::size_t worker = 0;
  esp::SendProbe command;
};

struct End {
  End(RekeyerOptions wishes, RandomSource& source)
      : options(std::move(wishes)), random(&source), rekeyer(options, source), workers(options.workers) {}

  RekeyerOptions options;
  RandomSource* random;
  Rekeyer rekeyer;
  std::vector<Worker> workers;
  std::vector<Probe> probes;
  std::set<Bytes> keys_ever;  // of outbound SAs

  void apply(std::size_t worker, esp::InstallInbound& install) {
    EXPECT_EQ(worker, esp::worker_of(install.sa.spi, static_cast<unsigned>(workers.size())));
    const bool is_new =
        workers[worker].inbound.emplace(install.sa.spi, Sa{install.generation, key_of(install.sa)}).second;
    EXPECT_TRUE(is_new) << "an SPI clashes";
  }
  void apply(std::size_t worker, esp::InstallOutbound& install) {
    EXPECT_TRUE(keys_ever.insert(key_of(install.sa)).second) << "a key comes twice";
    workers[worker].outbound[install.generation] = {install.sa.spi, key_of(install.sa)};
  }
  void apply(std::size_t worker, esp::UseOutbound& use) {
    EXPECT_TRUE(workers[worker].outbound.contains(use.generation));
    workers[worker].in_use = use.generation;
  }
  void apply(std::size_t worker, esp::RetireOutbound& retire) {
    EXPECT_NE(workers[worker].in_use, retire.generation) << "packets go by what is retired";
    workers[worker].outbound.erase(retire.generation);
  }
  void apply(std::size_t worker, esp::Retire& retire) {
    Worker& one = workers[worker];
    one.outbound.erase(retire.generation);
    std::erase_if(one.inbound, [&](const auto& sa) { return sa.second.generation == retire.generation; });
    if (one.in_use == retire.generation) one.in_use.reset();
  }
  void apply(std::size_t worker, esp::SendProbe& probe) { probes.push_back({worker, probe}); }
  template <typename Other>
  void apply(std::size_t, Other&) {
    ADD_FAILURE() << "a command that is not the Rekeyer's";
  }

  void follow() {
    for (WorkerCommand& command : rekeyer.take_commands())
      std::visit([&](auto& one) { apply(command.worker, one); }, command.command);
  }
  void restart() {
    rekeyer = Rekeyer{options, *random};
    workers.assign(options.workers, {});
    probes.clear();
  }
  [[nodiscard]] std::size_t generations() const {
    std::set<Generation> all;
    for (const Worker& worker : workers) {
      for (const auto& [spi, sa] : worker.inbound) all.insert(sa.generation);
    }
    return all.size();
  }
};

RekeyerOptions options(Role role, std::size_t workers) {
  RekeyerOptions options;
  options.role = role;
  options.workers = workers;
  options.wishes.ciphers = {crypto::Cipher::kAes128Gcm, crypto::Cipher::kChaCha20Poly1305};
  return options;
}

class World {
 public:
  World(std::uint64_t seed, std::size_t caller_workers, std::size_t called_workers)
      : engine_(seed),
        random_(seed + 1),
        caller_(options(Role::kCaller, caller_workers), random_),
        called_(options(Role::kCalled, called_workers), random_) {
    for (End* end : {&caller_, &called_}) end->rekeyer.path_known(now_, true);
    connect();
  }

  // `loss` of probes and echoes in a hundred. Messages take a tenth of a second to cross.
  void step(unsigned loss) {
    now_ += milliseconds{50};
    exchange(caller_, called_, to_called_);
    exchange(called_, caller_, to_caller_);
    carry(caller_, called_, loss);
    carry(called_, caller_, loss);
    check(caller_, called_);
    check(called_, caller_);
  }
  // From now on an offer may come sooner after the last one than the called end likes.
  void lose_stream() {
    is_disrupted_ = true;
    caller_.rekeyer.stream_down();
    called_.rekeyer.stream_down();
    to_caller_.clear();
    to_called_.clear();
  }
  void connect() {
    const KeyingState of_caller = caller_.rekeyer.state(), of_called = called_.rekeyer.state();
    called_.rekeyer.stream_up(now_, of_caller);
    caller_.rekeyer.stream_up(now_, of_called);
  }
  void restart(bool is_caller) {
    lose_stream();
    End& end = is_caller ? caller_ : called_;
    end.restart();
    end.rekeyer.path_known(now_, true);
    connect();
  }
  void ask_for_keys() {
    if (!caller_.rekeyer.live().empty())
      caller_.rekeyer.limit_reached(now_, {caller_.rekeyer.live().back().number(), false});
  }
  bool chance(unsigned percent) { return engine_() % 100 < percent; }
  [[nodiscard]] const End& caller() const { return caller_; }
  [[nodiscard]] const End& called() const { return called_; }
  [[nodiscard]] Instant now() const { return now_; }

 private:
  struct OnTheWay {
    Instant at;
    Bytes message;
  };

  void exchange(End& from, End& to, std::vector<OnTheWay>& stream) {
    from.rekeyer.advance(now_);
    from.follow();
    for (Bytes& message : from.rekeyer.take_messages())
      stream.push_back({now_ + milliseconds{100}, std::move(message)});
    while (!stream.empty() && stream.front().at <= now_) {
      const Bytes message = std::move(stream.front().message);
      stream.erase(stream.begin());
      const Result<void> heard = to.rekeyer.hear(now_, message);
      EXPECT_TRUE(heard || is_disrupted_) << heard.error().message;
    }
    to.follow();
  }
  // A probe that finds its SA at the other end is echoed by the worker that has it.
  void carry(End& from, End& to, unsigned loss) {
    for (const Probe& probe : std::exchange(from.probes, {})) {
      const auto sent = from.workers[probe.worker].outbound.find(probe.command.generation);
      if (sent == from.workers[probe.worker].outbound.end() || chance(loss)) continue;
      if (!arrives(to, sent->second)) continue;
      to.rekeyer.probe_arrived(now_, {probe.command.generation, {}, 0});
      if (chance(loss)) continue;
      from.rekeyer.echo_arrived(now_, {probe.command.generation, probe.command.token, 0, {}});
    }
    from.follow();
    to.follow();
  }
  static bool arrives(const End& to, const std::pair<Spi, Bytes>& sent) {
    const Worker& worker = to.workers[esp::worker_of(sent.first, static_cast<unsigned>(to.workers.size()))];
    const auto found = worker.inbound.find(sent.first);
    return found != worker.inbound.end() && found->second.key == sent.second;
  }
  // What is sent now would be opened.
  void check(const End& from, const End& to) {
    EXPECT_LE(from.generations(), kMaxLive);
    for (const Worker& worker : from.workers) {
      if (!worker.in_use) continue;
      const auto sent = worker.outbound.find(*worker.in_use);
      ASSERT_NE(sent, worker.outbound.end());
      EXPECT_TRUE(arrives(to, sent->second)) << "packets go by keys that the other end does not have";
    }
  }

  std::mt19937_64 engine_;
  SeededRandom random_;
  Instant now_{seconds{100}};
  End caller_, called_;
  bool is_disrupted_ = false;
  std::vector<OnTheWay> to_caller_, to_called_;
};

TEST(RekeySimulation, ChangesKeysEverySecondUnderLossOfProbes) {
  for (std::uint64_t seed = 1; seed <= session::testing::seeds(100); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    World world{seed, 1 + seed % 4, 1 + seed % 3};
    for (int i = 0; i < 20 * 60; ++i) {
      world.ask_for_keys();
      world.step(20);
      if (HasFatalFailure()) return;
    }
    EXPECT_GT(world.caller().keys_ever.size(), 20 * world.caller().workers.size());
  }
}

TEST(RekeySimulation, MakesOneGenerationASecondWhereNothingIsLost) {
  World world{1, 2, 2};
  for (int i = 0; i < 20 * 60; ++i) {
    world.ask_for_keys();
    world.step(0);
  }
  const std::size_t generations = world.caller().keys_ever.size() / 2;
  EXPECT_LE(generations, 60U);
  EXPECT_GE(generations, 40U);
}

TEST(RekeySimulation, RetiresTheOldWithinTenSecondsOfTheTakeover) {
  for (std::uint64_t seed = 1; seed <= session::testing::seeds(100); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    World world{seed, 2, 3};
    for (int i = 0; i < 100; ++i) world.step(0);
    world.ask_for_keys();
    for (int i = 0; i < 20 * 60; ++i) world.step(10);
    EXPECT_EQ(world.caller().generations(), 1U);
    EXPECT_EQ(world.called().generations(), 1U);
  }
}

TEST(RekeySimulation, AgreesAfterWhateverHappensToStreamAndProcesses) {
  for (std::uint64_t seed = 1; seed <= session::testing::seeds(1000); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    World world{seed, 1 + seed % 3, 1 + seed % 2};
    for (int i = 0; i < 400; ++i) {
      if (world.chance(10)) world.ask_for_keys();
      if (world.chance(3)) {
        world.lose_stream();
        for (int lost = 0; lost < 5; ++lost) world.step(30);
        world.connect();
      }
      if (world.chance(1)) world.restart(world.chance(50));
      world.step(30);
      if (HasFatalFailure()) return;
    }
    for (int i = 0; i < 20 * 30; ++i) world.step(0);
    ASSERT_TRUE(world.caller().rekeyer.outward());
    EXPECT_EQ(world.caller().rekeyer.outward(), world.called().rekeyer.outward());
    EXPECT_EQ(world.caller().rekeyer.state().live, world.called().rekeyer.state().live);
  }
}

}  // namespace
}  // namespace isthmus::keying
