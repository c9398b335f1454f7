// One run of ssh, which the launcher started: its words on stderr and its end are kept to say what went
// wrong.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <functional>
#include <optional>
#include <string>

#include "io/child_process.h"
#include "io/unique_fd.h"

namespace isthmus::app {

class SshCall {
 public:
  struct Handlers {
    std::function<void(const std::string& line)> said;  // a line of stderr
    std::function<void()> ended;                        // the process is gone and stderr is read to its end
  };
  SshCall(asio::io_context& loop, io::UniqueFd errors, Handlers handlers);

  [[nodiscard]] const std::string& stderr_text() const { return said_; }
  // Empty while it runs.
  [[nodiscard]] const std::optional<io::ExitStatus>& exit_status() const { return status_; }
  // As the monitor tells.
  void process_ended(const io::ExitStatus& status);

 private:
  void read_errors();
  void note_lines();
  void check_end();

  Handlers handlers_;
  asio::posix::stream_descriptor errors_;
  std::string said_;          // the last kMostKept octets of stderr
  std::size_t reported_ = 0;  // of said_, whole lines only
  bool errors_open_ = true;
  std::optional<io::ExitStatus> status_;
};

}  // namespace isthmus::app
