#include "app/session_owner.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "app/host_id.h"
#include "io/boot_clock.h"
#include "io/core_dumps.h"
#include "io/journal.h"

namespace isthmus::app {
namespace {

// After an end: how long ssh may take to carry our last octets and go by itself.
constexpr Duration kLinger = std::chrono::milliseconds{1500};
constexpr int kRoundsATurn = 16;  // of up to Stream::kHighMark octets each: more than one turn reads
// What others removed (routes, rules, our table) is put back after the dust has settled.
constexpr Duration kPutBackDelay = std::chrono::milliseconds{200};

io::LogLevel log_level(int verbosity) {
  if (verbosity >= 2) return io::LogLevel::kFrame;
  return verbosity == 1 ? io::LogLevel::kNegotiation : io::LogLevel::kNotice;
}

// On a terminal, unless it was asked to be told all, a person reads progress and nothing twice.
io::LogOptions log_options(const OwnerSetup& setup) {
  io::LogOptions options{.most = log_level(setup.verbosity)};
  const bool is_watched = isatty(STDOUT_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
  options.is_beside_progress = setup.progress && setup.verbosity == 0 && is_watched;
  return options;
}

std::string one_line(std::string_view text) {
  std::string line;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    line.append(line.empty() ? "" : "; ").append(text.substr(0, end));
    text.remove_prefix(std::min(text.find_first_not_of("\n ", end), text.size()));
  }
  return line;
}

ppp::LinkOptions link_options(const config::PeerPolicy& policy, bool is_caller) {
  ppp::LinkOptions options;
  options.mru = policy.mtu.value_or(1500);
  options.identification = "Isthmus";
  // A caller may wait long for a password to be typed at the far end of ssh, or for a peer that waits itself.
  options.passive = is_caller;
  return options;
}

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

}  // namespace

Result<std::unique_ptr<SessionOwner>> SessionOwner::open(asio::io_context& loop, OwnerSetup setup) {
  io::RuntimeDir dir = TRY(io::RuntimeDir::open());
  io::ControlListener listener = TRY(listen(dir, setup.session));
  io::NetlinkMonitor monitor = TRY(io::NetlinkMonitor::open());
  const session::HostId host = TRY(host_id(dir));
  // Last of what can fail: whoever is refused leaves no journal, which would tell of a dead session.
  io::HostApplier applier = TRY(io::HostApplier::open(dir, setup.session));
  std::unique_ptr<SessionOwner> owner{new SessionOwner{loop, std::move(setup), std::move(dir),
                                                       AppliedRoutes{std::move(applier)}, std::move(listener),
                                                       std::move(monitor)}};
  owner->host_ = host;
  const Result<void> armed = owner->arm();
  if (!armed) std::ignore = owner->routes_.undo();
  if (!armed) return std::unexpected(armed.error());
  return owner;
}

SessionOwner::SessionOwner(asio::io_context& loop, OwnerSetup setup, io::RuntimeDir dir, AppliedRoutes routes,
                           io::ControlListener listener, io::NetlinkMonitor monitor)
    : loop_(loop),
      setup_(std::move(setup)),
      dir_(std::move(dir)),
      log_(log_options(setup_)),
      routes_(std::move(routes)),
      listener_(std::move(listener)),
      monitor_(std::move(monitor)),
      listener_ready_(loop, fcntl(listener_.fd(), F_DUPFD_CLOEXEC, 3)),
      monitor_ready_(loop, fcntl(monitor_.fd(), F_DUPFD_CLOEXEC, 3)),
      signals_(loop, SIGINT, SIGTERM, SIGHUP) {}

SessionOwner::~SessionOwner() {
  remove_state(dir_, setup_.session);
}

Result<void> SessionOwner::arm() {
  io::forbid_core_dumps();
  timer_ = TRY(io::BootTimer::create(loop_, [this] { on_time(); }));
  prover_ = TRY(Prover::open(loop_));
  random_.fill(node_);
  routes_.on_change([this](AppliedRoutes::Deed deed, const std::string& change) {
    log_.notice(fmt::format("{} {}", deed == AppliedRoutes::Deed::kAdded ? "added" : "removed", change));
  });
  state_.session = setup_.session;
  state_.role = setup_.dial ? "up" : "attach";
  state_.is_adopted = setup_.site.is_adopted();
  state_.pid = getpid();
  state_.phase = "calling";
  if (setup_.dial) state_.destination = setup_.dial->destination.to_string();

  session::SessionOptions options;
  options.dials = setup_.dial.has_value();
  options.hold = setup_.hold;
  options.identity = {node_,
                      host_,
                      config::greeting_name(machine_name()),
                      options.dials,
                      setup_.plan_only,
                      setup_.site.policy().offers,
                      setup_.site.policy().accepts};
  options.link = link_options(setup_.site.policy(), options.dials);
  options.takes_datagrams = setup_.site.policy().path != session::PathMode::kStream;
  session_.emplace(std::move(options), random_, setup_.site);
  datagrams_.emplace(loop_, setup_.site, *session_, log_, [this] { turn(); });
  session_->trace_frames(setup_.verbosity >= 2);
  return {};
}

config::ExitCode SessionOwner::run() {
  save_state();
  wait_signals();
  wait_control();
  wait_monitor();
  session_->begin(io::boot_now());
  turn();
  loop_.run();
  if (setup_.progress && !exit_text_.empty()) setup_.progress->line(exit_text_);
  return exit_code_;
}

// The first signal says goodbye to the peer and undoes; the second only undoes.
void SessionOwner::wait_signals() {
  signals_.async_wait([this](const asio::error_code& error, int number) {
    if (error) return;
    signal_ = number;
    if (++interrupts_ > 1) {
      finish(config::ExitCode::kInterrupted, "interrupted twice: undone without a word to the far end");
    } else {
      log_.notice(fmt::format("signal {}: ending the session", number));
      session_->close(io::boot_now(), {session::Bye::Reason::kUndone, "ended at the other end"});
    }
    turn();
    wait_signals();
  });
}

void SessionOwner::wait_monitor() {
  monitor_ready_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const asio::error_code& error) {
    if (error) return;
    const io::NetworkChange change = monitor_.drain();
    const Instant now = io::boot_now();
    if (change.link || change.address || change.route) session_->network_changed(now);
    if (change.any() && !is_over_ && !put_back_at_) put_back_at_ = now + kPutBackDelay;
    turn();
    wait_monitor();
  });
}

