#include "app/monitor.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "app/host_id.h"
#include "io/boot_clock.h"
#include "io/core_dumps.h"
#include "io/journal.h"
#include "io/shared_octets.h"
#include "io/system_random.h"
#include "io/watch.h"

namespace isthmus::app {
namespace {

// A fault that comes back at once is not mended by another engine.
constexpr std::size_t kMostDeaths = 3;
constexpr Duration kDeathsWithin = std::chrono::minutes{1};
// From a signal or `down` to the end: goodbye, PPP's and ssh's.
constexpr Duration kEndWithin = std::chrono::seconds{30};
constexpr Duration kEndAfterClosing = std::chrono::seconds{5};
// Longer than this goes beside the message.
constexpr std::size_t kMostInMessage = 32 * 1024;

// kExists says who has the name.
Result<io::ControlListener> listen(const io::RuntimeDir& dir, const std::string& session) {
  const std::filesystem::path socket = TRY(dir.file_of(session, "sock"));
  Result<io::ControlListener> listener = io::ControlListener::listen(socket.string());
  if (listener || listener.error().code != Error::Code::kExists) return listener;
  for (const io::SessionRecord& record : TRY(io::Journal::read_all(dir))) {
    if (record.session == session && record.is_alive)
      return fail(Error::Code::kExists, fmt::format("process {} holds it", record.owner));
  }
  return fail(Error::Code::kExists, "its process is just ending: try again");
}

// What an engine may still ask for when everything is undone.
bool is_last_word(const MonitorRequest& request) {
  return std::holds_alternative<Undo>(request) || std::holds_alternative<EndLeg>(request) ||
         std::holds_alternative<PassOn>(request);
}

}  // namespace

Result<std::unique_ptr<Monitor>> Monitor::open(asio::io_context& loop, io::RuntimeDir dir, OwnerSetup setup,
                                               const EngineMain& engine, Rights rights) {
  // No keys are here; what nft is told of is nobody else's either.
  io::forbid_core_dumps();
  std::unique_ptr<Launcher> launcher = TRY(Launcher::start(setup, engine));
  io::ControlListener listener = TRY(listen(dir, setup.session));
  const session::HostId host = TRY(host_id(dir));
  // Last of what can fail: whoever is refused leaves no journal, which would tell of a dead session.
  io::HostApplier applier = TRY(io::HostApplier::open(dir, setup.session));
  std::unique_ptr<Monitor> monitor{new Monitor{loop, std::move(setup), std::move(launcher), std::move(dir),
                                               AppliedRoutes{std::move(applier)}, std::move(listener)}};
  monitor->host_ = host;
  const Result<void> begun = monitor->begin(rights);
  if (begun) return monitor;
  std::ignore = monitor->routes_.undo();
  return std::unexpected(begun.error());
}

Result<void> Monitor::begin(Rights rights) {
  patience_ = TRY(io::BootTimer::create(loop_, [this] {
    if (channels_) channels_->engine.process.kill();
  }));
  TRY(io::watch(listener_ready_, listener_.fd(), "wait at the control socket"));
  if (rights == Rights::kFew) TRY(confine());
  return start_engine();
}

Monitor::Monitor(asio::io_context& loop, OwnerSetup setup, std::unique_ptr<Launcher> launcher,
                 io::RuntimeDir dir, AppliedRoutes routes, io::ControlListener listener)
    : loop_(loop),
      setup_(std::move(setup)),
      launcher_(std::move(launcher)),
      dir_(std::move(dir)),
      log_(log_options(setup_)),
      routes_(std::move(routes)),
      listener_(std::move(listener)),
      listener_ready_(loop),
      signals_(loop, SIGINT, SIGTERM, SIGHUP) {
  routes_.on_change([this](AppliedRoutes::Deed deed, const std::string& change) {
    log_.notice(fmt::format("{} {}", deed == AppliedRoutes::Deed::kAdded ? "added" : "removed", change));
  });
  state_ = first_state(setup_, getpid());
}

Monitor::~Monitor() {
  remove_state(dir_, setup_.session);
}

Result<void> Monitor::confine() {
  confinement_ = TRY(io::confine(dir_.path()));
  for (const std::string& missing : confinement_.missing) log_.info("the monitor: " + missing);
  return {};
}

Result<void> Monitor::start_engine() {
  Launcher::Engine engine = TRY(launcher_->start_engine());
  io::SystemRandom{}.fill(node_);
  const Begun begun{routes_.slot(), host_, node_, getpid()};
  const Bytes octets = encode_reply(Result<Begun>{begun});
  TRY(engine.requests.send(text_of(octets)));
  rules_.emplace(setup_.site, routes_.slot());
  interface_.clear();
  is_interface_up_ = false;
  going_.clear();
  port_.reset();
  patience_->set(std::nullopt);  // it was with the one before
  channels_.emplace(loop_, std::move(engine));
  TRY(io::watch(channels_->requests, channels_->engine.requests.fd(), "wait for the engine"));
  TRY(io::watch(channels_->end, channels_->engine.process.pidfd(), "wait for the engine's end"));
  ++engines_;
  wait_requests();
  wait_engine_end();
  return {};
}

config::ExitCode Monitor::run() {
  save_state();
  wait_signals();
  wait_control();
  loop_.run();
  return exit_code_;
}

// What was awaited of an engine that is gone counts for nothing.
void Monitor::wait_requests() {
  channels_->requests.async_wait(asio::posix::stream_descriptor::wait_read,
                                 [this, engine = engines_](const asio::error_code& error) {
                                   if (!error && channels_ && engine == engines_) serve_one();
                                 });
}

void Monitor::wait_engine_end() {
  channels_->end.async_wait(asio::posix::stream_descriptor::wait_read,
                            [this, engine = engines_](const asio::error_code& error) {
                              if (error || !channels_ || engine != engines_) return;
                              const auto status = channels_->engine.process.try_wait();
                              // Who traces it hears of its end before its parent does.
                              status ? engine_ended(*status) : wait_engine_end();
                            });
}

void Monitor::serve_one() {
  Result<std::optional<io::ControlMessage>> message = channels_->engine.requests.receive();
  // Its end is told by its process, which follows; what is no message is no engine's.
  if (!message && message.error().code == Error::Code::kClosed)
    return patience_->set(io::boot_now() + kEndAfterClosing);
  if (!message) return channels_->engine.process.kill();
  if (*message) {
    Answer answered = answer(std::move(**message));
    Bytes octets{kAnswerFollows};
    if (answered.octets.size() > kMostInMessage) {
      Result<io::UniqueFd> shared = io::share_octets(answered.octets);
      if (!shared) answered.octets = encode_reply<void>(std::unexpected(shared.error()));
      if (shared) octets.front() = kAnswerIsBeside;
      if (shared) answered.fds.insert(answered.fds.begin(), std::move(*shared));
    }
    if (octets.front() == kAnswerFollows)
      octets.insert(octets.end(), answered.octets.begin(), answered.octets.end());
    std::vector<int> fds;
    for (const io::UniqueFd& fd : answered.fds) fds.push_back(fd.get());
    const Result<void> sent = channels_->engine.requests.send(text_of(octets), fds);
    // One that was just ended hears of nothing.
    if (!sent && sent.error().code != Error::Code::kClosed)
      log_.error("answer the engine: " + sent.error().message);
  }
  wait_requests();
}

Monitor::Answer Monitor::answer(io::ControlMessage message) {
  passed_ = std::move(message.fds);
  const Result<MonitorRequest> request = decode_monitor_request(bytes_of(message.payload));
  if (!request) {
    // Nothing of ours says such a thing.
    log_.error("the engine is ended: it sent " + request.error().message);
    channels_->engine.process.kill();
    return {encode_reply<void>(std::unexpected(request.error())), {}};
  }
  Answer answered = is_undone_ && !is_last_word(*request)
                        ? Answer{encode_reply<void>(fail(Error::Code::kRefused, "the session is over")), {}}
                        : std::visit([this](const auto& what) { return on(what); }, *request);
  passed_.clear();
  return answered;
}

// After its own end, with everything undone, the session's; after another, once more from the beginning.
void Monitor::engine_ended(const io::ExitStatus& status) {
  const bool is_by_itself = status.kind == io::ExitStatus::Kind::kExited;
  if (is_undone_) {
    exit_code_ = is_by_itself ? static_cast<config::ExitCode>(status.value) : config::ExitCode::kFailed;
    return loop_.stop();
  }
  legs_.clear();
  channels_.reset();
  // The engine had the only descriptors of the tunnel.
  for (const Error& error : routes_.forget(interface_))
    log_.error("could not be taken away: " + error.message);
  const std::string how = "the engine has ended: " + status.to_string();
  if (is_by_itself || !may_start_again()) return give_up(how);
  log_.error(how + "; another one takes its place");
  state_.phase = setup_.dial ? "calling" : "held";
  save_state();
  if (const Result<void> started = start_engine(); !started) give_up(started.error().message);
}

bool Monitor::may_start_again() {
  const Instant now = io::boot_now();
  std::erase_if(deaths_, [&](Instant death) { return now - death > kDeathsWithin; });
  deaths_.push_back(now);
  return !is_end_wanted_ && !setup_.plan_only && !is_undone_ && deaths_.size() < kMostDeaths;
}

// What was asked for by a person who waits is undone; what a fault has ended goes on refusing, until somebody
// has seen to it.
void Monitor::give_up(const std::string& why) {
  exit_code_ = config::ExitCode::kFailed;
  const bool is_wanted = is_end_wanted_ || !routes_.is_standing();
  if (is_wanted) {
    for (const Error& error : routes_.undo()) log_.error("could not be undone: " + error.message);
  } else {
    log_.error(
        fmt::format("session {} ends: what it accepted is refused until `isthmus cleanup` or the next "
                    "`isthmus up`",
                    setup_.session));
  }
  log_.error(why);
  loop_.stop();
}

// The engine says goodbye and has everything undone at the first, and undoes at the second; at the third it
// is not waited for.
void Monitor::wait_signals() {
  signals_.async_wait([this](const asio::error_code& error, int number) {
    if (error) return;
    want_end();
    if (++interrupts_ > 2 && channels_) channels_->engine.process.kill();
    tell(Signalled{number});
    wait_signals();
  });
}

// An engine that does not bring the end about in its time is ended, and what it was to undo is undone here.
void Monitor::want_end() {
  if (!std::exchange(is_end_wanted_, true)) patience_->set(io::boot_now() + kEndWithin);
}

bool Monitor::tell(const MonitorEvent& event, std::vector<int> fds) {
  if (!channels_) return false;
  const Result<void> sent = channels_->engine.events.send(encode_event(event), fds);
  if (!sent) log_.warning("tell the engine: " + sent.error().message);
  return sent.has_value();
}

void Monitor::save_state() {
  const Result<void> written = write_state(dir_, state_);
  if (!written) log_.warning(written.error().message);
}

MonitoredLeg* Monitor::find(LegId id) {
  const auto place = legs_.find(id);
  return place == legs_.end() ? nullptr : &place->second;
}

}  // namespace isthmus::app
