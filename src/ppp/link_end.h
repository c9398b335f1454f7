// For tests: a Link with everything it said, and the octets such tests are made of.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/seeded_random.h"
#include "ppp/control_packet.h"
#include "ppp/hdlc_decoder.h"
#include "ppp/hdlc_encoder.h"
#include "ppp/link.h"
#include "ppp/vsncp.h"

namespace isthmus::ppp::test {

// What a peer file would say: everything but what nobody may have.
class AnyHost final : public AddressPolicy {
 public:
  bool permits_remote(const IpAddress& address) const override { return address != forbidden; }
  bool permits_local(const IpAddress& address) const override { return address != forbidden; }
  IpAddress forbidden;
};

inline IpAddress ip(std::string_view text) {
  return *IpAddress::parse(text);
}

struct OwnedFrame {
  std::uint16_t protocol = 0;
  Bytes information;
  friend bool operator==(const OwnedFrame&, const OwnedFrame&) = default;
};

inline std::vector<OwnedFrame> frames_in(ConstBytes stream) {
  HdlcDecoder decoder(kMaxLongMessage);
  decoder.set_receive_accm(0);
  std::vector<OwnedFrame> out;
  decoder.feed(stream, [&](const Frame& frame) {
    out.push_back({frame.protocol, Bytes(frame.information.begin(), frame.information.end())});
  });
  return out;
}

inline Bytes option(std::uint8_t type, ConstBytes value) {
  Bytes out;
  append_option(type, value, out);
  return out;
}
inline Bytes address_option(std::uint8_t type, std::string_view address) {
  return option(type, ip(address).octets());
}

// A Link and everything it said.
class End : public LinkSink {
 public:
  End(LinkOptions options, std::uint64_t seed) : random_(seed), link(std::move(options), random_, policy) {}

  void packet(Family family, ConstBytes octets) override {
    packets.emplace_back(family, Bytes(octets.begin(), octets.end()));
  }
  void collect() {
    for (LinkAction& action : link.take_actions()) actions.push_back(std::move(action));
  }
  template <typename T>
  [[nodiscard]] std::vector<T> all() {
    collect();
    std::vector<T> out;
    for (const LinkAction& action : actions)
      if (const T* found = std::get_if<T>(&action)) out.push_back(*found);
    return out;
  }
  template <typename T>
  [[nodiscard]] std::optional<T> last() {
    const std::vector<T> found = all<T>();
    return found.empty() ? std::nullopt : std::optional<T>(found.back());
  }
  template <typename T>
  [[nodiscard]] std::size_t count() {
    return all<T>().size();
  }
  // Every remark and note in one text.
  [[nodiscard]] std::string said() {
    std::string text;
    for (const LinkNote& note : all<LinkNote>()) text += note.text + "\n";
    return text;
  }
  [[nodiscard]] std::optional<LinkEnd> end() {
    const auto down = last<LinkDown>();
    return down ? std::optional(down->end) : std::nullopt;
  }

 private:
  SeededRandom random_;

 public:
  AnyHost policy;
  Link link;
  std::vector<LinkAction> actions;
  std::vector<std::pair<Family, Bytes>> packets;
};

inline LinkOptions caller_options() {
  LinkOptions options;
  options.network->local_ipv4 = ip("193.6.35.12");
  options.network->remote_ipv4 = ip("193.6.37.12");
  return options;
}
inline LinkOptions called_options() {
  LinkOptions options;
  options.network->local_ipv4 = ip("193.6.37.12");
  options.network->remote_ipv4 = ip("193.6.35.12");
  return options;
}

}  // namespace isthmus::ppp::test
