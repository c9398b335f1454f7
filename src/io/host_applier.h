// The one interface through which a session changes this machine: requests are values, every one is in the
// journal before it is done, and all of them can be undone, by us or, after our death, by anybody's
// cleanup().
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/journal.h"
#include "io/netlink.h"
#include "io/runtime_dir.h"
#include "io/sysctl_ledger.h"
#include "io/tun_device.h"
#include "net/host_change.h"

namespace isthmus::io {

class HostApplier {
 public:
  // Begins a session: takes a slot and a journal. A dead session of the same name is undone first. kExists,
  // naming the process, if one of that name lives.
  static Result<HostApplier> open(const RuntimeDir& dir, std::string_view session);

  [[nodiscard]] const std::string& session() const { return journal_.session(); }
  // For RoutePlanInput::slot; nobody else has it while this session, or what it left, exists.
  [[nodiscard]] std::uint32_t slot() const { return journal_.slot(); }
  // Made, or about to be, and not undone.
  [[nodiscard]] bool is_standing(const HostChange& change) const;

  // The interface lives as long as the returned device.
  Result<TunDevice> open_tun(std::string_view name_or_pattern, int mtu, std::size_t queues = 1,
                             TunState state = TunState::kUp);
  // Whether the newest interface that open_tun() made is still there: its descriptors may be gone, and then
  // its name may be another's.
  Result<bool> has_interface();
  [[nodiscard]] std::uint32_t interface_index() const { return journal_.interface_index(); }

  // Success if it is applied already.
  Result<void> apply(const HostChange& change);
  // Success if it is undone already, also by others.
  Result<void> revert(const HostChange& change);
  // Backwards, past errors; returns what could not be undone, which stays in the journal. When nothing is
  // left the journal is removed and the session is over.
  [[nodiscard]] std::vector<Error> revert_all();

  struct PutBack {
    std::vector<std::string> restored;  // describe() of each
    std::vector<Error> failures;
  };
  // Applies those of our changes again that the kernel no longer has (sysctls excepted: whoever changes one
  // back meant it).
  PutBack put_back();

  struct CleanupReport {
    std::vector<std::string> lines;  // what was undone, for a person
    std::vector<Error> failures;
  };
  // Undoes every dead session, exactly what was its own. Living sessions are left alone.
  static CleanupReport cleanup(const RuntimeDir& dir);
  // The dead sessions that cleanup() would undo. Reads only.
  static Result<std::vector<SessionRecord>> leftovers(const RuntimeDir& dir);

 private:
  HostApplier(Journal journal, Netlink netlink, SysctlLedger ledger)
      : journal_(std::move(journal)), netlink_(std::move(netlink)), ledger_(std::move(ledger)) {}
  static Result<HostApplier> over(const RuntimeDir& dir, Journal journal);
  static void clean_up_dead(HostApplier dead, CleanupReport& report);
  Result<void> perform(const HostChange& change);
  Result<void> undo(const HostChange& change);
  Result<bool> is_in_kernel(const HostChange& change);
  Result<void> make_table(const NftTableChange& table);
  Result<bool> has_table(const NftTableChange& table) const;
  Result<bool> is_another_by_now(const std::string& interface);

  Journal journal_;
  Netlink netlink_;
  SysctlLedger ledger_;
  std::map<std::string, std::string> tables_;  // as nft listed them when they were made
};

}  // namespace isthmus::io
