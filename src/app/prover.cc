#include "app/prover.h"

#include <algorithm>
#include <utility>

#include "io/boot_clock.h"
#include "io/watch.h"

namespace isthmus::app {

Result<std::unique_ptr<Prover>> Prover::open(asio::io_context& loop) {
  io::IcmpProber prober = TRY(io::IcmpProber::open());
  std::unique_ptr<Prover> self{new Prover{std::move(prober)}};
  for (const int fd : self->prober_.fds())
    TRY(io::watch(self->sockets_.emplace_back(loop), fd, "wait for the answers to probes"));
  self->timer_ = TRY(io::BootTimer::create(loop, [raw = self.get()] { raw->turn(); }));
  for (std::size_t i = 0; i < self->sockets_.size(); ++i) self->wait(i);
  return self;
}

void Prover::wait(std::size_t index) {
  sockets_[index].async_wait(asio::posix::stream_descriptor::wait_read,
                             [this, index](const asio::error_code& error) {
                               if (error) return;
                               turn();
                               wait(index);
                             });
}

void Prover::begin(std::vector<ProofTask> tasks, std::uint32_t tunnel, Done done) {
  tasks_ = std::move(tasks);
  done_ = std::move(done);
  prober_.drop_all();
  ids_.clear();
  outcomes_.assign(tasks_.size(), std::nullopt);
  for (const ProofTask& task : tasks_) {
    io::ProbeRequest request;
    request.source = task.source;
    request.target = task.target;
    if (task.is_beyond_tunnel) request.answers_by = tunnel;
    request.attempts = task.attempts;
    ids_.push_back(prober_.probe(io::boot_now(), request));
  }
  turn();
}

void Prover::turn() {
  const Instant now = io::boot_now();
  prober_.receive(now);
  prober_.advance(now);
  for (const io::ProbeOutcome& outcome : prober_.take_outcomes()) {
    const auto place = std::ranges::find(ids_, outcome.id);
    const auto index = static_cast<std::size_t>(place - ids_.begin());
    session::ProofReport::Probe probe{tasks_[index].source, tasks_[index].target, tasks_[index].is_host,
                                      std::nullopt};
    if (outcome.is_answered) probe.round_trip = outcome.round_trip;
    outcomes_[index] = probe;
  }
  timer_->set(prober_.next_deadline());
  if (!done_ || !std::ranges::all_of(outcomes_, [](const auto& outcome) { return outcome.has_value(); }))
    return;
  std::vector<session::ProofReport::Probe> probes;
  for (const auto& outcome : outcomes_) probes.push_back(*outcome);
  std::exchange(done_, {})(std::move(probes));
}

}  // namespace isthmus::app
