#include "io/run_program.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "io/boot_clock.h"

namespace isthmus::io {
namespace {

constexpr std::size_t kMaxErrors = 4096;

// A write to a program that has stopped reading must be an error and not the end of us.
class SigpipeIgnored {
 public:
  SigpipeIgnored() {
    struct sigaction ignore{};
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignore, &former_);
  }
  SigpipeIgnored(const SigpipeIgnored&) = delete;
  SigpipeIgnored& operator=(const SigpipeIgnored&) = delete;
  ~SigpipeIgnored() { sigaction(SIGPIPE, &former_, nullptr); }

 private:
  struct sigaction former_{};
};

void make_non_blocking(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

class Conversation {
 public:
  Conversation(ChildProcess& child, std::string_view input)
      : input_(child.take_input()), output_(child.take_output()), errors_(child.take_errors()), rest_(input) {
    for (const UniqueFd* fd : {&input_, &output_, &errors_}) make_non_blocking(fd->get());
  }

  // Waits once, and moves what can be moved; false when `timeout` passed in vain.
  bool step(Duration timeout, int pidfd) {
    if (rest_.empty()) input_.reset();
    std::array<pollfd, 4> polls{pollfd{input_.get(), POLLOUT, 0}, pollfd{output_.get(), POLLIN, 0},
                                pollfd{errors_.get(), POLLIN, 0}, pollfd{pidfd, POLLIN, 0}};
    // A program may end while a descendant keeps its output open: then its end decides.
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
    if (poll(polls.data(), polls.size(), static_cast<int>(milliseconds)) == 0) return false;
    if (polls[0].revents != 0) write_some();
    if (polls[1].revents != 0) read_some(output_, output, kMaxProgramOutput + 1);
    if (polls[2].revents != 0) read_some(errors_, errors, kMaxErrors);
    return true;
  }

  // What lies in the pipes when the program has ended.
  void drain() {
    while (output_.is_open() && read_some(output_, output, kMaxProgramOutput)) {
    }
    while (errors_.is_open() && read_some(errors_, errors, kMaxErrors)) {
    }
  }

  std::string output, errors;

 private:
  void write_some() {
    const ssize_t count = write(input_.get(), rest_.data(), rest_.size());
    if (count > 0) rest_.remove_prefix(static_cast<std::size_t>(count));
    if (count < 0 && errno != EAGAIN && errno != EINTR) rest_ = {};
  }

  // What exceeds `limit` is read and dropped. False when there is nothing more now.
  static bool read_some(UniqueFd& fd, std::string& to, std::size_t limit) {
    std::array<char, 65536> buffer;
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) return true;
    if (count < 0 && errno == EAGAIN) return false;
    if (count <= 0) {
      fd.reset();
      return false;
    }
    to.append(buffer.data(), std::min(static_cast<std::size_t>(count), limit - std::min(limit, to.size())));
    return true;
  }

  UniqueFd input_, output_, errors_;
  std::string_view rest_;
};

}  // namespace

Result<ProgramOutput> run_program(const std::vector<std::string>& argv, std::string_view input,
                                  Duration timeout) {
  SpawnOptions options;
  options.argv = argv;
  return run_program(std::move(options), input, timeout);
}

Result<ProgramOutput> run_program(SpawnOptions options, std::string_view input, Duration timeout) {
  const ChildStream pipe{ChildStream::Kind::kPipe};
  const std::string name = options.argv.front();
  options.standard_input = options.standard_output = options.standard_error = pipe;
  ChildProcess child = TRY(ChildProcess::start(options));

  const SigpipeIgnored guard;
  const Instant deadline = boot_now() + timeout;
  Conversation conversation{child, input};
  std::optional<ExitStatus> status;
  while (!status) {
    const Duration left = std::max(deadline - boot_now(), Duration::zero());
    if (!conversation.step(left, child.pidfd()))
      return fail(Error::Code::kTimeout, name + " did not end in time");
    if (conversation.output.size() > kMaxProgramOutput)
      return fail(Error::Code::kRefused, name + " wrote too much");
    status = child.try_wait();
  }
  conversation.drain();
  return ProgramOutput{*status, std::move(conversation.output), std::move(conversation.errors)};
}

}  // namespace isthmus::io
