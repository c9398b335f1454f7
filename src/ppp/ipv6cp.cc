#include "ppp/ipv6cp.h"

#include <fmt/format.h>

#include "base/byte_reader.h"
#include "base/byte_writer.h"

namespace isthmus::ppp {
namespace {

constexpr std::uint8_t kInterfaceIdentifier = 1;
// The universal/local bit: zero unless the identifier comes from a global IEEE one, and ours never do.
constexpr std::uint64_t kUniversalBit = std::uint64_t{1} << 57;

Bytes value_of(std::uint64_t identifier) {
  Bytes out;
  ByteWriter(out).u64(identifier);
  return out;
}

}  // namespace

Ipv6cpPolicy::Ipv6cpPolicy(const NetworkOptions& options, RandomSource& random)
    : random_(random), wish_(0), local_(0) {
  wish_ = local_ = options.local_interface_id.value_or(0);
  if (wish_ == 0) wish_ = local_ = draw();
}

Result<Ipv6Up> Ipv6cpPolicy::agreement() const {
  if (remote_ == 0) return fail(Error::Code::kRefused, "the peer names no IPv6 interface identifier");
  if (remote_ == local_)
    return fail(Error::Code::kRefused, "both ends claim the same IPv6 interface identifier");
  return Ipv6Up{local_, remote_};
}

void Ipv6cpPolicy::reset() {
  local_ = wish_;
  remote_ = suggested_ = 0;
  has_appended_ = false;
}

void Ipv6cpPolicy::append_request(Bytes& out) {
  append_option(kInterfaceIdentifier, value_of(local_), out);
}

Judgement Ipv6cpPolicy::judge(const Option& option) {
  if (option.type != kInterfaceIdentifier) return Judgement::reject();
  ByteReader in(option.value);
  const std::uint64_t identifier = in.u64();
  const bool is_well_formed = in.ok() && in.remaining() == 0;
  if (is_well_formed && identifier != 0 && identifier != local_) return Judgement::ack();
  suggested_ = draw();
  return Judgement::nak(value_of(suggested_));
}

void Ipv6cpPolicy::append_missing(const std::vector<Option>& request, Bytes& out) {
  // Once: a peer that still leaves it out does not know it.
  if (has_appended_ || contains(request, kInterfaceIdentifier)) return;
  has_appended_ = true;
  suggested_ = draw();
  append_option(kInterfaceIdentifier, value_of(suggested_), out);
}

void Ipv6cpPolicy::grant(const std::vector<Option>& request) {
  remote_ = 0;
  for (const Option& option : request)
    if (option.type == kInterfaceIdentifier) remote_ = ByteReader(option.value).u64();
}

Result<void> Ipv6cpPolicy::nakked(const std::vector<Option>& suggested) {
  for (const Option& option : suggested) {
    if (option.type != kInterfaceIdentifier || option.value.size() != 8) continue;
    const std::uint64_t identifier = ByteReader(option.value).u64();
    const bool is_usable = identifier != 0 && identifier != suggested_ && identifier != remote_;
    local_ = is_usable ? identifier : draw();
  }
  return {};
}

Result<void> Ipv6cpPolicy::rejected(const std::vector<Option>&) {
  return fail(Error::Code::kRefused, "the peer does not negotiate IPv6 interface identifiers");
}

std::string Ipv6cpPolicy::describe(const Option& option) const {
  if (option.type != kInterfaceIdentifier || option.value.size() != 8) return describe_unknown(option);
  return fmt::format("interface identifier {:016x}", ByteReader(option.value).u64());
}

std::uint64_t Ipv6cpPolicy::draw() {
  for (int attempt = 0; attempt < 8; ++attempt) {
    const std::uint64_t drawn = random_.u64() & ~kUniversalBit;
    if (drawn != 0 && drawn != local_ && drawn != remote_ && drawn != suggested_) return drawn;
  }
  return ((local_ | 1) + 1) & ~kUniversalBit;
}

}  // namespace isthmus::ppp
