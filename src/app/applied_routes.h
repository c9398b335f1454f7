// What a session has changed on this machine: brought to a plan, suspended, and undone.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "io/host_applier.h"
#include "net/route_plan.h"

namespace isthmus::app {

class AppliedRoutes {
 public:
  enum class Deed : std::uint8_t { kAdded, kRemoved };
  using Report = std::function<void(Deed, const std::string& change)>;
  explicit AppliedRoutes(io::HostApplier applier) : applier_(std::move(applier)) {}
  // `report` is told of every change made or undone, in words.
  void on_change(Report report) { report_ = std::move(report); }

  [[nodiscard]] io::HostApplier& applier() { return applier_; }
  [[nodiscard]] std::uint32_t slot() const { return applier_.slot(); }

  // Whether anything is changed that would have to be undone.
  [[nodiscard]] bool is_standing() const { return !lasting_.empty() || !while_up_.empty(); }

  // Makes the machine as `plan` wants it; what an earlier plan wanted and this one does not is undone. On an
  // error the machine is as far as it got: suspend or undo it.
  Result<void> bring_to(const RoutePlan& plan);
  // Takes the routes into the tunnel away: the fallbacks refuse the traffic. Returns what stays against its
  // will.
  [[nodiscard]] std::vector<Error> suspend();
  // They come back as they were.
  Result<void> resume();
  // The interface is gone, and with it what was on it: the next one of that name has to be given it anew.
  // Returns what stays against its will.
  [[nodiscard]] std::vector<Error> forget(const std::string& interface);
  // Everything; returns what could not be undone.
  [[nodiscard]] std::vector<Error> undo();
  // What others have removed comes back.
  [[nodiscard]] io::HostApplier::PutBack put_back() { return applier_.put_back(); }

 private:
  Result<void> bring_to(std::vector<HostChange>& standing, const std::vector<HostChange>& wanted);

  io::HostApplier applier_;
  Report report_;
  std::vector<HostChange> lasting_, while_up_, suspended_;
};

}  // namespace isthmus::app
