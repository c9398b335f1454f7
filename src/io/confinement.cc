#include "io/confinement.h"

#include <linux/capability.h>
#include <sys/prctl.h>

#include <cerrno>
#include <vector>

#include "io/capabilities.h"
#include "io/sanitized.h"
#include "io/system_call_filter.h"

namespace isthmus::io {

Result<Restricted> confine(const std::filesystem::path& own) {
  // Netlink, TUN, nftables, sysctls and marks; what iptables holds is read by a raw socket; datagrams may
  // come to the number of a port below 1024 that sshd has. A sanitizer looks into its own process at the end.
  constexpr int kMore = kIsSanitized ? CAP_SYS_PTRACE : CAP_NET_ADMIN;
  TRY(keep_capabilities({CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE, kMore}));
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return fail_errno(errno, "confine the monitor: no new privileges");
  std::vector<Writable> writable{
      {own, Writable::Extent::kFiles}, {"/proc/sys/net"}, {"/dev/null"}, {"/dev/net/tun"}};
  if (const std::filesystem::path report = open_sanitizer_report(); !report.empty())
    writable.push_back({report.parent_path(), Writable::Extent::kFiles});
  Restricted restricted = TRY(restrict_writing(writable));
  TRY(forbid_calls_of_intruders());
  return restricted;
}

}  // namespace isthmus::io
