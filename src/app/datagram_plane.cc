#include "app/datagram_plane.h"
#include "io/watch.h"

#include <cerrno>
#include <utility>

namespace isthmus::app {
Result<std::shared_ptr<DatagramPlane>> DatagramPlane::open(asio::io_context& loop,
                                                           const esp::TunnelOptions& options,
                                                           const std::vector<io::TunQueue>& queues,
                                                           std::vector<io::UdpSocket> sockets,
                                                           Handlers handlers) {
  const Endpoint local = TRY(sockets.front().local());
  std::shared_ptr<DatagramPlane> plane{new DatagramPlane{local.port, std::move(handlers)}};
  for (std::size_t i = 0; i < queues.size(); ++i) {
    io::TunQueue queue = TRY(queues[i].duplicate());
    std::unique_ptr<dataplane::Worker> worker =
        TRY(dataplane::Worker::start(std::move(queue), std::move(sockets[i]), options));
    auto station =
        std::make_unique<Station>(Station{std::move(worker), asio::posix::stream_descriptor{loop}, {}});
    TRY(io::watch(station->events, station->worker->events_fd(), "wait for a worker's events"));
    plane->stations_.push_back(std::move(station));
  }
  for (const auto& station : plane->stations_) plane->wait(*station);
  return plane;
}

void DatagramPlane::stop() {
  is_stopped_ = true;
  asio::error_code ignored;
  for (const auto& station : stations_) {
    station->events.close(ignored);
    station->worker.reset();
  }
}

void DatagramPlane::wait(Station& station) {
  station.events.async_wait(asio::posix::stream_descriptor::wait_read,
                            [self = shared_from_this(), &station](const asio::error_code& error) {
                              if (!error) self->take_events(station);
                            });
}

void DatagramPlane::take_events(Station& station) {
  if (is_stopped_) return;
  for (dataplane::WorkerEvent& event : station.worker->take_events()) {
    std::visit([&](auto& what) { on(station, what); }, event);
    if (is_stopped_) return;
  }
  handlers_.end_of_batch();
  if (!is_stopped_) wait(station);
}

void DatagramPlane::post(keying::WorkerCommand command) {
  if (command.worker < stations_.size()) stations_[command.worker]->worker->post(std::move(command.command));
}

void DatagramPlane::post(const Selector& selector) {
  for (const auto& station : stations_) station->worker->post(esp::TunnelCommand{esp::SetSelector{selector}});
}

void DatagramPlane::read_tun() {
  for (const auto& station : stations_) station->worker->post(dataplane::ReadTun{});
}

void DatagramPlane::leave_tun() {
  for (const auto& station : stations_) station->worker->post(dataplane::LeaveTun{});
}

void DatagramPlane::ask_counts() {
  for (const auto& station : stations_) station->worker->post(dataplane::AskReport{});
}

void DatagramPlane::on(Station&, const esp::TunnelEvent& event) {
  handlers_.event(event);
}

void DatagramPlane::on(Station&, const io::PathError& error) {
  if (error.os_errno != EMSGSIZE || !error.first_word || !error.mtu) return;
  handlers_.too_big(error.to, esp::Spi{*error.first_word}, *error.mtu);
}

void DatagramPlane::on(Station&, const dataplane::TunLeft&) {}

void DatagramPlane::on(Station&, const dataplane::TunLost&) {
  handlers_.warned(
      "somebody has removed the tunnel interface: no packet crosses any more; end the session and begin "
      "anew");
}

void DatagramPlane::on(Station& station, dataplane::WorkerReport& report) {
  station.report = std::move(report);
  handlers_.counted();
}

void DatagramPlane::on(Station&, const dataplane::CommandFailed& failed) {
  handlers_.warned("a worker could not obey: " + failed.error.message);
}

session::PathCounts DatagramPlane::counts() const {
  session::PathCounts counts;
  const esp::TunnelCounters all = tunnel_counters();
  counts.packets_sent = all.packets_sent;
  counts.dummies_sent = all.dummies_sent;
  counts.packets_received = all.packets_received;
  for (const esp::SaStatus& sa : sas()) counts.add(sa);
  return counts;
}

esp::TunnelCounters DatagramPlane::tunnel_counters() const {
  esp::TunnelCounters sum;
  for (const auto& station : stations_) sum += station->report.tunnel;
  return sum;
}

dataplane::PumpCounters DatagramPlane::pump_counters() const {
  dataplane::PumpCounters sum;
  for (const auto& station : stations_) sum += station->report.pump;
  return sum;
}

std::vector<esp::SaStatus> DatagramPlane::sas() const {
  std::vector<esp::SaStatus> all;
  for (const auto& station : stations_)
    all.insert(all.end(), station->report.sas.begin(), station->report.sas.end());
  return all;
}

}  // namespace isthmus::app
