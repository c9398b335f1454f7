// Whose word counts: what a peer may have, judged as typed values against what is written here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "config/commands.h"
#include "config/datagram_words.h"
#include "net/endpoint.h"
#include "net/host_facts.h"
#include "net/prefix.h"
#include "ppp/link.h"
#include "session/message.h"

namespace isthmus::config {

// How long a called end keeps a lost session's routes when its peer file says nothing.
inline constexpr Duration kDefaultAttachHold = std::chrono::seconds{60};

enum class PolicyOrigin : std::uint8_t {
  kCommandLine,  // the caller's own flags
  kPeerFile,     // /etc/isthmus/peers/NAME.toml
  kAdopted,      // a direct root login's request, less what policy.toml denies
};

// What one end permits the other, from whichever source.
struct PeerPolicy {
  PolicyOrigin origin = PolicyOrigin::kCommandLine;
  std::string name;             // of the peer file, or of the session
  std::vector<Prefix> offers;   // ours, announced
  std::vector<Prefix> accepts;  // the peer's, let in
  std::vector<Prefix> denies;   // kAdopted: never, whoever asks

  AddressPair ipv4;  // ours and the peer's, when written down
  AddressPair ipv6;
  std::vector<IpAddress> assign;        // for callers that ask for an address
  std::vector<IpAddress> hosts;         // targets of the proof
  std::vector<std::string> sudo_users;  // who may choose this file through sudo
  std::string interface;
  std::optional<std::uint16_t> mtu;
  session::PathMode path = session::PathMode::kAuto;
  std::vector<crypto::Cipher> ciphers = kDefaultCiphers;
  std::optional<std::uint16_t> udp_port;  // empty: a called end takes the number its ssh answered on
  session::SoftLimits soft_limits;        // of a caller, who begins all exchanges of keys
  bool proxy_arp = false, masquerade = false;
  bool guard = true;
  std::optional<Duration> hold;
  friend bool operator==(const PeerPolicy&, const PeerPolicy&) = default;
};

// /etc/isthmus/policy.toml; its absence means the defaults.
struct SitePolicy {
  bool adopt_root = true;
  std::vector<Prefix> deny;
  friend bool operator==(const SitePolicy&, const SitePolicy&) = default;
};

PeerPolicy policy_from_options(const UpOptions& options);
// A direct root login's own request; only for PeerChoice::kAdopt. Denied prefixes stay out of `offers`.
PeerPolicy adopt_request(const session::Hello& hello, const SitePolicy& site);
// Those of a caller's wants that adopt_request() leaves out, each as a sentence with the line that forbids
// it.
std::vector<std::string> forbidden_wants(const session::Hello& hello, const SitePolicy& site);

// ---- which policy a called end uses ----
struct AttachContext {
  std::optional<std::string> peer_flag;  // attach --peer
  bool is_root = false;                  // effective user; without it there is nothing to decide
  bool is_root_login = false;            // ssh logged in root itself, as the kernel shows
  std::string sudo_user;                 // who became root by sudo or its like; empty if nobody did
  bool has_forced_command = false;       // SSH_ORIGINAL_COMMAND is set
};
struct PeerChoice {
  enum class Kind : std::uint8_t { kFile, kAdopt };
  Kind kind = Kind::kFile;
  std::string name;                           // kFile: the file is NAME.toml
  std::optional<std::string> must_be_listed;  // kFile through sudo: a user whom `sudo_users` must hold
};
// kRefused with the line that would permit it. Opens no file.
Result<PeerChoice> select_peer(const AttachContext& context, const SitePolicy& site);
// The second half of the decision, when the file has been read.
Result<void> check_listed(const PeerChoice& choice, const PeerPolicy& policy);

// ---- which session a called end's stream may join ----
struct StandingSession {
  std::string name;
  PolicyOrigin origin = PolicyOrigin::kCommandLine;
  bool is_named = false;         // kCommandLine: --name was given
  std::vector<IpAddress> outer;  // kCommandLine: what ssh itself is connected to
};
struct JoiningStream {
  std::string peer_file;            // empty: adopted
  std::optional<IpAddress> client;  // where its login comes from, as the kernel shows it
};
// kRefused where the session has its policy from elsewhere, or nothing shows that both have the same far end.
Result<void> check_joins(const StandingSession& session, const JoiningStream& stream);
// What `up`'s own words permit a peer beyond its file, each as a sentence.
std::vector<std::string> beyond_file(const PeerPolicy& words, const PeerPolicy& file);

// ---- prefixes ----
struct JudgeContext {
  std::vector<Endpoint> outer;  // remote ends of the ssh connection, jump hosts too
  std::uint32_t own_table = 0;  // this session's: routes in our other tables are other sessions'
};
struct Judgement {
  std::vector<session::Answer::Verdict> verdicts;  // one for each offer, in order
  [[nodiscard]] std::vector<Prefix> accepted() const;
  [[nodiscard]] bool refused_any() const;
};
Judgement judge_offers(const std::vector<Prefix>& offers, const PeerPolicy& policy, const HostFacts& facts,
                       const JudgeContext& context);
// Those of our `wants` that the peer's `offers` do not serve, each as a sentence with the line to add there.
std::vector<std::string> unserved_wants(const PeerPolicy& policy, const std::vector<Prefix>& peer_offers);
// Those of the policy's offers that nothing on this machine leads to, a default route left out, each as a
// sentence. Where an address is written for a family its offers are believed.
std::vector<std::string> unled_offers(const PeerPolicy& policy, const HostFacts& facts,
                                      std::uint32_t own_table);
// IPv4 networks of this machine in which a caller without one may be given an address: those offered, and
// where everything is, the inner ones.
std::vector<Prefix> lendable_networks(const PeerPolicy& policy, const HostFacts& facts,
                                      const std::vector<Endpoint>& outer);

// ---- addresses ----
// Unnumbered unless written down: our own address in the first offered network that has one.
struct TunnelAddresses {
  AddressPair ipv4;
  AddressPair ipv6;
};
TunnelAddresses choose_addresses(const PeerPolicy& policy, const HostFacts& facts);

// Remote: a unicast host, not ours, in what is accepted, or written down, or assigned. Local on the peer's
// suggestion: only where none is written down, and not in conflict with what this machine has.
class PeerAddressPolicy : public ppp::AddressPolicy {
 public:
  // `own_table` is the session's: what other sessions' tables say of an address makes it theirs.
  PeerAddressPolicy(PeerPolicy policy, HostFacts facts, std::uint32_t own_table = 0);
  [[nodiscard]] bool permits_remote(const IpAddress& address) const override;
  [[nodiscard]] bool permits_local(const IpAddress& address) const override;

 private:
  PeerPolicy policy_;
  HostFacts facts_;
  std::uint32_t own_table_;
};

}  // namespace isthmus::config
