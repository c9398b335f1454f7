// One run of ssh, as the user who asked: its pipes are the stream, its words on stderr and its end are kept
// to say what went wrong.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/commands.h"
#include "config/ssh_command.h"
#include "config/ssh_settings.h"
#include "io/child_process.h"
#include "net/endpoint.h"

namespace isthmus::app {

// What ssh would do for this destination, as the invoking user; nothing known where that is not OpenSSH's
// ssh, or it fails: then the call itself will say why.
config::SshSettings read_ssh_settings(const config::UpOptions& options);

// Our own program, if the user that ssh runs as may execute it.
std::optional<std::string> program_for_ssh();

class SshCall {
 public:
  struct Handlers {
    std::function<void(const std::string& line)> said;  // a line of stderr
    std::function<void()> ended;                        // the process is gone and stderr is read to its end
  };
  static Result<std::unique_ptr<SshCall>> start(asio::io_context& loop, const config::SshCommand& command,
                                                Handlers handlers);

  // Our ends of its pipes; once.
  io::UniqueFd take_output() { return child_.take_output(); }
  io::UniqueFd take_input() { return child_.take_input(); }

  [[nodiscard]] const std::string& stderr_text() const { return said_; }
  [[nodiscard]] std::optional<io::ExitStatus> exit_status() { return child_.try_wait(); }
  // Where it is connected to, jump hosts included; empty when that cannot be known.
  [[nodiscard]] std::vector<Endpoint> outer_endpoints() const;
  // Those that ssh holds itself: the far end's, where nothing stands between.
  [[nodiscard]] std::vector<Endpoint> own_endpoints() const;
  void terminate() { child_.terminate(); }

 private:
  SshCall(asio::io_context& loop, io::ChildProcess child, Handlers handlers);
  void read_errors();
  void wait_end();
  void note_lines();
  void check_end();

  io::ChildProcess child_;
  Handlers handlers_;
  asio::posix::stream_descriptor errors_, end_;
  std::string said_;          // the last kMostKept octets of stderr
  std::size_t reported_ = 0;  // of said_, whole lines only
  bool errors_open_ = true;
  bool process_ended_ = false;
};

}  // namespace isthmus::app
