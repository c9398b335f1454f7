#include "app/engine.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "app/host_id.h"
#include "crypto/aead.h"
#include "crypto/key_memory.h"
#include "io/boot_clock.h"
#include "io/sandbox.h"
#include "io/watch.h"

namespace isthmus::app {
namespace {

// After an end: how long ssh may take to carry our last octets and go by itself.
constexpr Duration kLinger = std::chrono::milliseconds{1500};
constexpr int kRoundsATurn = 16;  // of up to Stream::kHighMark octets each: more than one turn reads
// What others removed (routes, rules, our table) is put back after the dust has settled.
constexpr Duration kPutBackDelay = std::chrono::milliseconds{200};
constexpr Duration kPutBackAgain = std::chrono::seconds{2};
constexpr Duration kPutBackSeldom = std::chrono::minutes{1};

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

}  // namespace

Result<std::unique_ptr<Engine>> Engine::open(asio::io_context& loop, OwnerSetup setup,
                                             io::EngineChannels channels) {
  MonitorClient monitor{std::move(channels.requests)};
  const Begun begun = TRY(monitor.wait_begin());
  io::NetlinkMonitor network = TRY(io::NetlinkMonitor::open());
  std::unique_ptr<Engine> engine{new Engine{loop, std::move(setup), std::move(monitor),
                                            std::move(channels.events), begun, std::move(network)}};
  TRY(engine->arm());
  return engine;
}

Engine::Engine(asio::io_context& loop, OwnerSetup setup, MonitorClient monitor, io::ControlConnection events,
               const Begun& begun, io::NetlinkMonitor network)
    : loop_(loop),
      setup_(std::move(setup)),
      begun_(begun),
      monitor_(std::move(monitor)),
      events_(std::move(events)),
      network_(std::move(network)),
      events_ready_(loop),
      network_ready_(loop),
      log_(log_options(setup_)) {}

Result<void> Engine::arm() {
  TRY(io::watch(events_ready_, events_.fd(), "wait for the monitor"));
  TRY(io::watch(network_ready_, network_.fd(), "wait for changes of the network"));
  timer_ = TRY(io::BootTimer::create(loop_, [this] { on_time(); }));
  prover_ = TRY(Prover::open(loop_));
  if (const Result<void> opened = crypto::open_key_memory(); !opened) log_.warning(opened.error().message);
  // Of what libraries read of files at their first use: it has to be the last.
  tzset();
  if (const Result<void> tested = crypto::self_test(); !tested) log_.error(tested.error().message);
  for (const std::string& lack : TRY(io::enter_sandbox())) log_.info("the engine: " + lack);
  state_ = first_state(setup_, begun_.monitor);

  session::SessionOptions options;
  options.dials = setup_.dial.has_value();
  options.hold = setup_.hold;
  options.identity = {begun_.node,
                      begun_.host,
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

config::ExitCode Engine::run() {
  save_state();
  wait_events();
  wait_network();
  session_->begin(io::boot_now());
  turn();
  loop_.run();
  if (setup_.progress && !exit_text_.empty()) setup_.progress->line(exit_text_);
  return exit_code_;
}

void Engine::wait_events() {
  events_ready_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const asio::error_code& error) {
    if (error) return;
    for (auto message = events_.receive();; message = events_.receive()) {
      if (!message) return loop_.stop();  // nothing can be done, or undone, without a monitor
      if (!*message) break;
      Result<MonitorEvent> event = decode_event((*message)->payload);
      if (!event) return loop_.stop();
      std::visit([&](const auto& what) { on(what, std::move((*message)->fds)); }, *event);
      turn();
    }
    wait_events();
  });
}

// The first signal says goodbye to the peer and undoes; the second only undoes.
void Engine::on(const Signalled& signal, const std::vector<io::UniqueFd>&) {
  signal_ = signal.number;
  if (++interrupts_ > 1)
    return finish(config::ExitCode::kInterrupted, "interrupted twice: undone without a word to the far end");
  log_.notice(fmt::format("signal {}: ending the session", signal.number));
  session_->close(io::boot_now(), {session::Bye::Reason::kUndone, "ended at the other end"});
}

void Engine::wait_network() {
  network_ready_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const asio::error_code& error) {
    if (error) return;
    const io::NetworkChange change = network_.drain();
    const Instant now = io::boot_now();
    if (change.link || change.address || change.route) session_->network_changed(now);
    if (change.any() && !is_over_) look_soon(now);
    turn();
    wait_network();
  });
}

// Not re-entered: what an action's handling brings about is taken up by the loop that handled it.
void Engine::turn() {
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

void Engine::flush() {
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

void Engine::set_timer() {
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

void Engine::on_time() {
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
    put_back(now);
    look_at_network();
  }
  if (is_due(sign_at_) && setup_.progress) sign_at_ = setup_.progress->still_waiting(now, waiting_for_);
  follow_mtu(now);
  datagrams_->advance(now);
  if (!is_over_) session_->advance(now);
  turn();
}

void Engine::look_soon(Instant now) {
  put_back_again_ = kPutBackAgain;
  put_back_at_ = std::min(put_back_at_.value_or(now + kPutBackDelay), now + kPutBackDelay);
}

// What cannot be put back is tried again, less and less often, and told once: a flushed guard must not stay
// away because nft could not be run just then.
void Engine::put_back(Instant now) {
  const io::HostApplier::PutBack done = monitor_.put_back();
  for (const std::string& change : done.restored)
    log_.warning("removed by another program, put back: " + change);
  std::string failures;
  for (const Error& error : done.failures) failures += (failures.empty() ? "" : "; ") + error.message;
  if (!failures.empty() && failures != not_put_back_) log_.warning("could not be put back: " + failures);
  if (!failures.empty()) {
    put_back_at_ = now + put_back_again_;
    put_back_again_ = std::min(put_back_again_ * 2, kPutBackSeldom);
  }
  not_put_back_ = std::move(failures);
}

// Undoes everything at once and lets go of the streams; the loop ends when ssh has carried the last octets.
void Engine::finish(config::ExitCode code, const std::string& text) {
  if (is_over_) return;
  is_over_ = true;
  exit_code_ = code;
  exit_text_ = text;
  put_back_at_.reset();
  sign_at_.reset();
  datagrams_->stop();
  const std::vector<Error> left = monitor_.undo();
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
  for (io::ControlConnection& waiting : std::exchange(waiting_for_end_, {}))
    std::ignore =
        waiting.send(encode(ControlReply{left.empty() ? 0 : static_cast<int>(exit_code_), what_is_left}));
  flush();
  std::vector<LegId> open;
  for (const auto& [id, leg] : legs_) open.push_back(id);
  for (const LegId id : open) retire(id);
  linger_until_ = io::boot_now() + kLinger;
  if (legs_.empty()) loop_.stop();
}

SessionState Engine::present_state() const {
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

void Engine::save_state() {
  if (is_over_) return;
  monitor_.note({.phase = state_.phase,
                 .peer_name = state_.peer_name,
                 .peer_host = state_.peer_host,
                 .peer_node = state_.peer_node,
                 .proof = state_.proof,
                 .accepted = state_.accepted,
                 .offered = state_.offered,
                 .local_ipv4 = state_.local_ipv4,
                 .remote_ipv4 = state_.remote_ipv4,
                 .mtu = state_.mtu,
                 .up_since = state_.up_since});
}

void Engine::say_step(const std::string& name, const std::string& text) {
  if (setup_.progress) setup_.progress->step(io::boot_now(), name, text);
}

}  // namespace isthmus::app
