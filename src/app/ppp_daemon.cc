#include "app/ppp_daemon.h"

#include <fmt/format.h>

#include <csignal>

#include "io/boot_clock.h"

namespace isthmus::app {

PppDaemon::PppDaemon(const config::PppOptions& options, io::Log& log,
                     std::optional<io::DetachedSession> detached)
    : options_(options), log_(log), detached_(std::move(detached)), signals_(loop_) {}

config::PppExit PppDaemon::run() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2}) signals_.add(number);
  await_signal();
  auto redial = io::BootTimer::create(loop_, [this] { connect(); });
  if (!redial) {
    log_.error(redial.error().message);
    return config::PppExit::kFatal;
  }
  redial_.emplace(std::move(*redial));
  connect();
  loop_.run();
  return exit_;
}

void PppDaemon::await_signal() {
  signals_.async_wait([this](const asio::error_code& error, int number) {
    if (error) return;
    on_signal(number);
    await_signal();
  });
}

void PppDaemon::on_signal(int number) {
  if (number == SIGUSR2) return;  // pppd renegotiates compression by it, and we have none
  if (number == SIGUSR1) {
    is_tracing_ = !is_tracing_;
    if (connection_) connection_->trace_frames(is_tracing_);
    return;
  }
  log_.notice(number == SIGHUP ? "Hangup (SIGHUP)" : fmt::format("Terminating on signal {}", number));
  const bool is_second = std::exchange(is_ending_, is_ending_ || number != SIGHUP || !options_.persist);
  if (connection_ && is_second) return connection_->abandon("Asked twice to end: not waiting for the peer");
  if (connection_) return connection_->terminate("User request");
  // Between two connections a hang-up means: now.
  if (!is_ending_) return connect();
  finish(config::PppExit::kUserRequest);
}

void PppDaemon::connect() {
  if (connection_ || is_ending_) return;
  redial_->set(std::nullopt);
  PppConnectionHandlers handlers;
  handlers.network_up = [this] {
    failures_ = 0;
    let_caller_go();
  };
  handlers.ended = [this](PppEnd end) { on_end(end); };
  auto opened = PppConnection::open(loop_, options_, log_, std::move(handlers));
  if (!opened) {
    log_.error(opened.error().message);
    return retry_or_finish(opened.error().exit, true);
  }
  connection_ = std::move(*opened);
  connection_->trace_frames(is_tracing_ || log_.wants(io::LogLevel::kFrame));
  if (options_.detach == config::PppDetach::kDetachAtOnce) let_caller_go();
  connection_->start();
}

void PppDaemon::on_end(PppEnd end) {
  connection_.reset();
  // Standard input and output that were closed cannot be opened again.
  const bool can_retry = options_.transport != config::PppTransport::kNotty || !end.carrier_lost;
  retry_or_finish(end.exit, can_retry);
}

void PppDaemon::retry_or_finish(config::PppExit exit, bool can_retry) {
  if (is_ending_ || !options_.persist || !can_retry) return finish(exit);
  ++failures_;
  if (options_.max_fail > 0 && failures_ >= options_.max_fail) {
    log_.error(fmt::format("{} attempts in a row have failed: giving up", failures_));
    return finish(exit);
  }
  redial_->set(io::boot_now() + options_.hold_off);
}

void PppDaemon::finish(config::PppExit exit) {
  exit_ = exit;
  is_ending_ = true;
  redial_.reset();
  asio::error_code ignored;
  signals_.cancel(ignored);
  log_.info("Exit.");
}

void PppDaemon::let_caller_go() {
  if (!detached_) return;
  const Result<void> gone = std::exchange(detached_, std::nullopt)->proven();
  if (!gone) log_.warning(gone.error().message);
}

}  // namespace isthmus::app
