// LCP's options (RFC 1661 section 6, RFC 1662 section 7): what we ask, what the peer may have, what was
// agreed.
#pragma once

#include <cstdint>

#include "base/random_source.h"
#include "ppp/frame.h"
#include "ppp/link_options.h"
#include "ppp/option_policy.h"

namespace isthmus::ppp {

inline constexpr std::uint16_t kDefaultMru = 1500;
// Our own magic number this many times in a row in the peer's requests: 2^-96 by chance, so the line is
// looped back. It has to lie below Max-Failure, which would end the exchange without a name for it.
inline constexpr int kLoopbackSightings = 3;

class LcpPolicy final : public OptionPolicy {
 public:
  // What the peer's acked request says about sending to it.
  struct PeerValues {
    std::uint16_t mru = kDefaultMru;
    FramingOptions framing;
    std::uint32_t magic = 0;
  };

  // `random` must outlive the policy.
  LcpPolicy(const LinkOptions& options, RandomSource& random);

  [[nodiscard]] const PeerValues& peer() const { return peer_; }
  // Ours, or zero if it is not negotiated: what Echo packets carry (RFC 1661 section 5.8).
  [[nodiscard]] std::uint32_t magic() const { return asks_magic_ ? magic_ : 0; }
  // The control characters the peer escapes towards us.
  [[nodiscard]] std::uint32_t receive_accm() const { return asks_accm_ ? accm_ : 0xffffffff; }
  [[nodiscard]] bool is_looped_back() const { return sightings_ >= kLoopbackSightings; }

  void reset() override;
  void append_request(Bytes& out) override;
  Judgement judge(const Option& option) override;
  void append_missing(const std::vector<Option>& request, Bytes& out) override;
  void grant(const std::vector<Option>& request) override;
  Result<void> nakked(const std::vector<Option>& suggested) override;
  Result<void> rejected(const std::vector<Option>& refused) override;
  [[nodiscard]] std::string describe(const Option& option) const override;

 private:
  Judgement judge_mru(const Option& option) const;
  Judgement judge_magic(const Option& option);
  void take_suggestion(const Option& option);
  void take_magic(std::uint32_t suggested);
  std::uint32_t draw_magic();

  LinkOptions wishes_;
  RandomSource& random_;
  std::uint16_t minimum_mru_;
  // What we ask now.
  bool asks_mru_ = false, asks_accm_ = false, asks_magic_ = false, asks_pfc_ = false, asks_acfc_ = false;
  std::uint16_t mru_ = kDefaultMru;
  std::uint32_t accm_ = 0;
  std::uint32_t magic_ = 0;
  std::uint32_t nakked_magic_ = 0;  // the last we suggested to the peer
  int sightings_ = 0;
  PeerValues peer_;
};

}  // namespace isthmus::ppp
