#include "io/host_applier.h"

#include <algorithm>

#include "io/netlink_message.h"
#include "io/nft.h"

namespace isthmus::io {
namespace {

template <typename... Cases>
struct Overload : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overload(Cases...) -> Overload<Cases...>;

bool contains(const std::vector<HostChange>& changes, const HostChange& change) {
  return std::find(changes.begin(), changes.end(), change) != changes.end();
}

}  // namespace

Result<HostApplier> HostApplier::over(const RuntimeDir& dir, Journal journal) {
  Netlink netlink = TRY(Netlink::open());
  return HostApplier{std::move(journal), std::move(netlink), SysctlLedger{dir, Sysctl{}}};
}

Result<HostApplier> HostApplier::open(const RuntimeDir& dir, std::string_view session) {
  Result<Journal> left = Journal::adopt(dir, session);
  if (!left && left.error().code != Error::Code::kNotFound) return std::unexpected(left.error());
  if (left) {
    HostApplier dead = TRY(over(dir, std::move(*left)));
    const std::vector<Error> failures = dead.revert_all();
    if (!failures.empty()) return std::unexpected(failures.front());
  }
  return over(dir, TRY(Journal::create(dir, session)));
}

Result<TunDevice> HostApplier::open_tun(std::string_view name_or_pattern, int mtu, std::size_t queues,
                                        TunState state) {
  TunDevice device = TRY(TunDevice::open(name_or_pattern, mtu, TunOffloads::kTcpAndUdp, queues, state));
  // No intent: the kernel undoes an interface when its descriptor closes, however we end.
  const std::uint32_t index = TRY(netlink_.interface_index(device.name()));
  TRY(journal_.name_interface(device.name(), index));
  return device;
}

bool HostApplier::is_standing(const HostChange& change) const {
  return contains(journal_.standing(), change);
}

Result<void> HostApplier::apply(const HostChange& change) {
  const bool is_new = !is_standing(change);
  if (is_new) TRY(journal_.intend(change));
  Result<void> performed = perform(change);
  if (performed) return journal_.mark_done(change);
  if (!is_new) return performed;
  // What somebody else made must not be undone. Anything else may have happened in spite of the error (a
  // program that we waited for too long), and undoing takes away nothing but what is ours.
  const bool is_undone = performed.error().code == Error::Code::kExists || undo(change).has_value();
  if (is_undone) TRY(journal_.mark_undone(change));
  return performed;
}

Result<void> HostApplier::revert(const HostChange& change) {
  if (!is_standing(change)) return {};
  TRY(undo(change));
  return journal_.mark_undone(change);
}

std::vector<Error> HostApplier::revert_all() {
  std::vector<Error> failures;
  std::vector<HostChange> changes = journal_.standing();
  std::reverse(changes.begin(), changes.end());
  for (const HostChange& change : changes) {
    const Result<void> reverted = revert(change);
    if (!reverted) failures.push_back(reverted.error());
  }
  if (!failures.empty()) return failures;
  const Result<void> removed = journal_.remove();
  if (!removed) failures.push_back(removed.error());
  return failures;
}

HostApplier::PutBack HostApplier::put_back() {
  PutBack report;
  for (const HostChange& change : journal_.standing()) {
    const Result<bool> is_there = is_in_kernel(change);
    if (is_there && *is_there) continue;
    const Result<void> performed = is_there ? perform(change) : std::unexpected(is_there.error());
    if (performed) report.restored.push_back(describe(change));
    if (!performed) report.failures.push_back(performed.error());
  }
  return report;
}

void HostApplier::clean_up_dead(HostApplier dead, CleanupReport& report) {
  report.lines.push_back("session " + dead.session() + " ended without undoing its changes");
  if (dead.journal_.unreadable_lines() > 0) {
    report.failures.push_back(
        {Error::Code::kInvalid, 0,
         "the journal of session " + dead.session() + " has damaged lines: what they said cannot be undone"});
  }
  const std::vector<HostChange> changes = dead.journal_.standing();
  const std::vector<Error> failures = dead.revert_all();
  for (const HostChange& change : changes) {
    if (!dead.is_standing(change)) report.lines.push_back("undone: " + describe(change));
  }
  report.failures.insert(report.failures.end(), failures.begin(), failures.end());
}

HostApplier::CleanupReport HostApplier::cleanup(const RuntimeDir& dir) {
  CleanupReport report;
  Result<std::vector<Journal>> orphans = Journal::adopt_orphans(dir);
  if (!orphans) {
    report.failures.push_back(orphans.error());
    return report;
  }
  for (Journal& orphan : *orphans) {
    Result<HostApplier> dead = over(dir, std::move(orphan));
    if (dead) clean_up_dead(std::move(*dead), report);
    if (!dead) report.failures.push_back(dead.error());
  }
  const Result<std::vector<std::string>> keys = SysctlLedger{dir, Sysctl{}}.release_orphans();
  if (!keys) report.failures.push_back(keys.error());
  if (keys) {
    for (const std::string& key : *keys) report.lines.push_back("released: sysctl " + key);
  }
  const std::vector<std::string> stale = dir.remove_stale();
  report.lines.insert(report.lines.end(), stale.begin(), stale.end());
  return report;
}

Result<std::vector<SessionRecord>> HostApplier::leftovers(const RuntimeDir& dir) {
  std::vector<SessionRecord> records = TRY(Journal::read_all(dir));
  std::erase_if(records, [](const SessionRecord& record) { return record.is_alive; });
  return records;
}

Result<void> HostApplier::perform(const HostChange& change) {
  return std::visit(Overload{[this](const SysctlChange& c) { return ledger_.acquire(session(), c); },
                             [this](const NftTableChange& c) { return make_table(c); },
                             [this](const auto& c) { return netlink_.add(c); }},
                    change);
}

Result<void> HostApplier::undo(const HostChange& change) {
  return std::visit(Overload{[this](const SysctlChange& c) { return ledger_.release(session(), c.key); },
                             [](const NftTableChange& c) { return Nft::remove(c.name); },
                             [this](const RuleChange& c) { return netlink_.remove(c); },
                             [this](const auto& c) -> Result<void> {
                               return TRY(is_another_by_now(c.interface)) ? Result<void>{}
                                                                          : netlink_.remove(c);
                             }},
                    change);
}

Result<bool> HostApplier::is_in_kernel(const HostChange& change) {
  return std::visit(Overload{[](const SysctlChange&) { return Result<bool>{true}; },
                             [this](const NftTableChange& c) { return has_table(c); },
                             [this](const auto& c) { return netlink_.has(c); }},
                    change);
}

Result<void> HostApplier::make_table(const NftTableChange& table) {
  TRY(Nft::apply(table));
  Result<std::optional<std::string>> listing = Nft::listing(table.name);
  tables_.erase(table.name);
  if (listing && *listing) tables_.emplace(table.name, std::move(**listing));
  return {};
}

// A table can be there and guard nothing: `nft flush table` leaves it and its chains, without a rule.
Result<bool> HostApplier::has_table(const NftTableChange& table) const {
  const std::optional<std::string> listing = TRY(Nft::listing(table.name));
  const auto made = tables_.find(table.name);
  return listing && (made == tables_.end() || made->second == *listing);
}

Result<bool> HostApplier::has_interface() {
  if (journal_.interface_index() == 0) return false;
  return TRY(netlink_.interface_index(journal_.interface())) == journal_.interface_index();
}

// The kernel took what was on our interface away with it. The name may be a later session's since.
Result<bool> HostApplier::is_another_by_now(const std::string& interface) {
  if (interface.empty() || interface != journal_.interface() || journal_.interface_index() == 0) return false;
  return !TRY(has_interface());
}

}  // namespace isthmus::io