// Not re-entered: what an action's handling brings about is taken up by the loop that handled it.
void SessionOwner::turn() {
  if (in_turn_) return;
  in_turn_ = true;
  for (auto actions = session_->take_actions(); !actions.empty(); actions = session_->take_actions()) {
    for (session::SessionAction& action : actions) {
      std::visit([this](auto& what) { on(what); }, action);
    }
  }
  flush();
  in_turn_ = false;
  set_timer();
}

void SessionOwner::flush() {
  const std::optional<session::CallId> current = session_->current();
  for (auto& [id, leg] : legs_) {
    if (!leg.call || leg.is_hung_up) continue;
    // What the stream takes at once makes room for more.
    for (int round = 0; round < kRoundsATurn; ++round) {
      if (leg.call == current) session_->pump(io::boot_now(), leg.stream->room());
      session_->take_octets(*leg.call, octets_);
      if (octets_.empty()) break;
      leg.stream->write(octets_);
    }
  }
}

void SessionOwner::set_timer() {
  std::optional<Instant> next = is_over_ ? std::nullopt : session_->next_deadline();
  const auto consider = [&](const std::optional<Instant>& deadline) {
    if (deadline && (!next || *deadline < *next)) next = deadline;
  };
  consider(put_back_at_);
  consider(linger_until_);
  consider(sign_at_);
  if (tunnel_) consider(mtu_.next_deadline());
  if (datagrams_) consider(datagrams_->next_deadline());
  for (const auto& [id, leg] : legs_) {
    consider(leg.begin_by);
    consider(leg.end_by);
  }
  timer_->set(next);
}

