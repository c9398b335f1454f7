// IPCP's options (RFC 1332 section 3, RFC 1877): addresses and DNS servers.
#pragma once

#include <array>
#include <optional>

#include "net/address.h"
#include "ppp/link_actions.h"
#include "ppp/link_options.h"
#include "ppp/option_policy.h"

namespace isthmus::ppp {

class IpcpPolicy final : public OptionPolicy {
 public:
  // `policy` must outlive this.
  IpcpPolicy(NetworkOptions options, const AddressPolicy& policy);

  // What was agreed, once Opened; kRefused if it is not enough to carry IPv4: an address is missing, or both
  // ends have the same.
  [[nodiscard]] Result<Ipv4Up> agreement() const;

  // Whether the peer named no address because we refused the one it wanted.
  [[nodiscard]] bool has_refused_peer() const { return refused_ && remote_.is_unspecified(); }

  void reset() override;
  void append_request(Bytes& out) override;
  Judgement judge(const Option& option) override;
  void append_missing(const std::vector<Option>& request, Bytes& out) override;
  void grant(const std::vector<Option>& request) override;
  Result<void> nakked(const std::vector<Option>& suggested) override;
  Result<void> rejected(const std::vector<Option>& refused) override;
  [[nodiscard]] std::string describe(const Option& option) const override;

 private:
  struct DnsWish {
    bool is_asked = false;
    IpAddress server;  // unspecified until the peer names one
  };

  Judgement judge_address(const Option& option);
  Judgement judge_dns(const Option& option) const;
  [[nodiscard]] bool may_be_remote(const IpAddress& address) const;
  Result<void> take_local(const IpAddress& suggested);
  DnsWish* dns_wish(std::uint8_t type);

  NetworkOptions options_;
  const AddressPolicy& policy_;
  IpAddress local_;                    // unspecified: we ask the peer for one
  IpAddress remote_;                   // unspecified: the peer has named none
  std::optional<IpAddress> refused_;   // the last the peer wanted for itself in vain
  bool has_rejected_address_ = false;  // its option: it is not asked for one in this negotiation
  std::array<DnsWish, 2> dns_;
};

}  // namespace isthmus::ppp
