// IPV6CP's one option, the interface identifier (RFC 5072 section 4.1).
#pragma once

#include <cstdint>
#include <optional>

#include "base/random_source.h"
#include "ppp/link_actions.h"
#include "ppp/link_options.h"
#include "ppp/option_policy.h"

namespace isthmus::ppp {

class Ipv6cpPolicy final : public OptionPolicy {
 public:
  // `random` must outlive the policy.
  Ipv6cpPolicy(const NetworkOptions& options, RandomSource& random);

  // What was agreed, once Opened; kRefused if it is not enough to carry IPv6.
  [[nodiscard]] Result<Ipv6Up> agreement() const;

  void reset() override;
  void append_request(Bytes& out) override;
  Judgement judge(const Option& option) override;
  void append_missing(const std::vector<Option>& request, Bytes& out) override;
  void grant(const std::vector<Option>& request) override;
  Result<void> nakked(const std::vector<Option>& suggested) override;
  Result<void> rejected(const std::vector<Option>& refused) override;
  [[nodiscard]] std::string describe(const Option& option) const override;

 private:
  std::uint64_t draw();

  RandomSource& random_;
  std::uint64_t wish_;
  std::uint64_t local_;
  std::uint64_t remote_ = 0;     // zero: the peer has named none
  std::uint64_t suggested_ = 0;  // the last we sent in a Nak
  bool has_appended_ = false;
};

}  // namespace isthmus::ppp
