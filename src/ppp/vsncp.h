// VSNCP's options under our OUI (RFC 3772; the options are ours): version and capabilities.
#pragma once

#include <cstdint>

#include "net/packet.h"
#include "ppp/link_actions.h"
#include "ppp/option_policy.h"

namespace isthmus::ppp {

// Locally administered, until one of IANA's CF0000 series is registered (RFC 3772 section 5).
inline constexpr std::uint32_t kOui = 0x024953;
// The version of the VSNP messages we speak; each end announces its highest, the lower one holds.
inline constexpr std::uint32_t kVsnpVersion = 1;
// Capabilities: each counts where both ends have it. Super-packets come in messages longer than the MRU, of
// at most kMaxLongMessage octets; reports say how many octets of the stream have arrived;
// datagrams are ESP in UDP beside the stream.
inline constexpr std::uint32_t kSuperPackets = 0x1;
inline constexpr std::uint32_t kReceiveReports = 0x2;
inline constexpr std::uint32_t kDatagrams = 0x4;
inline constexpr std::size_t kMaxLongMessage = 4 + kMaxPacket;

class VsncpPolicy final : public OptionPolicy {
 public:
  explicit VsncpPolicy(std::uint32_t capabilities) : capabilities_(capabilities) { reset(); }

  // The peer's values; what it did not name has its default, version 1 and no capability.
  [[nodiscard]] VsncpUp agreement() const { return peer_; }

  void reset() override;
  void append_request(Bytes& out) override;
  Judgement judge(const Option& option) override;
  void append_missing(const std::vector<Option>& request, Bytes& out) override;
  void grant(const std::vector<Option>& request) override;
  Result<void> nakked(const std::vector<Option>& suggested) override;
  Result<void> rejected(const std::vector<Option>& refused) override;
  [[nodiscard]] std::string describe(const Option& option) const override;

 private:
  std::uint32_t capabilities_;
  std::uint32_t version_ = kVsnpVersion;
  bool asks_version_ = true;
  bool asks_capabilities_ = true;
  VsncpUp peer_{kVsnpVersion, 0};
};

}  // namespace isthmus::ppp
