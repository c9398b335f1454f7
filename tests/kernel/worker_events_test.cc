// What a worker tells the control thread, and how much of it, however much others send.
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <variant>

#include "kernel/joined_workers.h"

namespace isthmus::dataplane {
namespace {

constexpr esp::Generation kFirst{1};

class WorkerEventsTest : public JoinedWorkers {
 protected:
  // Sends so many probes from the near side, a few at a time, so that each is echoed.
  void flood_with_probes(std::size_t wished) {
    Worker& near = *near_.workers[0];
    std::size_t echoed = 0;
    for (std::size_t sent = 0; sent < wished; sent += kProbes) {
      for (std::uint64_t token = 0; token < kProbes; ++token)
        near.post(esp::SendProbe{.generation = kFirst, .token = token, .size = 0, .to = {}});
      pollfd waiting{.fd = near.events_fd(), .events = POLLIN, .revents = 0};
      while (echoed < sent + kProbes && ::poll(&waiting, 1, 10'000) == 1) echoed += near.take_events().size();
    }
    EXPECT_GE(echoed, wished);
  }
  static constexpr std::size_t kProbes = 32;

  // Waits until the worker has obeyed all before.
  WorkerReport ask(Worker& worker) {
    worker.post(AskReport{});
    pollfd waiting{.fd = worker.events_fd(), .events = POLLIN, .revents = 0};
    while (::poll(&waiting, 1, 10'000) == 1) {
      for (WorkerEvent& event : worker.take_events()) {
        if (auto* const report = std::get_if<WorkerReport>(&event)) return std::move(*report);
      }
    }
    ADD_FAILURE() << "a worker does not answer";
    return {};
  }
};

template <typename Event>
std::size_t count(const std::vector<WorkerEvent>& events) {
  return static_cast<std::size_t>(std::ranges::count_if(
      events, [](const WorkerEvent& event) { return std::holds_alternative<Event>(event); }));
}

// Takes nothing before `worker` has told that it has left its queue or `seconds` are over.
std::vector<WorkerEvent> events_until_left(Worker& worker, int seconds) {
  std::vector<WorkerEvent> all;
  for (int tenth = 0; tenth < 10 * seconds && count<TunLeft>(all) == 0; ++tenth) {
    ::poll(nullptr, 0, 100);
    std::ranges::move(worker.take_events(), std::back_inserter(all));
  }
  return all;
}

TEST_F(WorkerEventsTest, ThatWereAskedForFindRoomAmongAnyNumberOfAPeersProbes) {
  join({});
  Worker& far = *far_.workers[0];
  flood_with_probes(Worker::kMostEvents + 320);
  far.post(esp::UseOutbound{esp::Generation{9}});
  far.post(AskReport{});
  far.post(LeaveTun{});
  const std::vector<WorkerEvent> events = events_until_left(far, 10);
  EXPECT_EQ(count<CommandFailed>(events), 1U);
  EXPECT_EQ(count<WorkerReport>(events), 1U);
  EXPECT_EQ(count<TunLeft>(events), 1U);
  EXPECT_EQ(count<esp::TunnelEvent>(events), Worker::kMostEvents);
  EXPECT_GE(ask(far).tunnel.events_lost, 320U);
}

}  // namespace
}  // namespace isthmus::dataplane
