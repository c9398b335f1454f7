// What the netlink_*.cc files share: messages by libnl, sent and acknowledged, dumps read to the end.
#pragma once

#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "io/rtnetlink_socket.h"
#include "net/address.h"
#include "net/prefix.h"

namespace isthmus::io {

struct NetlinkMessageFree {
  void operator()(nl_msg* message) const { nlmsg_free(message); }
};
using NetlinkMessage = std::unique_ptr<nl_msg, NetlinkMessageFree>;

inline int address_family(Family family) {
  return family == Family::kIpv4 ? AF_INET : AF_INET6;
}

NetlinkMessage new_message_of(int type, int flags, void* header, std::size_t length);

// A message of `type` that begins with `header`. Memory is the only thing that can fail here, and aborts.
template <typename Header>
NetlinkMessage new_message(int type, int flags, Header header) {
  return new_message_of(type, flags, &header, sizeof header);
}

void put_u8(nl_msg& message, int attribute, std::uint8_t value);
void put_u32(nl_msg& message, int attribute, std::uint32_t value);
void put_octets(nl_msg& message, int attribute, ConstBytes octets);

// Sends and waits for the kernel's answer. kExists, kNotFound and kSystem tell what matters apart; `what`
// says what we tried.
Result<void> request(RtnetlinkSocket& socket, NetlinkMessage message, const std::string& what);

// Calls `visit` with every message of the kernel's answer; again from the start if the kernel's tables
// changed meanwhile, after `restart`.
Result<void> dump(RtnetlinkSocket& socket, const std::function<NetlinkMessage()>& query,
                  const std::function<void()>& restart, const std::function<void(nlmsghdr&)>& visit);

// The attributes of one message whose own header is `Header`; none if it is malformed.
template <int kMax>
class Attributes {
 public:
  Attributes(nlmsghdr& message, std::size_t header_length) {
    if (nlmsg_parse(&message, static_cast<int>(header_length), table_, kMax, nullptr) < 0) {
      for (nlattr*& entry : table_) entry = nullptr;
    }
  }

  [[nodiscard]] bool has(int type) const { return table_[type] != nullptr; }
  [[nodiscard]] nlattr* raw(int type) const { return table_[type]; }
  [[nodiscard]] ConstBytes octets(int type) const {
    if (!has(type)) return {};
    return {static_cast<const std::uint8_t*>(nla_data(table_[type])),
            static_cast<std::size_t>(nla_len(table_[type]))};
  }
  // Zero if it is missing or short.
  [[nodiscard]] std::uint8_t u8(int type) const {
    return octets(type).empty() ? std::uint8_t{0} : octets(type).front();
  }
  [[nodiscard]] std::uint32_t u32(int type) const {
    return octets(type).size() < sizeof(std::uint32_t) ? 0 : nla_get_u32(table_[type]);
  }
  [[nodiscard]] std::optional<IpAddress> address(int type) const {
    const Result<IpAddress> parsed = IpAddress::from_octets(octets(type));
    return parsed ? std::optional{*parsed} : std::nullopt;
  }

 private:
  nlattr* table_[kMax + 1] = {};
};

// 0 if there is no such interface. Asked of the socket there is: if_nametoindex() opens one, and where no
// descriptor is to be had an interface that is there would be missing.
Result<std::uint32_t> interface_index(RtnetlinkSocket& socket, const std::string& name);

// `destination` of a route or rule whose attribute may be missing (then: everything).
std::optional<Prefix> prefix_of(int family, ConstBytes octets, int length);

}  // namespace isthmus::io
