#include "ppp/lcp.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/byte_reader.h"
#include "base/byte_writer.h"

namespace isthmus::ppp {
namespace {

constexpr std::uint8_t kMru = 1;
constexpr std::uint8_t kAccm = 2;
constexpr std::uint8_t kAuthentication = 3;
constexpr std::uint8_t kQuality = 4;
constexpr std::uint8_t kMagic = 5;
constexpr std::uint8_t kPfc = 7;
constexpr std::uint8_t kAcfc = 8;

constexpr std::uint32_t kDefaultAccm = 0xffffffff;
// RFC 8200 section 5: a link that carries IPv6 carries 1280 octets. Without IPv6, whatever holds an IP and a
// TCP header.
constexpr std::uint16_t kMinimumMruIpv6 = 1280;
constexpr std::uint16_t kMinimumMru = 64;

Bytes u16_value(std::uint16_t value) {
  Bytes out;
  ByteWriter(out).u16(value);
  return out;
}

Bytes u32_value(std::uint32_t value) {
  Bytes out;
  ByteWriter(out).u32(value);
  return out;
}

}  // namespace

LcpPolicy::LcpPolicy(const LinkOptions& options, RandomSource& random)
    : wishes_(options),
      random_(random),
      minimum_mru_(!options.network || options.network->ipv6 ? kMinimumMruIpv6 : kMinimumMru) {
  magic_ = draw_magic();
  reset();
}

void LcpPolicy::reset() {
  peer_ = {};
  nakked_magic_ = 0;
  mru_ = wishes_.mru;
  accm_ = wishes_.accm;
  asks_mru_ = mru_ != kDefaultMru;
  asks_accm_ = accm_ != kDefaultAccm;
  asks_magic_ = wishes_.magic_number;
  asks_pfc_ = wishes_.protocol_field_compression;
  asks_acfc_ = wishes_.address_control_compression;
}

void LcpPolicy::append_request(Bytes& out) {
  if (asks_mru_) append_option(kMru, u16_value(mru_), out);
  if (asks_accm_) append_option(kAccm, u32_value(accm_), out);
  if (asks_magic_) append_option(kMagic, u32_value(magic_), out);
  if (asks_pfc_) append_option(kPfc, {}, out);
  if (asks_acfc_) append_option(kAcfc, {}, out);
}

Judgement LcpPolicy::judge(const Option& option) {
  switch (option.type) {
    case kMru:
      return judge_mru(option);
    case kAccm:
      return option.value.size() == 4 ? Judgement::ack() : Judgement::nak(u32_value(0));
    case kMagic:
      return judge_magic(option);
    // Options without a value are never Nak'd (RFC 1661 section 5.3).
    case kPfc:
      return wishes_.protocol_field_compression && option.value.empty() ? Judgement::ack()
                                                                        : Judgement::reject();
    case kAcfc:
      return wishes_.address_control_compression && option.value.empty() ? Judgement::ack()
                                                                         : Judgement::reject();
    // Authentication is ssh's work, and done; quality reports, callback and the rest are not ours.
    default:
      return Judgement::reject();
  }
}

Judgement LcpPolicy::judge_mru(const Option& option) const {
  ByteReader in(option.value);
  const std::uint16_t mru = in.u16();
  if (!in.ok() || in.remaining() > 0) return Judgement::nak(u16_value(kDefaultMru));
  return mru < minimum_mru_ ? Judgement::nak(u16_value(minimum_mru_)) : Judgement::ack();
}

// RFC 1661 section 6.4.
Judgement LcpPolicy::judge_magic(const Option& option) {
  ByteReader in(option.value);
  const std::uint32_t magic = in.u32();
  const bool is_ours = asks_magic_ && magic == magic_;
  const bool is_good = in.ok() && in.remaining() == 0 && magic != 0;
  if (is_good && !is_ours) {
    sightings_ = 0;
    return Judgement::ack();
  }
  if (is_good) ++sightings_;
  nakked_magic_ = draw_magic();
  return Judgement::nak(u32_value(nakked_magic_));
}

void LcpPolicy::append_missing(const std::vector<Option>&, Bytes&) {}

void LcpPolicy::grant(const std::vector<Option>& request) {
  peer_ = {};
  for (const Option& option : request) {
    ByteReader in(option.value);
    switch (option.type) {
      case kMru:
        peer_.mru = in.u16();
        break;
      case kAccm:
        peer_.framing.accm = in.u32();
        break;
      case kMagic:
        peer_.magic = in.u32();
        break;
      case kPfc:
        peer_.framing.protocol_field_compression = true;
        break;
      case kAcfc:
        peer_.framing.address_control_compression = true;
        break;
      default:
        break;
    }
  }
}

Result<void> LcpPolicy::nakked(const std::vector<Option>& suggested) {
  for (const Option& option : suggested) take_suggestion(option);
  return {};
}

void LcpPolicy::take_suggestion(const Option& option) {
  ByteReader in(option.value);
  if (option.type == kMru && asks_mru_ && option.value.size() == 2) {
    // More than we can receive is no help; the default always is (RFC 1661 section 6.1).
    mru_ = std::clamp(in.u16(), minimum_mru_, std::max(wishes_.mru, kDefaultMru));
  }
  // RFC 1662 section 7.1: a Nak names more characters to escape, never fewer.
  if (option.type == kAccm && option.value.size() == 4) accm_ = (asks_accm_ ? accm_ : 0) | in.u32();
  if (option.type == kMagic && asks_magic_ && option.value.size() == 4) take_magic(in.u32());
  // Never to be Nak'd (RFC 1661 section 5.3): whoever does it wants to be spared them.
  if (option.type == kPfc) asks_pfc_ = false;
  if (option.type == kAcfc) asks_acfc_ = false;
}

void LcpPolicy::take_magic(std::uint32_t suggested) {
  // Our own Nak coming back: the line may be looped, and only a number drawn anew can tell.
  const bool is_usable = suggested != 0 && suggested != nakked_magic_ && suggested != peer_.magic;
  magic_ = is_usable ? suggested : draw_magic();
}

Result<void> LcpPolicy::rejected(const std::vector<Option>& refused) {
  for (const Option& option : refused) {
    if (option.type == kMru) asks_mru_ = false;
    if (option.type == kAccm) asks_accm_ = false;
    if (option.type == kMagic) asks_magic_ = false;
    if (option.type == kPfc) asks_pfc_ = false;
    if (option.type == kAcfc) asks_acfc_ = false;
  }
  return {};
}

std::string LcpPolicy::describe(const Option& option) const {
  ByteReader in(option.value);
  const bool is_wide = option.type == kAccm || option.type == kMagic;
  const bool is_flag = option.type == kPfc || option.type == kAcfc;
  const std::uint32_t value = is_wide ? in.u32() : is_flag ? 0 : in.u16();
  if (!in.ok()) return describe_unknown(option);
  switch (option.type) {
    case kMru:
      return fmt::format("MRU {}", value);
    case kAccm:
      return fmt::format("escaped control characters 0x{:08x}", value);
    case kAuthentication:
      return fmt::format("authentication by protocol 0x{:04x}", value);
    case kQuality:
      return fmt::format("quality reports by protocol 0x{:04x}", value);
    case kMagic:
      return fmt::format("magic number 0x{:08x}", value);
    case kPfc:
      return "protocol field compression";
    case kAcfc:
      return "address and control field compression";
    default:
      return describe_unknown(option);
  }
}

std::uint32_t LcpPolicy::draw_magic() {
  for (int attempt = 0; attempt < 8; ++attempt) {
    const std::uint32_t drawn = random_.u32();
    if (drawn != 0 && drawn != magic_ && drawn != nakked_magic_) return drawn;
  }
  return magic_ + 1 == 0 ? 1 : magic_ + 1;
}

}  // namespace isthmus::ppp