void SessionOwner::on_time() {
  const Instant now = io::boot_now();
  const auto is_due = [&](std::optional<Instant>& deadline) {
    if (!deadline || now < *deadline) return false;
    deadline.reset();
    return true;
  };
  if (is_due(linger_until_)) return loop_.stop();
  std::vector<LegId> to_begin, to_drop;
  for (auto& [id, leg] : legs_) {
    if (is_due(leg.begin_by)) to_begin.push_back(id);
    if (is_due(leg.end_by)) to_drop.push_back(id);
  }
  for (const LegId id : to_begin) begin_call(id);
  for (const LegId id : to_drop) drop(id);
  if (is_due(put_back_at_)) {
    for (const std::string& line : routes_.put_back())
      log_.warning("removed by another program, put back: " + line);
    look_at_network();
  }
  if (is_due(sign_at_) && setup_.progress) sign_at_ = setup_.progress->still_waiting(now, waiting_for_);
  follow_mtu(now);
  datagrams_->advance(now);
  if (!is_over_) session_->advance(now);
  turn();
}

// Undoes everything at once and lets go of the streams; the loop ends when ssh has carried the last octets.
void SessionOwner::finish(config::ExitCode code, const std::string& text) {
  if (is_over_) return;
  is_over_ = true;
  exit_code_ = code;
  exit_text_ = text;
  put_back_at_.reset();
  sign_at_.reset();
  datagrams_->stop();
  const std::vector<Error> left = routes_.undo();
  std::string what_is_left;
  for (const Error& error : left) {
    log_.error("could not be undone: " + error.message);
    what_is_left += (what_is_left.empty() ? "" : ", ") + error.message;
  }
  if (!left.empty()) exit_code_ = config::ExitCode::kLeftovers;
  if (tunnel_) tunnel_->stop();
  tunnel_.reset();
  log_.notice(
      fmt::format("session {} has ended: {}", setup_.session, text.empty() ? "done" : one_line(text)));
  remove_state(dir_, setup_.session);
  for (const auto& connection : connections_) {
    if (connection->waits_for_end) {
      std::ignore = connection->socket.send(
          encode(ControlReply{left.empty() ? 0 : static_cast<int>(exit_code_), what_is_left}));
    }
  }
  flush();
  std::vector<LegId> open;
  for (const auto& [id, leg] : legs_) open.push_back(id);
  for (const LegId id : open) retire(id);
  linger_until_ = io::boot_now() + kLinger;
  if (legs_.empty()) loop_.stop();
}

SessionState SessionOwner::present_state() const {
  SessionState now = state_;
  const session::Traffic sent = session_->traffic();
  now.packets_sent = sent.packets_sent;
  now.octets_sent = sent.octets_sent;
  now.dropped += sent.dropped + (tunnel_ ? tunnel_->refused() : 0);
  now.marked = sent.marked;
  now.waiting = sent.waiting;
  if (session_->agreement() != nullptr) now.stream = session_->current() ? "up" : "lost";
  datagrams_->describe(now);
  const session::StreamWindow* stream = session_->stream();
  if (stream == nullptr || !stream->min_rtt()) return now;
  now.stream_bits_per_second = static_cast<std::uint64_t>(stream->rate() * 8);
  now.stream_rtt_microseconds = static_cast<std::uint64_t>(*stream->min_rtt() / std::chrono::microseconds{1});
  return now;
}

void SessionOwner::save_state() {
  const Result<void> written = write_state(dir_, present_state());
  if (!written) log_.warning(written.error().message);
}

void SessionOwner::say_step(const std::string& name, const std::string& text) {
  if (setup_.progress) setup_.progress->step(io::boot_now(), name, text);
}

}  // namespace isthmus::app
