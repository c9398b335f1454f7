#include "app/applied_routes.h"

#include <algorithm>
#include <utility>

namespace isthmus::app {
namespace {

bool holds(const std::vector<HostChange>& changes, const HostChange& change) {
  return std::ranges::find(changes, change) != changes.end();
}

bool is_on(const HostChange& change, const std::string& interface) {
  if (const auto* address = std::get_if<AddressChange>(&change)) return address->interface == interface;
  const auto* sysctl = std::get_if<SysctlChange>(&change);
  if (sysctl == nullptr) return false;
  std::string name = interface;
  std::ranges::replace(name, '.', '/');  // as SysctlChange::key has it
  return sysctl->key.find("." + name + ".") != std::string::npos;
}

}  // namespace

Result<void> AppliedRoutes::bring_to(const RoutePlan& plan) {
  suspended_.clear();  // of an agreement that no longer holds
  TRY(bring_to(lasting_, plan.lasting));
  return bring_to(while_up_, plan.while_up);
}

Result<void> AppliedRoutes::bring_to(std::vector<HostChange>& standing,
                                     const std::vector<HostChange>& wanted) {
  for (std::size_t left = standing.size(); left-- > 0;) {
    if (holds(wanted, standing[left])) continue;
    TRY(applier_.revert(standing[left]));
    report_(Deed::kRemoved, describe(standing[left]));
    standing.erase(standing.begin() + static_cast<std::ptrdiff_t>(left));
  }
  for (const HostChange& change : wanted) {
    if (holds(standing, change)) continue;
    standing.push_back(change);
    TRY(applier_.apply(change));
    report_(Deed::kAdded, describe(change));
  }
  return {};
}

std::vector<Error> AppliedRoutes::suspend() {
  std::vector<Error> left;
  const std::vector<HostChange> standing = std::exchange(while_up_, {});
  if (!standing.empty()) suspended_ = standing;
  for (const HostChange& change : standing) {
    const Result<void> reverted = applier_.revert(change);
    if (reverted) report_(Deed::kRemoved, describe(change));
    if (!reverted) left.push_back(reverted.error());
  }
  return left;
}

Result<void> AppliedRoutes::resume() {
  return bring_to(while_up_, suspended_);
}

std::vector<Error> AppliedRoutes::forget(const std::string& interface) {
  std::vector<Error> left = suspend();
  suspended_.clear();
  for (std::size_t at = lasting_.size(); at-- > 0;) {
    if (!is_on(lasting_[at], interface)) continue;
    const Result<void> reverted = applier_.revert(lasting_[at]);
    if (!reverted) left.push_back(reverted.error());
    lasting_.erase(lasting_.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return left;
}

std::vector<Error> AppliedRoutes::undo() {
  std::vector<HostChange> standing = std::exchange(lasting_, {});
  std::ranges::move(std::exchange(while_up_, {}), std::back_inserter(standing));
  std::vector<Error> left = applier_.revert_all();
  for (std::size_t i = standing.size(); i-- > 0;) {
    if (!applier_.is_standing(standing[i])) report_(Deed::kRemoved, describe(standing[i]));
  }
  return left;
}

}  // namespace isthmus::app
