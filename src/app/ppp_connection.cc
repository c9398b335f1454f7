#include "app/ppp_connection.h"

#include <fmt/format.h>
#include <unistd.h>

#include <asio/post.hpp>

#include "io/boot_clock.h"
#include "io/host_facts_reader.h"
#include "io/runtime_dir.h"
#include "net/packet_view.h"
#include "net/segmenter.h"

namespace isthmus::app {
namespace {

constexpr std::size_t kMaxHeld = 64 * 1024;
constexpr std::chrono::milliseconds kDrainPatience{500};
constexpr std::string_view kPattern = "ppp%d";
constexpr std::string_view kPidDirectory = "/run";

std::string session_of(const config::PppOptions& options) {
  if (!options.link_name.empty()) return io::session_name_from("ppp-" + options.link_name);
  return fmt::format("ppp-{}", ::getpid());
}

PppFailure fatal(const Error& error) {
  const bool is_lacking = error.code == Error::Code::kUnsupported;
  return {is_lacking ? config::PppExit::kNoKernelSupport : config::PppExit::kFatal, error.message};
}

Result<io::HostApplier> open_applier(const std::string& session) {
  const io::RuntimeDir directory = TRY(io::RuntimeDir::open());
  return io::HostApplier::open(directory, session);
}

Result<std::pair<io::TunDevice, HostFacts>> open_interface(io::HostApplier& applier,
                                                           const config::PppOptions& options) {
  const std::string_view name = options.interface.empty() ? kPattern : std::string_view{options.interface};
  // The peer's MRU is not known yet: LCP's default, which every peer takes (RFC 1661 section 6.1).
  io::TunDevice device = TRY(applier.open_tun(name, interface_mtu(options, 1500)));
  HostFacts facts = TRY(io::read_host_facts(device.name()));
  return std::pair{std::move(device), std::move(facts)};
}

}  // namespace

std::expected<PppConnection::Parts, PppFailure> PppConnection::make_parts(const config::PppOptions& options,
                                                                          io::Log& log) {
  auto carrier = PppCarrier::open(options);
  if (!carrier) return std::unexpected(std::move(carrier).error());
  auto applier = open_applier(session_of(options));
  if (!applier) return std::unexpected(fatal(applier.error()));
  auto interface = open_interface(*applier, options);
  if (interface)
    return Parts{std::move(*carrier), std::move(*applier), std::move(interface->first),
                 std::move(interface->second)};
  for (const Error& error : applier->revert_all()) log.error(error.message);
  return std::unexpected(fatal(interface.error()));
}

std::expected<std::shared_ptr<PppConnection>, PppFailure> PppConnection::open(
    asio::io_context& loop, const config::PppOptions& options, io::Log& log, PppConnectionHandlers handlers) {
  auto parts = make_parts(options, log);
  if (!parts) return std::unexpected(std::move(parts).error());
  std::shared_ptr<PppConnection> made{
      new PppConnection(loop, options, log, std::move(*parts), std::move(handlers))};
  if (const Result<void> connected = made->connect(); !connected)
    return std::unexpected(fatal(connected.error()));
  return made;
}

PppConnection::PppConnection(asio::io_context& loop, const config::PppOptions& options, io::Log& log,
                             Parts parts, PppConnectionHandlers handlers)
    : loop_(loop),
      options_(options),
      log_(log),
      handlers_(std::move(handlers)),
      carrier_(std::move(parts.carrier)),
      applier_(std::move(parts.applier)),
      facts_(std::move(parts.facts)),
      policy_(facts_),
      link_(options.link, random_, policy_),
      pump_(std::make_shared<TunPump>(
          loop, std::move(parts.device),
          TunPump::Handlers{
              [this](MutableBytes octets, std::uint16_t segment_size) { send_packets(octets, segment_size); },
              [this] { return send_batch(); }})) {
  if (options_.link.network) {
    if (!options_.link.network->ipv4) ipv4_ = Settled::kNever;
    if (!options_.link.network->ipv6) ipv6_ = Settled::kNever;
  }
  link_.trace_frames(log_.wants(io::LogLevel::kFrame));
}

PppConnection::~PppConnection() {
  undo();
}

Result<void> PppConnection::connect() {
  auto [in, out] = TRY(carrier_.descriptors());
  timer_.emplace(TRY(io::BootTimer::create(loop_, [this] { on_time(); })));
  StreamHandlers handlers;
  handlers.octets = [this](ConstBytes octets) { octets_arrived(octets); };
  handlers.progressed = [this] { link_.carrier_progressed(io::boot_now()); };
  handlers.drained = [this] { drained(); };
  handlers.lost = [this](const std::string& why) { carrier_lost(why); };
  stream_ = TRY(Stream::open(loop_, std::move(in), std::move(out), std::move(handlers)));
  if (io::UniqueFd errors = carrier_.take_command_errors(); errors.is_open()) {
    const auto log_line = [this](const std::string& line) { log_.info("The command says: " + line); };
    command_errors_ = std::make_shared<LineReader>(loop_, std::move(errors), log_line);
    command_errors_->start();
  }
  // Last of what can fail: its handlers are ours.
  TRY(pump_->start());
  log_.notice(fmt::format("Using interface {}", interface()));
  log_.notice(fmt::format("Connect: {} <--> {}", interface(), carrier_.name()));
  write_pid_files();
  return {};
}

void PppConnection::write_pid_files() {
  const auto write = [&](const std::string& name, const std::string& further_lines) {
    auto file = io::PidFile::write(fmt::format("{}/{}.pid", kPidDirectory, name), further_lines);
    if (!file) return log_.warning(file.error().message);
    pid_files_.push_back(std::move(*file));
  };
  write(interface(), {});
  if (!options_.link_name.empty())
    write(io::session_name_from("ppp-" + options_.link_name), interface() + "\n");
}

void PppConnection::start() {
  stream_->start();
  const Duration patience = first_word_patience(options_);
  const Instant now = io::boot_now();
  if (patience == Duration::zero()) return begin(now);
  begin_by_ = now + patience;
  timer_->set(begin_by_);
}

void PppConnection::begin(Instant now) {
  begin_by_.reset();
  link_.carrier_up(now);
  link_.receive(now, std::exchange(held_, {}), *this);
  pump_->flush();
  follow(now);
}

void PppConnection::terminate(std::string_view why) {
  if (is_over_ || end_) return;
  const Instant now = io::boot_now();
  begin_by_.reset();
  link_.close(now, why);
  follow(now);
}

void PppConnection::abandon(std::string_view why) {
  if (is_over_) return;
  log_.notice(why);
  if (!end_) end_ = PppEnd{config::PppExit::kUserRequest, false};
  tear_down();
}

// --- octets and packets

void PppConnection::octets_arrived(ConstBytes octets) {
  if (end_) return;
  const Instant now = io::boot_now();
  if (!begin_by_) {
    link_.receive(now, octets, *this);
    pump_->flush();
    return follow(now);
  }
  held_.insert(held_.end(), octets.begin(), octets.end());
  if (has_frame_start(held_)) return begin(now);
  // Text alone; the flag may be the last octet of it.
  if (held_.size() > kMaxHeld) held_.erase(held_.begin(), held_.end() - 1);
}

void PppConnection::packet(Family, ConstBytes octets) {
  octets_in_ += octets.size();
  pump_->deliver({.octets = octets});
}

// One packet, or the ordinary ones that a super-packet stands for.
void PppConnection::send_packets(MutableBytes octets, std::uint16_t segment_size) {
  const Instant now = io::boot_now();
  const auto send = [&](ConstBytes packet, std::uint16_t) {
    const std::optional<Family> family = family_of(packet);
    if (family && link_.send_packet(now, *family, packet)) octets_out_ += packet.size();
  };
  if (segment_size == 0) return send(octets, 0);
  cut(octets, segment_size, 0, send);
}

void PppConnection::write_octets() {
  link_.take_octets(octets_);
  stream_->write(octets_);
}

bool PppConnection::send_batch() {
  write_octets();
  timer_->set(next_deadline());
  return stream_->backlog() < Stream::kHighMark;
}

void PppConnection::drained() {
  if (!end_) return read_interface();
  if (stream_->backlog() == 0) tear_down();
}

void PppConnection::read_interface() {
  const Result<void> resumed = pump_->resume();
  if (resumed) return;
  give_up(resumed.error().message);
  follow(io::boot_now());
}

// --- time

std::optional<Instant> PppConnection::next_deadline() const {
  if (drained_by_) return drained_by_;
  return begin_by_ ? begin_by_ : link_.next_deadline();
}

void PppConnection::on_time() {
  const Instant now = io::boot_now();
  if (end_) return tear_down();
  if (begin_by_) return begin(now);
  link_.advance(now);
  follow(now);
}

void PppConnection::follow(Instant now) {
  if (is_over_) return;
  for (auto actions = link_.take_actions(); !actions.empty(); actions = link_.take_actions())
    for (const ppp::LinkAction& action : actions) std::visit([&](const auto& one) { on(now, one); }, action);
  write_octets();
  if (!end_) return timer_->set(next_deadline());
  if (end_->carrier_lost || stream_->backlog() == 0) return tear_down();
  drained_by_ = now + kDrainPatience;
  timer_->set(drained_by_);
}

void PppConnection::carrier_lost(const std::string& why) {
  if (is_over_) return;
  log_.notice(fmt::format("Hangup: {}", why));
  if (end_) return tear_down();
  const Instant now = io::boot_now();
  begin_by_.reset();
  link_.carrier_down(now);
  follow(now);
}

// --- the end

void PppConnection::tear_down() {
  if (is_over_) return;
  undo();
  asio::post(loop_, [self = shared_from_this()] { self->handlers_.ended(*self->end_); });
}

void PppConnection::undo() {
  if (is_over_) return;
  is_over_ = true;
  take_down(ipv4_standing_);
  take_down(ipv6_standing_);
  for (const Error& error : applier_.revert_all()) log_.error(error.message);
  pump_->stop();
  pump_.reset();
  pid_files_.clear();
  timer_.reset();
  if (stream_) stream_->abandon();
  if (command_errors_) command_errors_->stop();
  const std::string status = carrier_.close();
  if (!status.empty()) log_.info(fmt::format("The command on the terminal has ended: {}", status));
}

}  // namespace isthmus::app
