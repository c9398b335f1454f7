// `isthmus ppp`: a connection, and another one after it when `persist` says so, until a signal or the end of
// patience.
#pragma once

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <memory>
#include <optional>

#include "app/ppp_connection.h"
#include "config/exit_codes.h"
#include "config/ppp_options.h"
#include "io/boot_timer.h"
#include "io/daemonize.h"
#include "io/log.h"

namespace isthmus::app {

class PppDaemon {
 public:
  // `detached`: a parent waits for our word, and lets the caller go on then. `options` and `log` must outlive
  // the daemon.
  PppDaemon(const config::PppOptions& options, io::Log& log, std::optional<io::DetachedSession> detached);

  // Until it is over; what to exit with.
  config::PppExit run();

 private:
  void await_signal();
  void on_signal(int number);
  void connect();
  void on_end(PppEnd end);
  void retry_or_finish(config::PppExit exit, bool can_retry);
  void finish(config::PppExit exit);
  void let_caller_go();

  const config::PppOptions& options_;
  io::Log& log_;
  std::optional<io::DetachedSession> detached_;
  asio::io_context loop_{1};
  asio::signal_set signals_;
  std::optional<io::BootTimer> redial_;
  std::shared_ptr<PppConnection> connection_;
  int failures_ = 0;         // since a network protocol was last up
  bool is_ending_ = false;   // asked to end: no redial
  bool is_tracing_ = false;  // SIGUSR1
  config::PppExit exit_ = config::PppExit::kFatal;
};

}  // namespace isthmus::app
