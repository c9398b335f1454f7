// One connection of `isthmus ppp`, from the carrier to the last undo: its octets, its link, its interface and
// what the link changed on this machine. A redial is another PppConnection.
#pragma once

#include <asio/io_context.hpp>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/line_reader.h"
#include "app/ppp_carrier.h"
#include "app/ppp_changes.h"
#include "app/stream.h"
#include "app/tun_pump.h"
#include "config/ppp_options.h"
#include "io/boot_timer.h"
#include "io/host_applier.h"
#include "io/log.h"
#include "io/pid_file.h"
#include "io/system_random.h"
#include "ppp/link.h"

namespace isthmus::app {

struct PppEnd {
  config::PppExit exit = config::PppExit::kFatal;
  bool carrier_lost = false;  // standard input and output cannot be had again
};

struct PppConnectionHandlers {
  std::function<void()> network_up;   // IPv4 is, or IPv6 where there is no IPv4; may be told again
  std::function<void(PppEnd)> ended;  // once, from the loop; all is undone. The connection may be destroyed
};

class PppConnection final : public std::enable_shared_from_this<PppConnection>, private ppp::LinkSink {
 public:
  // `loop`, `options` and `log` must outlive the connection.
  static std::expected<std::shared_ptr<PppConnection>, PppFailure> open(asio::io_context& loop,
                                                                        const config::PppOptions& options,
                                                                        io::Log& log,
                                                                        PppConnectionHandlers handlers);
  ~PppConnection() override;

  // Begins, once the peer has spoken or has had its time to.
  void start();
  // Asks the peer to terminate, and ends when it agrees or has stayed silent.
  void terminate(std::string_view why);
  // Ends without another word.
  void abandon(std::string_view why);
  void trace_frames(bool on) { link_.trace_frames(on); }
  [[nodiscard]] const std::string& interface() const { return pump_->device().name(); }

 private:
  struct Parts {
    PppCarrier carrier;
    io::HostApplier applier;
    io::TunDevice device;
    HostFacts facts;
  };
  static std::expected<Parts, PppFailure> make_parts(const config::PppOptions& options, io::Log& log);

  PppConnection(asio::io_context& loop, const config::PppOptions& options, io::Log& log, Parts parts,
                PppConnectionHandlers handlers);
  Result<void> connect();
  void write_pid_files();

  void packet(Family family, ConstBytes octets) override;
  void octets_arrived(ConstBytes octets);
  void send_packets(MutableBytes octets, std::uint16_t segment_size);
  void write_octets();
  bool send_batch();
  void drained();
  void read_interface();
  void carrier_lost(const std::string& why);
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  void on_time();
  void begin(Instant now);
  void follow(Instant now);

  void on(Instant now, const ppp::LcpUp& up);
  void on(Instant now, const ppp::Ipv4Up& up);
  void on(Instant now, const ppp::Ipv4Down& down);
  void on(Instant now, const ppp::Ipv6Up& up);
  void on(Instant now, const ppp::Ipv6Down& down);
  void on(Instant, const ppp::VsncpUp&) {}
  void on(Instant, const ppp::VsncpDown&) {}
  void on(Instant, const ppp::VsnpMessage&) {}
  void on(Instant now, const ppp::ProtocolUnavailable& unavailable);
  void on(Instant now, const ppp::PeerTerminates& terminates);
  void on(Instant now, const ppp::LinkDown& down);
  void on(Instant now, const ppp::LinkNote& note);
  void on(Instant now, const ppp::FrameTrace& trace);

  bool bring_up(const PppChanges& changes, std::vector<HostChange>& standing);
  void take_down(std::vector<HostChange>& standing);
  void give_up(const std::string& why);
  void tell_when_up(Instant now);
  void tear_down();
  void undo();

  enum class Settled : std::uint8_t { kOpen, kUp, kNever };

  asio::io_context& loop_;
  const config::PppOptions& options_;
  io::Log& log_;
  PppConnectionHandlers handlers_;
  PppCarrier carrier_;
  io::HostApplier applier_;
  HostFacts facts_;
  PppAddressPolicy policy_;
  io::SystemRandom random_;
  ppp::Link link_;
  std::shared_ptr<Stream> stream_;
  std::shared_ptr<TunPump> pump_;
  std::shared_ptr<LineReader> command_errors_;  // empty without a command, or if it has our own
  std::optional<io::BootTimer> timer_;
  std::vector<io::PidFile> pid_files_;

  Bytes held_;                         // what came before we began
  std::optional<Instant> begin_by_;    // empty once begun
  std::optional<Instant> drained_by_;  // the link is down; its last octets have until then
  Bytes octets_;                       // on their way from the link to the stream
  std::vector<HostChange> ipv4_standing_, ipv6_standing_;
  Settled ipv4_ = Settled::kOpen, ipv6_ = Settled::kOpen;
  std::uint16_t peer_mru_ = 1500;
  std::uint64_t octets_in_ = 0, octets_out_ = 0;  // of packets
  std::optional<config::PppExit> failed_;         // by us, whatever the link then says of its end
  std::optional<PppEnd> end_;
  std::optional<Instant> up_since_;
  bool is_over_ = false;
};

}  // namespace isthmus::app
