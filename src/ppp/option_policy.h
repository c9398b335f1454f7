// What a control protocol wishes and permits, option by option. The Negotiator asks it; LCP, IPCP, IPV6CP and
// VSNCP each have one.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "ppp/control_packet.h"

namespace isthmus::ppp {

// What we think of one option of the peer's Configure-Request.
struct Judgement {
  enum class Verdict : std::uint8_t { kAck, kNak, kReject };
  Verdict verdict = Verdict::kReject;
  Bytes suggestion;  // for kNak: the value we would accept

  static Judgement ack() { return {Verdict::kAck, {}}; }
  static Judgement nak(Bytes suggestion) { return {Verdict::kNak, std::move(suggestion)}; }
  static Judgement reject() { return {}; }
};

class OptionPolicy {
 public:
  virtual ~OptionPolicy() = default;

  // A negotiation begins, perhaps with the request that is judged next: forget what the peer asked for in the
  // one before, and what its Naks and Rejects made of our wishes.
  virtual void reset() = 0;
  // Appends the options of our next Configure-Request.
  virtual void append_request(Bytes& out) = 0;
  // Judges one option of the peer's request; the first of its type in that request.
  virtual Judgement judge(const Option& option) = 0;
  // Appends the options we want the peer to ask for that are not in `request` (RFC 1661 section 5.3).
  virtual void append_missing(const std::vector<Option>& request, Bytes& out) = 0;
  // The whole request is being acked: its values are the peer's now, and what it lacks has its default.
  virtual void grant(const std::vector<Option>& request) = 0;
  // The peer refused the values of ours that are named, and suggests these; options may be unasked for. An
  // Error ends the negotiation.
  virtual Result<void> nakked(const std::vector<Option>& suggested) = 0;
  // The peer refuses to negotiate these options of ours. They must not be asked again before reset(). An
  // Error ends the negotiation.
  virtual Result<void> rejected(const std::vector<Option>& refused) = 0;

  // One option in plain words: "MRU 1400".
  [[nodiscard]] virtual std::string describe(const Option& option) const = 0;
};

// "option 17 of 4 octets", for what a policy has no word for.
[[nodiscard]] std::string describe_unknown(const Option& option);
[[nodiscard]] bool contains(const std::vector<Option>& options, std::uint8_t type);

}  // namespace isthmus::ppp
