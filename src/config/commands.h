// What a command line means, as values: one struct a command.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "config/destination.h"
#include "config/greeting.h"
#include "config/ppp_options.h"
#include "net/address.h"
#include "net/prefix.h"
#include "session/path_options.h"
#include "session/soft_limits.h"

namespace isthmus::config {

struct AddressPair {
  std::optional<IpAddress> local;
  std::optional<IpAddress> remote;
  friend bool operator==(const AddressPair&, const AddressPair&) = default;
};

// "192.168.0.1:192.168.0.2" or "[2001:db8::1]:[2001:db8::2]"; either side may be empty, not both.
Result<AddressPair> parse_address_pair(std::string_view text);

// `up` and `plan`. Names, prefixes and addresses have been checked; files have not been looked at.
struct UpOptions {
  Destination destination;                // its port holds -p too
  std::vector<std::string> identities;    // -i
  std::optional<std::string> jump;        // -J
  std::optional<std::string> ssh_config;  // -F
  std::vector<std::string> ssh_options;   // -o, each "Key=value" or "Key value"; permitted ones only
  std::vector<std::string> ssh_words;     // -e, split; empty: the system's ssh
  std::optional<std::string> remote_command;

  std::vector<Prefix> offers;
  std::vector<Prefix> accepts;
  AddressPair ipv4;
  AddressPair ipv6;
  std::vector<IpAddress> hosts;  // --hosts: further targets of the proof, behind us or behind the peer

  std::string name;       // of the session: --name, or made from the destination's host
  bool is_named = false;  // --name was given
  std::string interface;  // --interface; empty: the first free isthN
  std::optional<std::uint16_t> mtu;
  session::PathMode path = session::PathMode::kAuto;
  std::vector<crypto::Cipher> ciphers;    // of the datagrams, the best first; empty: the default
  std::optional<std::uint16_t> udp_port;  // of ours; empty: any that is free
  session::SoftLimits soft_limits;        // of the datagrams' keys; as they are, or lower
  bool proxy_arp = false;
  bool masquerade = false;
  bool guard = true;
  std::optional<Duration> hold;  // after the stream was lost, then undo; empty: until it comes back or `down`
  bool detach = false;
  int verbosity = 0;  // -v 1, -vv 2
};

struct UpCommand {
  UpOptions options;
};
struct PlanCommand {
  UpOptions options;
};
struct DownCommand {
  std::optional<std::string> name;  // empty: --all
  int verbosity = 0;
};
struct StatusCommand {
  std::optional<std::string> name;  // empty: every session
  bool json = false;
};
struct CleanupCommand {
  int verbosity = 0;
};
struct AttachCommand {
  std::optional<std::string> peer;
  std::optional<Greeting> caller;
  int verbosity = 0;
};
struct PppCommand {
  PppOptions options;
};
struct HelpCommand {
  std::string topic;  // a command, or empty
};
struct VersionCommand {};

using Command = std::variant<UpCommand, PlanCommand, DownCommand, StatusCommand, CleanupCommand,
                             AttachCommand, PppCommand, HelpCommand, VersionCommand>;

// A name of a session, a peer or a user's file: letters, digits, '.', '_', '-', not beginning with '.' or
// '-', at most 64 characters.
bool is_valid_name(std::string_view text);
// What the kernel takes as an interface name and what is safe in nftables and sysctl keys: as above without
// '.', beginning with a letter, at most 15 characters, not "all" or "default" or "lo".
bool is_valid_interface(std::string_view text);

}  // namespace isthmus::config
