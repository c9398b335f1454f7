// Which keys the datagram path has: exchanges new ones over the ssh stream, has them installed ahead, takes
// them into use once probes have proven them, and retires the old. docs/design/keying.md has its states and
// timers. Pure: events and messages in; messages and commands for the workers out. Not thread-safe.
#pragma once

#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/random_source.h"
#include "base/result.h"
#include "base/time.h"
#include "crypto/key_exchange.h"
#include "esp/tunnel_event.h"
#include "keying/exchange.h"
#include "keying/key_message.h"
#include "keying/live_generation.h"

namespace isthmus::keying {

inline constexpr Duration kRekeyAfter = std::chrono::minutes{10};  // the soft limit of time
inline constexpr Duration kStopAfter = 2 * kRekeyAfter;            // the hard one
inline constexpr Duration kLeastPause = std::chrono::seconds{1};   // between two exchanges
inline constexpr Duration kLinger = std::chrono::seconds{10};      // of old inbound SAs
inline constexpr Duration kProofInterval =
    std::chrono::milliseconds{500};  // between probes of an unproven SA
// The called end's first probes wait for the caller's, which show that the answer has come, but no longer
// than this.
inline constexpr Duration kProofDelay = std::chrono::milliseconds{250};
inline constexpr Duration kRefusalPause = std::chrono::seconds{10};  // before the next offer
inline constexpr std::size_t kMaxLive = 2;
// How far beyond what we know a peer's highest number may lie: each stream that breaks between two hellos
// leaves a difference of one.
inline constexpr std::uint32_t kMostAhead = 1024;
// Beyond, two ends that hold nothing in common count from the beginning.
inline constexpr std::uint32_t kMostToBeginWith = 0x80000000;

struct RekeyerOptions {
  Role role = Role::kCaller;
  std::size_t workers = 1;  // ours, 1 to kMaxWorkers
  CipherWishes wishes;
  Duration rekey_after = kRekeyAfter;
  Duration stop_after = kStopAfter;
};

// What an end tells of its keys at the start of a stream, so that both come to hold the same.
struct KeyingState {
  std::size_t workers = 1;
  esp::Generation highest{};  // of all it ever heard of
  std::vector<esp::Generation> live;
  friend bool operator==(const KeyingState&, const KeyingState&) = default;
};

class Rekeyer {
 public:
  // `random` must outlive the rekeyer; of a live session it is the system's.
  Rekeyer(RekeyerOptions options, RandomSource& random);

  // --- Inputs. Each may queue messages and commands.

  // What to tell the peer before anything else on a new stream.
  [[nodiscard]] KeyingState state() const;
  // The first that the peer says on a stream. Generations that only one end holds are retired.
  void stream_up(Instant now, const KeyingState& peer);
  void stream_down();
  // One message for which is_key_message() holds. An error says why it meant nothing; it is for the log.
  Result<void> hear(Instant now, ConstBytes message);
  // Whether probes have anywhere to go: SetRemote was given to all workers.
  void path_known(Instant now, bool is_known);
  // True if the echo was of a probe of ours.
  bool echo_arrived(Instant now, const esp::EchoArrived& echo);
  void probe_arrived(Instant now, const esp::ProbeArrived& probe);
  void limit_reached(Instant now, const esp::LimitReached& limit);
  // Retires everything.
  void retire_all();

  // The caller sleeps until next_deadline() and then calls advance().
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  void advance(Instant now);

  // --- Outputs, oldest first; each empties its queue.

  [[nodiscard]] std::vector<Bytes> take_messages();  // for VSNP
  [[nodiscard]] std::vector<WorkerCommand> take_commands();

  // --- What is known.

  // The generation that all our packets go by, if they go as datagrams.
  [[nodiscard]] std::optional<esp::Generation> outward() const;
  // That of a probe of the path: outward(), or else the newest there is.
  [[nodiscard]] std::optional<esp::Generation> for_probes() const;
  [[nodiscard]] bool has_outbound(esp::Spi spi) const;
  // Oldest first.
  [[nodiscard]] const std::vector<LiveGeneration>& live() const { return live_; }
  // The peer's no to our last offer, if it stands.
  [[nodiscard]] std::optional<KeyRefusal::Reason> refusal() const { return refusal_; }

 private:
  // Sent, and not answered yet.
  struct Offered {
    KeyOffer offer;
    crypto::KeyPair key_pair;
    Bytes octets;
    Instant next_at{};  // the earliest next exchange
  };

  Result<void> on(Instant now, const KeyOffer& offer, ConstBytes octets);
  Result<void> on(Instant now, const KeyAnswer& answer, ConstBytes octets);
  Result<void> on(Instant now, const KeyRefusal& refusal);
  Result<void> on(Instant now, const KeyDone& done);
  [[nodiscard]] Result<void> check(const KeyOffer& offer, const KeyAnswer& answer) const;
  Result<void> refuse(const KeyOffer& offer, KeyRefusal::Reason reason);
  Result<void> accept(Instant now, const KeyOffer& offer, ConstBytes octets);
  void install(Instant now, NewGeneration generation, const KeySchedule& keys);
  void begin(Instant now);
  void prove(Instant now, LiveGeneration& generation);
  void take_over(Instant now, LiveGeneration& generation, std::size_t worker);
  void check_complete(Instant now);
  void say_done(const LiveGeneration& generation);
  [[nodiscard]] bool make_room_for_offer();
  void agree_on_highest(std::uint32_t peers);
  void retire(esp::Generation number);
  [[nodiscard]] std::optional<Instant> begin_at() const;
  void prove_if_due(Instant now);
  [[nodiscard]] std::optional<Instant> proof_at() const;
  [[nodiscard]] LiveGeneration* find(esp::Generation number);
  [[nodiscard]] std::vector<esp::Spi> live_spis(std::vector<esp::Spi> NewGeneration::* side) const;

  RekeyerOptions options_;
  RandomSource* random_;
  std::optional<KeyingState> peer_;  // while there is a stream, and the peer has spoken
  std::optional<Offered> offered_;
  std::vector<LiveGeneration> live_;
  std::uint32_t highest_ = 0;
  Instant not_before_{};  // the next exchange
  std::optional<KeyRefusal::Reason> refusal_;
  bool is_path_known_ = false;
  std::vector<Bytes> messages_;
  std::vector<WorkerCommand> commands_;
};

}  // namespace isthmus::keying
