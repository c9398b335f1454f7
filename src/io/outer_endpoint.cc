#include "io/outer_endpoint.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <optional>

#include "base/parse_number.h"
#include "io/ancestor_environment.h"
#include "io/pidfd.h"

namespace isthmus::io {
namespace {

constexpr std::size_t kMaxProcesses = 64;
constexpr std::size_t kMaxDescriptors = 1024;

std::optional<int> as_number(const std::filesystem::path& name) {
  return parse_number<int>(name.filename().string());
}

// The numeric names in a directory of /proc, as many as `limit`.
std::vector<int> numbers_in(const std::string& directory, std::size_t limit) {
  std::vector<int> numbers;
  std::error_code error;
  std::filesystem::directory_iterator entry{directory, error};
  for (; !error && entry != std::filesystem::directory_iterator{} && numbers.size() < limit;
       entry.increment(error)) {
    if (const std::optional<int> number = as_number(entry->path())) numbers.push_back(*number);
  }
  return numbers;
}

std::vector<pid_t> with_descendants(pid_t root) {
  constexpr std::size_t kMaxLookedAt = 1U << 16;
  std::multimap<pid_t, pid_t> children;
  for (const pid_t pid : numbers_in("/proc", kMaxLookedAt)) {
    if (const std::optional<pid_t> parent = parent_of(pid)) children.emplace(*parent, pid);
  }
  std::vector<pid_t> family{root};
  for (std::size_t i = 0; i < family.size() && family.size() < kMaxProcesses; ++i) {
    const auto [first, last] = children.equal_range(family[i]);
    for (auto child = first; child != last; ++child) family.push_back(child->second);
  }
  family.resize(std::min(family.size(), kMaxProcesses));
  return family;
}

bool is_tcp(int fd) {
  int protocol = 0;
  socklen_t size = sizeof protocol;
  return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 && protocol == IPPROTO_TCP;
}

IpAddress unmapped(const in6_addr& address) {
  const ConstBytes octets{address.s6_addr, sizeof address.s6_addr};
  return *IpAddress::from_octets(IN6_IS_ADDR_V4MAPPED(&address) ? octets.last(4) : octets);
}

using NameOf = int (*)(int, sockaddr*, socklen_t*);

std::optional<Endpoint> end_of(int fd, NameOf name_of) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (name_of(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return std::nullopt;
  if (storage.ss_family == AF_INET) {
    const auto& address = reinterpret_cast<const sockaddr_in&>(storage);
    return Endpoint{IpAddress::v4(ntohl(address.sin_addr.s_addr)), ntohs(address.sin_port)};
  }
  const auto& address = reinterpret_cast<const sockaddr_in6&>(storage);
  return Endpoint{unmapped(address.sin6_addr), ntohs(address.sin6_port)};
}

Result<void> add_connections_of(pid_t pid, std::vector<TcpConnection>& connections) {
  const UniqueFd pidfd = open_pidfd(pid);
  if (!pidfd.is_open()) return {};
  for (const int number : numbers_in("/proc/" + std::to_string(pid) + "/fd", kMaxDescriptors)) {
    const UniqueFd duplicate = duplicate_from(pidfd.get(), number);
    if (!duplicate.is_open() && errno == EPERM)
      return fail_errno(EPERM, "look at the connections of process " + std::to_string(pid));
    if (!duplicate.is_open() || !is_tcp(duplicate.get())) continue;
    const std::optional<Endpoint> remote = end_of(duplicate.get(), getpeername);
    const std::optional<Endpoint> local = end_of(duplicate.get(), getsockname);
    struct stat status{};
    const bool is_whole = remote && local && fstat(duplicate.get(), &status) == 0;
    if (is_whole) connections.push_back({*local, *remote, status.st_uid});
  }
  return {};
}

}  // namespace

Result<std::vector<Endpoint>> outer_endpoints(pid_t root) {
  if (!open_pidfd(root).is_open())
    return fail(Error::Code::kNotFound, "process " + std::to_string(root) + " has ended");
  std::vector<TcpConnection> connections;
  for (const pid_t pid : with_descendants(root)) TRY(add_connections_of(pid, connections));
  std::vector<Endpoint> endpoints;
  for (const TcpConnection& connection : connections) endpoints.push_back(connection.remote);
  std::ranges::sort(endpoints);
  const auto repeated = std::ranges::unique(endpoints);
  endpoints.erase(repeated.begin(), repeated.end());
  return endpoints;
}

Result<std::vector<TcpConnection>> tcp_connections(pid_t pid) {
  std::vector<TcpConnection> connections;
  TRY(add_connections_of(pid, connections));
  return connections;
}

}  // namespace isthmus::io
