// Pings, many at a time and without blocking: the proof that packets cross.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/unique_fd.h"
#include "net/address.h"

namespace isthmus::io {

struct ProbeRequest {
  std::optional<IpAddress> source;  // one of this machine's, else the kernel chooses
  IpAddress target;                 // of the same family
  std::string interface;            // leave by it whatever the routes say, unless empty
  std::uint32_t answers_by = 0;     // index of an interface: an answer that came in elsewhere is none; 0: any
  // The first packets over a fresh pppd are lost: ask a few times before believing in silence.
  int attempts = 5;
  Duration interval = std::chrono::milliseconds{400};  // between attempts, and after the last one
};

struct ProbeOutcome {
  std::uint32_t id = 0;
  ProbeRequest request;
  bool is_answered = false;
  Duration round_trip{};  // of the answered attempt
  int attempts_made = 0;
  std::optional<IpAddress> refuser;  // who answered that the target cannot be reached
  std::string reason;                // why not answered, for a person
};

class IcmpProber {
 public:
  // Needs CAP_NET_RAW. A machine without IPv6 gets a prober for IPv4.
  static Result<IcmpProber> open();

  // One or two descriptors; when one is readable, call receive().
  [[nodiscard]] std::vector<int> fds() const;

  // Sends the first attempt; the outcome, also of a failure to send, comes by take_outcomes(). Returns its
  // id.
  std::uint32_t probe(Instant now, const ProbeRequest& request);
  // Forgets every probe, finished or not.
  void drop_all();
  void receive(Instant now);
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  void advance(Instant now);
  // Finished probes, in the order they finished.
  [[nodiscard]] std::vector<ProbeOutcome> take_outcomes();

 private:
  struct Pending {
    ProbeOutcome outcome;
    Instant next;  // attempt, or the end of waiting
  };
  struct Attempt {
    std::uint32_t id = 0;  // of its probe, which is pending
    Instant sent;
  };

  IcmpProber(UniqueFd v4, UniqueFd v6, std::uint16_t identifier)
      : v4_(std::move(v4)), v6_(std::move(v6)), identifier_(identifier) {}
  void send_attempt(Instant now, std::uint32_t id);
  void receive_from(int fd, Family family, Instant now);
  void on_reply(Instant now, std::uint16_t sequence, const IpAddress& sender, std::uint32_t arrived_by);
  void on_refusal(std::uint16_t sequence, const IpAddress& sender, const std::string& reason);
  void finish(std::uint32_t id);

  UniqueFd v4_;
  UniqueFd v6_;
  std::uint16_t identifier_;
  std::uint32_t next_id_ = 1;
  std::uint16_t next_sequence_ = 1;
  std::map<std::uint32_t, Pending> pending_;
  std::map<std::uint16_t, Attempt> attempts_;  // by sequence number
  std::vector<ProbeOutcome> finished_;
};

}  // namespace isthmus::io
