#include "ppp/vsncp.h"

#include <fmt/format.h>

#include "base/byte_reader.h"
#include "base/byte_writer.h"

namespace isthmus::ppp {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kCapabilities = 2;

Bytes value_of(std::uint32_t number) {
  Bytes out;
  ByteWriter(out).u32(number);
  return out;
}

}  // namespace

void VsncpPolicy::reset() {
  version_ = kVsnpVersion;
  asks_version_ = asks_capabilities_ = true;
}

void VsncpPolicy::append_request(Bytes& out) {
  if (asks_version_) append_option(kVersion, value_of(version_), out);
  if (asks_capabilities_) append_option(kCapabilities, value_of(capabilities_), out);
}

Judgement VsncpPolicy::judge(const Option& option) {
  ByteReader in(option.value);
  const std::uint32_t number = in.u32();
  const bool is_well_formed = in.ok() && in.remaining() == 0;
  if (option.type == kVersion)
    return is_well_formed && number > 0 ? Judgement::ack() : Judgement::nak(value_of(kVsnpVersion));
  // Bits we do not know are no harm: a capability counts only where both ends have it.
  if (option.type == kCapabilities) return is_well_formed ? Judgement::ack() : Judgement::nak(value_of(0));
  return Judgement::reject();
}

void VsncpPolicy::append_missing(const std::vector<Option>&, Bytes&) {}

void VsncpPolicy::grant(const std::vector<Option>& request) {
  peer_ = {kVsnpVersion, 0};
  for (const Option& option : request) {
    const std::uint32_t number = ByteReader(option.value).u32();
    if (option.type == kVersion) peer_.version = number;
    if (option.type == kCapabilities) peer_.capabilities = number;
  }
}

Result<void> VsncpPolicy::nakked(const std::vector<Option>& suggested) {
  for (const Option& option : suggested) {
    ByteReader in(option.value);
    const std::uint32_t number = in.u32();
    if (!in.ok() || option.type != kVersion) continue;
    if (number == 0 || number > kVsnpVersion)
      return fail(Error::Code::kUnsupported,
                  fmt::format("the peer wants VSNP version {}, we speak {}", number, kVsnpVersion));
    version_ = number;
  }
  return {};
}

Result<void> VsncpPolicy::rejected(const std::vector<Option>& refused) {
  if (contains(refused, kVersion)) asks_version_ = false;
  if (contains(refused, kCapabilities)) asks_capabilities_ = false;
  return {};
}

std::string VsncpPolicy::describe(const Option& option) const {
  if (option.value.size() != 4) return describe_unknown(option);
  const std::uint32_t number = ByteReader(option.value).u32();
  if (option.type == kVersion) return fmt::format("version {}", number);
  if (option.type == kCapabilities) return fmt::format("capabilities 0x{:08x}", number);
  return describe_unknown(option);
}

}  // namespace isthmus::ppp
