#include "io/outer_endpoint.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <map>
#include <optional>

#include "io/ancestor_environment.h"
#include "io/pidfd.h"

namespace isthmus::io {
namespace {

constexpr std::size_t kMaxProcesses = 64;
constexpr std::size_t kMaxDescriptors = 1024;

std::optional<int> as_number(const std::filesystem::path& name) {
  const std::string text = name.filename().string();
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
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

std::optional<Endpoint> remote_end(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (!is_tcp(fd) || getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return std::nullopt;
  if (storage.ss_family == AF_INET) {
    const auto& address = reinterpret_cast<const sockaddr_in&>(storage);
    return Endpoint{IpAddress::v4(ntohl(address.sin_addr.s_addr)), ntohs(address.sin_port)};
  }
  const auto& address = reinterpret_cast<const sockaddr_in6&>(storage);
  return Endpoint{unmapped(address.sin6_addr), ntohs(address.sin6_port)};
}

Result<void> add_endpoints_of(pid_t pid, std::vector<Endpoint>& endpoints) {
  const UniqueFd pidfd = open_pidfd(pid);
  if (!pidfd.is_open()) return {};
  for (const int number : numbers_in("/proc/" + std::to_string(pid) + "/fd", kMaxDescriptors)) {
    const UniqueFd duplicate = duplicate_from(pidfd.get(), number);
    if (!duplicate.is_open() && errno == EPERM)
      return fail_errno(EPERM, "look at the connections of process " + std::to_string(pid));
    if (!duplicate.is_open()) continue;
    if (const std::optional<Endpoint> end = remote_end(duplicate.get())) endpoints.push_back(*end);
  }
  return {};
}

}  // namespace

Result<std::vector<Endpoint>> outer_endpoints(pid_t root) {
  if (!open_pidfd(root).is_open())
    return fail(Error::Code::kNotFound, "process " + std::to_string(root) + " has ended");
  std::vector<Endpoint> endpoints;
  for (const pid_t pid : with_descendants(root)) TRY(add_endpoints_of(pid, endpoints));
  std::ranges::sort(endpoints);
  const auto repeated = std::ranges::unique(endpoints);
  endpoints.erase(repeated.begin(), repeated.end());
  return endpoints;
}

}  // namespace isthmus::io
