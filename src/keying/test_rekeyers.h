// Two rekeyers with a stream between them, for tests.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/seeded_random.h"
#include "keying/rekeyer.h"

namespace isthmus::keying::testing {

using crypto::Cipher;
using esp::Generation;
using esp::Spi;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

template <typename T>
std::vector<std::pair<std::size_t, T>> of_kind(std::vector<WorkerCommand>& commands) {
  std::vector<std::pair<std::size_t, T>> found;
  for (WorkerCommand& command : commands) {
    if (auto* one = std::get_if<T>(&command.command)) found.emplace_back(command.worker, std::move(*one));
  }
  return found;
}

template <typename T>
std::size_t count(const std::vector<WorkerCommand>& commands) {
  return static_cast<std::size_t>(std::ranges::count_if(
      commands, [](const WorkerCommand& command) { return std::holds_alternative<T>(command.command); }));
}

inline RekeyerOptions options(Role role, std::size_t workers = 1) {
  RekeyerOptions options;
  options.role = role;
  options.workers = workers;
  options.wishes.ciphers = {Cipher::kAes128Gcm, Cipher::kAes256Gcm, Cipher::kChaCha20Poly1305};
  return options;
}

// Two rekeyers, the stream between them, and what their workers were told; the probes of each arrive when a
// test lets them.
class RekeyerTest : public ::testing::Test {
 protected:
  SeededRandom random_{20};
  Instant now_{seconds{1000}};
  Rekeyer caller_{options(Role::kCaller, 2), random_};
  Rekeyer called_{options(Role::kCalled, 3), random_};
  std::vector<WorkerCommand> caller_commands_, called_commands_;

  void connect() {
    const KeyingState of_caller = caller_.state(), of_called = called_.state();
    called_.stream_up(now_, of_caller);
    caller_.stream_up(now_, of_called);
  }
  void cut() {
    caller_.stream_down();
    called_.stream_down();
    (void)caller_.take_messages();
    (void)called_.take_messages();
  }
  // Whatever either end has said arrives, and what that makes the other say.
  void talk() {
    for (int turn = 0; turn < 10; ++turn) {
      caller_.advance(now_);
      called_.advance(now_);
      for (const Bytes& message : caller_.take_messages()) (void)called_.hear(now_, message);
      for (const Bytes& message : called_.take_messages()) (void)caller_.hear(now_, message);
    }
    collect();
  }
  void collect() {
    for (WorkerCommand& command : caller_.take_commands()) caller_commands_.push_back(std::move(command));
    for (WorkerCommand& command : called_.take_commands()) called_commands_.push_back(std::move(command));
  }
  void pass(Duration time) {
    now_ += time;
    talk();
  }
  // The probes that `from` was told to send arrive, and their echoes too.
  void deliver_probes(Rekeyer& from, Rekeyer& to, std::vector<WorkerCommand>& commands) {
    for (const auto& [worker, probe] : of_kind<esp::SendProbe>(commands)) {
      to.probe_arrived(now_, {probe.generation, {}, 0});
      EXPECT_TRUE(from.echo_arrived(now_, {probe.generation, probe.token, 0, {}}));
    }
    std::erase_if(commands, [](const WorkerCommand& command) {
      return std::holds_alternative<esp::SendProbe>(command.command);
    });
  }
  void prove() {
    deliver_probes(caller_, called_, caller_commands_);
    talk();
    deliver_probes(called_, caller_, called_commands_);
    talk();
  }
  void have_path() {
    caller_.path_known(now_, true);
    called_.path_known(now_, true);
    talk();
  }
  // A first generation in use in both directions.
  void settle() {
    connect();
    talk();
    have_path();
    prove();
    ASSERT_EQ(caller_.outward(), Generation{1});
    ASSERT_EQ(called_.outward(), Generation{1});
    caller_commands_.clear();
    called_commands_.clear();
  }
  void ask_for_keys() {
    caller_.limit_reached(now_, {caller_.live().back().number(), false});
    talk();
  }
  static std::vector<std::uint32_t> numbers(const Rekeyer& rekeyer) {
    std::vector<std::uint32_t> numbers;
    for (const LiveGeneration& one : rekeyer.live()) numbers.push_back(std::to_underlying(one.number()));
    return numbers;
  }
  // The offer that the caller makes when it may, as it crosses the stream.
  KeyOffer take_offer() {
    caller_.advance(now_);
    const std::vector<Bytes> messages = caller_.take_messages();
    EXPECT_EQ(messages.size(), 1U);
    return std::get<KeyOffer>(decode_key_message(messages.at(0)).value());
  }
  KeyRefusal::Reason refusal_of(const KeyOffer& offer) {
    EXPECT_FALSE(called_.hear(now_, encode(offer)));
    const std::vector<Bytes> messages = called_.take_messages();
    EXPECT_EQ(messages.size(), 1U);
    return std::get<KeyRefusal>(decode_key_message(messages.at(0)).value()).reason;
  }
};

}  // namespace isthmus::keying::testing
