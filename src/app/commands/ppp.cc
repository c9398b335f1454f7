#include "app/commands/ppp.h"

#include <fmt/format.h>
#include <unistd.h>

#include "app/ppp_daemon.h"

namespace isthmus::app {
namespace {

using config::PppDetach;
using config::PppExit;

int number(PppExit exit) {
  return static_cast<int>(exit);
}

// A terminal that is our own standard input is the caller's: going to the background would leave it to both.
bool detaches(const config::PppOptions& options) {
  if (options.detach == PppDetach::kNever) return false;
  return options.transport != config::PppTransport::kTty || !options.tty.empty();
}

io::LogOptions log_options(const config::PppOptions& options) {
  io::LogOptions log;
  if (options.verbosity == 1) log.most = io::LogLevel::kNegotiation;
  if (options.verbosity > 1) log.most = io::LogLevel::kFrame;
  log.to_stderr = !standard_error_is_carrier(options);
  return log;
}

std::string address_in_words(const std::optional<IpAddress>& address) {
  return address ? address->to_string() : "(the peer's choice)";
}

void dump(const config::PppOptions& options, io::Log& log) {
  const ppp::LinkOptions& link = options.link;
  const auto seconds = [](Duration duration) { return std::chrono::duration<double>(duration).count(); };
  log.info(fmt::format("transport {}, tty {:?}, lock {}, modem {}, crtscts {}",
                       static_cast<int>(options.transport), options.tty, options.lock, options.modem_control,
                       options.hardware_flow_control));
  log.info(fmt::format("asyncmap {:x}, mru {}, mtu {}, magic {}, pcomp {}, accomp {}, passive {}, silent {}",
                       link.accm, link.mru, options.mtu.value_or(0), link.magic_number,
                       link.protocol_field_compression, link.address_control_compression, link.passive,
                       link.silent));
  log.info(fmt::format("lcp-restart {}, lcp-max-configure {}, lcp-max-terminate {}, lcp-max-failure {}",
                       seconds(link.restart_interval), link.max_configure, link.max_terminate,
                       link.max_failure));
  if (link.network) {
    log.info(fmt::format("ip {}, addresses {}:{}, ipv6 {}, defaultroute {}, proxyarp {}, usepeerdns {}",
                         link.network->ipv4, address_in_words(link.network->local_ipv4),
                         address_in_words(link.network->remote_ipv4), link.network->ipv6,
                         options.default_route, options.proxy_arp, options.use_peer_dns));
  }
  log.info(fmt::format("persist {}, maxfail {}, holdoff {}", options.persist, options.max_fail,
                       seconds(options.hold_off)));
}

}  // namespace

int run_ppp(const config::PppOptions& given) {
  config::PppOptions options = given;
  // Nothing here uses the vendor protocol, and a plain peer would have to reject it.
  options.link.vsncp = false;
  const io::LogOptions log_options = app::log_options(options);
  if (geteuid() != 0) {
    io::Log{log_options}.error("isthmus ppp makes interfaces and routes: run it as root");
    return number(PppExit::kNotRoot);
  }
  std::optional<io::DetachedSession> detached;
  if (detaches(options)) {
    auto fork = io::detach_session();
    if (!fork) {
      io::Log{log_options}.error(fork.error().message);
      return number(PppExit::kFatal);
    }
    if (const auto* verdict = std::get_if<io::ParentVerdict>(&*fork)) return verdict->exit_code;
    detached = std::move(std::get<io::DetachedSession>(*fork));
  }
  io::Log log{log_options};
  if (options.dump) dump(options, log);
  return number(PppDaemon{options, log, std::move(detached)}.run());
}

}  // namespace isthmus::app
