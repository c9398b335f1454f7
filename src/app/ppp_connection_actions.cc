// What a PppConnection does about what its link says.
#include <fmt/format.h>

#include "app/ppp_connection.h"
#include "io/boot_clock.h"

namespace isthmus::app {
namespace {

// RFC 8200 section 5; the kernel takes IPv6 from an interface below it, for good.
constexpr int kLeastIpv6Mtu = 1280;

io::LogLevel level_of(ppp::LinkNote::Level level) {
  switch (level) {
    case ppp::LinkNote::Level::kNegotiation:
      return io::LogLevel::kNegotiation;
    case ppp::LinkNote::Level::kNotice:
      return io::LogLevel::kNotice;
    case ppp::LinkNote::Level::kWarning:
      return io::LogLevel::kWarning;
  }
  return io::LogLevel::kNotice;
}

}  // namespace

void PppConnection::on(Instant, const ppp::LcpUp& up) {
  peer_mru_ = up.peer_mru;
  if (const auto skipped = link_.counters().octets_before_first_frame; skipped > 0)
    log_.warning(fmt::format("Skipped {} octets of text before the first frame", skipped));
  const int mtu = interface_mtu(options_, peer_mru_);
  if (const Result<void> changed = pump_->device().change_mtu(mtu); !changed)
    return give_up(changed.error().message);
  log_.info(
      fmt::format("The peer takes packets of {} octets; MTU of {} is {}", up.peer_mru, interface(), mtu));
}

void PppConnection::on(Instant now, const ppp::Ipv4Up& up) {
  if (!bring_up(ipv4_changes(interface(), up, options_, facts_), ipv4_standing_)) return;
  log_.notice(fmt::format("local  IP address {}", up.local.to_string()));
  log_.notice(fmt::format("remote IP address {}", up.remote.to_string()));
  // For whoever configures the resolver: ours is not to write resolv.conf.
  for (std::size_t place = 0; options_.use_peer_dns && place < up.dns.size(); ++place) {
    log_.notice(
        fmt::format("{} DNS address {}", place == 0 ? "primary  " : "secondary", up.dns[place].to_string()));
  }
  ipv4_ = Settled::kUp;
  tell_when_up(now);
}

void PppConnection::on(Instant, const ppp::Ipv4Down&) {
  take_down(ipv4_standing_);
  ipv4_ = Settled::kOpen;
}

void PppConnection::on(Instant now, const ppp::Ipv6Up& up) {
  const auto& wanted = options_.remote_interface_id;
  if (wanted && *wanted != up.remote_interface_id) {
    log_.error(fmt::format("IPv6 stays down: the peer is {} and not {}",
                           link_local_address(up.remote_interface_id).to_string(),
                           link_local_address(*wanted).to_string()));
    ipv6_ = Settled::kNever;
    return;
  }
  if (const int mtu = interface_mtu(options_, peer_mru_); mtu < kLeastIpv6Mtu) {
    log_.warning(fmt::format("IPv6 stays down: an MTU of {} is below its least, {}", mtu, kLeastIpv6Mtu));
    ipv6_ = Settled::kNever;
    return;
  }
  if (!bring_up(ipv6_changes(interface(), up), ipv6_standing_)) return;
  log_.notice(fmt::format("local  LL address {}", link_local_address(up.local_interface_id).to_string()));
  log_.notice(fmt::format("remote LL address {}", link_local_address(up.remote_interface_id).to_string()));
  ipv6_ = Settled::kUp;
  tell_when_up(now);
}

void PppConnection::on(Instant, const ppp::Ipv6Down&) {
  take_down(ipv6_standing_);
  ipv6_ = Settled::kOpen;
}

void PppConnection::on(Instant now, const ppp::ProtocolUnavailable& unavailable) {
  if (unavailable.protocol == ppp::Protocol::kIpcp) ipv4_ = Settled::kNever;
  if (unavailable.protocol == ppp::Protocol::kIpv6cp) ipv6_ = Settled::kNever;
  log_.warning(fmt::format("{} is not to be had: {}",
                           unavailable.protocol == ppp::Protocol::kIpcp ? "IPv4" : "IPv6",
                           unavailable.reason));
  tell_when_up(now);
}

// The end itself follows in LinkDown, when the peer has had time to take the Terminate-Ack.
void PppConnection::on(Instant, const ppp::PeerTerminates& terminates) {
  log_.info(terminates.reason);
}

void PppConnection::on(Instant now, const ppp::LinkDown& down) {
  const bool is_lost = down.end == ppp::LinkEnd::kCarrierLost;
  end_ = PppEnd{failed_.value_or(exit_of(down.end)), is_lost};
  log_.notice(fmt::format("Connection terminated: {}", down.reason));
  if (!up_since_) return;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - *up_since_).count();
  log_.info(fmt::format("Connect time {:.1f} minutes", static_cast<double>(seconds) / 60));
  log_.info(fmt::format("Sent {} bytes, received {} bytes", octets_out_, octets_in_));
}

void PppConnection::on(Instant, const ppp::LinkNote& note) {
  log_.write(level_of(note.level), note.text);
}

void PppConnection::on(Instant, const ppp::FrameTrace& trace) {
  log_.write(io::LogLevel::kFrame, fmt::format("{} {}", trace.outgoing ? "sent" : "rcvd", trace.text));
}

// False if the link cannot stand: it is being terminated then.
bool PppConnection::bring_up(const PppChanges& changes, std::vector<HostChange>& standing) {
  for (const HostChange& change : changes.needed) {
    if (const Result<void> done = applier_.apply(change); !done) {
      give_up(done.error().message);
      return false;
    }
    standing.push_back(change);
  }
  for (const HostChange& change : changes.wished) {
    const Result<void> done = applier_.apply(change);
    if (!done) {
      log_.warning(done.error().message);
      continue;
    }
    log_.info(fmt::format("Added {}", describe(change)));
    standing.push_back(change);
  }
  for (const std::string& remark : changes.omitted) log_.warning(remark);
  return true;
}

void PppConnection::take_down(std::vector<HostChange>& standing) {
  while (!standing.empty()) {
    const Result<void> undone = applier_.revert(standing.back());
    if (!undone) log_.error(undone.error().message);
    standing.pop_back();
  }
}

void PppConnection::give_up(const std::string& why) {
  log_.error(why);
  failed_ = config::PppExit::kFatal;
  link_.close(io::boot_now(), "this end cannot be configured");
}

void PppConnection::tell_when_up(Instant now) {
  // IPv6 often is up first; whoever waits for the link means IPv4, if there is to be any.
  const bool is_up = ipv4_ == Settled::kUp || (ipv4_ == Settled::kNever && ipv6_ == Settled::kUp);
  if (!is_up) return;
  if (!up_since_) up_since_ = now;
  handlers_.network_up();
}

}  // namespace isthmus::app
