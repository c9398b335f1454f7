#include <algorithm>
#include <array>

#include "config/command_line.h"

namespace isthmus::config {
namespace {

struct Topic {
  std::string_view name;
  std::string_view text;
};

constexpr std::string_view kProgram = R"(isthmus: joins two networks over ssh

  isthmus up [USER@]HOST --offer PREFIX --accept PREFIX   join, prove it, and stay
  isthmus plan …as up…        say what up would change on both machines; change nothing
  isthmus down NAME|--all     end a session and undo what it changed
  isthmus status [NAME]       what is up, and what a killed session left behind
  isthmus cleanup             remove what killed sessions left behind
  isthmus attach              the far end, run by ssh
  isthmus ppp …pppd options…  a PPP daemon for a terminal, a pty or a pipe
  isthmus help COMMAND        more about one of them
  isthmus version

Our LAN is 193.6.35.0/24, the one behind polanski 193.6.37.0/24:

  isthmus up root@polanski --offer 193.6.35.0/24 --accept 193.6.37.0/24
)";

constexpr std::string_view kUp = R"(isthmus up [USER@]HOST|ssh://[USER@]HOST[:PORT] [options]
joins the network here and the one behind HOST, proves that both directions work, and undoes everything at
ctrl-C, SIGTERM or isthmus down. isthmus plan takes the same options and changes nothing.

Networks
  --offer PREFIX[,PREFIX…]  networks here that the far side may reach
  --accept PREFIX[,…]       networks there that we route into the tunnel; 0.0.0.0/0 takes everything
  --address LOCAL:REMOTE    tunnel addresses; by default each gateway's own address in its network.
                            IPv6 in brackets: [2001:db8::1]:[2001:db8::2]
  --hosts ADDRESS[,…]       hosts on either side that the proof shall reach besides the gateways
  --proxy-arp               answer for far addresses that lie inside our own network
  --masquerade              let the far side appear here with our address
  --no-guard                do without the rules that keep the far networks' traffic inside the tunnel
  --mtu N                   of the tunnel, at most; by default 1500
  --path auto|stream|datagram   what carries the packets: UDP where it gets through, else ssh's stream; or
                            one of them alone
  --cipher CIPHER[,…]       of the datagrams, the preferred first; by default
                            aes128-gcm,aes256-gcm,chacha20-poly1305
  --udp-port N              the UDP port here; by default any, and at the called end the number its ssh answers on
  --rekey-after N|Ns[,…]    new keys for the datagrams after N packets or N seconds already; by default after
                            268435456 and 600s
Session
  --name NAME               by default from HOST
  --interface NAME          by default the first free of isth0, isth1, …
  --hold SECONDS            when neither stream nor datagrams carry any more, then undo; by default for ever
  --detach                  return when the proof has been given
  -v, -vv                   every option negotiated; every frame
ssh (the system's, with your configuration, agent and known hosts)
  -p PORT  -i KEY  -J JUMP  -F FILE  -o OPTION
  -e 'SSH COMMAND'          another ssh, with words of its own, as in -e 'ssh -4'
  --remote-command '…'      what to run there instead of isthmus attach

  isthmus up root@polanski --offer 193.6.35.0/24 --accept 193.6.37.0/24
  isthmus up admin@gate.example --accept 10.20.0.0/16             from a laptop
  isthmus up root@[2001:db8::1] -p 2222 --accept 0.0.0.0/0        a full tunnel, with an address from there
  isthmus up root@polanski --address 192.168.0.1:192.168.0.2 --accept 193.6.37.0/24 \
    --remote-command 'pppd nodetach notty noauth'                 where isthmus is not installed
)";

constexpr std::string_view kDown = R"(isthmus down NAME|--all
ends a session, or all of them, and undoes what they changed on both machines. Exit status 3: it was not up.
)";

constexpr std::string_view kStatus = R"(isthmus status [NAME] [--json]
shows each session: its state, networks, addresses, traffic, what carries it, and what a killed one left behind.
Changes nothing.
)";

constexpr std::string_view kCleanup = R"(isthmus cleanup
removes exactly what killed sessions left behind: routes, rules, addresses, filters, settings. Living sessions
are left alone.
)";

constexpr std::string_view kAttach = R"(isthmus attach [--peer NAME]
is the far end of a session. ssh runs it; standard input and output are the stream. With --peer, as in the forced
command of a key, /etc/isthmus/peers/NAME.toml says what the peer may have:

  restrict,command="isthmus attach --peer fellini" ssh-ed25519 AAAA… root@fellini
)";

constexpr std::string_view kPpp = R"(isthmus ppp [TTY] [SPEED] [LOCAL:REMOTE] [options]
runs PPP on a terminal, or on standard input and output (notty), or on a command's (pty 'COMMAND'). The options
are pppd's: nodetach updetach passive silent local modem crtscts lock debug dump asyncmap mru mtu noaccomp
nopcomp nomagic noip noipv6 ipv6 ipcp-accept-local ipcp-accept-remote lcp-echo-interval lcp-echo-failure
lcp-restart lcp-max-configure lcp-max-terminate lcp-max-failure ms-dns usepeerdns defaultroute proxyarp ifname
unit linkname ipparam persist maxfail holdoff. Exit statuses are pppd's as well.

  isthmus ppp /dev/ttyS0 115200 192.168.0.1:192.168.0.2 crtscts nodetach
  isthmus ppp pty 'ssh root@polanski pppd nodetach notty noauth' 192.168.0.1:192.168.0.2 updetach
)";

constexpr std::array kTopics{Topic{"", kProgram},      Topic{"up", kUp},         Topic{"plan", kUp},
                             Topic{"down", kDown},     Topic{"status", kStatus}, Topic{"cleanup", kCleanup},
                             Topic{"attach", kAttach}, Topic{"ppp", kPpp}};

}  // namespace

std::string help_text(std::string_view topic) {
  const auto found = std::ranges::find(kTopics, topic, &Topic::name);
  return std::string{found == kTopics.end() ? kProgram : found->text};
}

}  // namespace isthmus::config
