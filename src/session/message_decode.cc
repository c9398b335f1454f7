#include <algorithm>
#include <utility>

#include "base/byte_reader.h"
#include "base/guard.h"
#include "base/printable.h"
#include "session/message.h"
#include "session/message_format.h"

namespace isthmus::session {
namespace {

using namespace format;  // NOLINT(google-build-using-namespace): the numbers of our own format

std::unexpected<Error> broken(const char* what) {
  return fail(Error::Code::kProtocol, std::string{"VSNP message: "} + what);
}

struct Field {
  Tlv type;
  ConstBytes value;
};

IpAddress read_address(ByteReader& in) {
  const std::uint8_t family = in.u8();
  const ConstBytes octets = in.take(family == 4 ? 4 : family == 6 ? 16 : in.remaining() + 1);
  return in.ok() ? *IpAddress::from_octets(octets) : IpAddress{};
}

Result<Prefix> read_prefix(ByteReader& in) {
  const std::uint8_t family = in.u8();
  const std::uint8_t length = in.u8();
  if (!in.ok() || (family != 4 && family != 6)) return broken("a prefix of no known family");
  const std::size_t width = family == 4 ? 4 : 16;
  if (length > 8 * width) return broken("a prefix longer than its address");

  std::array<std::uint8_t, 16> octets{};
  const ConstBytes given = in.take((std::size_t{length} + 7) / 8);
  if (!in.ok()) return broken("a prefix cut short");
  std::ranges::copy(given, octets.begin());
  const IpAddress address = TRY(IpAddress::from_octets(ConstBytes{octets}.first(width)));
  const Result<Prefix> prefix = Prefix::make(address, length);
  if (!prefix) return broken("a prefix with host bits set");
  return *prefix;
}

Result<void> expect_end(const ByteReader& in) {
  if (!in.ok()) return broken("a field cut short");
  if (in.remaining() > 0) return broken("octets behind the end of a field");
  return {};
}

Result<void> take_once(bool& seen) {
  if (!guard<Guard::kVsnpFieldOnce>(!std::exchange(seen, true)))
    return broken("a field twice that is there once");
  return {};
}

// Reads one value into an array of the right size, once.
template <std::size_t N>
Result<void> take_id(ConstBytes value, std::array<std::uint8_t, N>& id, bool& seen) {
  TRY(take_once(seen));
  if (value.size() != N) return broken("an id of the wrong length");
  std::ranges::copy(value, id.begin());
  return {};
}

Result<std::string> take_text(ConstBytes value, std::size_t limit) {
  if (value.size() > limit) return broken("a text too long");
  return printable(text_of(value), limit);
}

template <typename T>
Result<void> append(std::vector<T>& list, std::size_t limit, T value) {
  if (list.size() >= limit) return broken("a list too long");
  list.push_back(std::move(value));
  return {};
}

Result<void> append_prefix(std::vector<Prefix>& list, ConstBytes value) {
  ByteReader in{value};
  const Prefix prefix = TRY(read_prefix(in));
  TRY(expect_end(in));
  return append(list, kMaxPrefixes, prefix);
}

Result<void> append_address(std::vector<IpAddress>& list, ConstBytes value) {
  ByteReader in{value};
  const IpAddress address = read_address(in);
  TRY(expect_end(in));
  return append(list, kMaxTargets, address);
}

Result<std::uint8_t> take_u8(ConstBytes value) {
  ByteReader in{value};
  const std::uint8_t octet = in.u8();
  TRY(expect_end(in));
  return octet;
}

// Each reader takes the fields its message knows and leaves the rest unread: later versions may add some.
struct HelloReader {
  Hello message;
  bool has_node = false, has_host = false, has_name = false, has_role = false;

  Result<void> take(const Field& field) {
    if (field.type == Tlv::kNode) return take_id(field.value, message.node, has_node);
    if (field.type == Tlv::kHost) return take_id(field.value, message.host, has_host);
    if (field.type == Tlv::kOffer) return append_prefix(message.offers, field.value);
    if (field.type == Tlv::kWant) return append_prefix(message.wants, field.value);
    if (field.type == Tlv::kName) return take_name(field.value);
    if (field.type == Tlv::kRole) return take_role(field.value);
    return {};
  }
  Result<void> take_name(ConstBytes value) {
    TRY(take_once(has_name));
    message.name = TRY(take_text(value, kMaxName));
    return {};
  }
  Result<void> take_role(ConstBytes value) {
    TRY(take_once(has_role));
    const std::uint8_t role = TRY(take_u8(value));
    message.is_caller = (role & kRoleCaller) != 0;
    message.plan_only = (role & kRolePlanOnly) != 0;
    return {};
  }
  [[nodiscard]] bool is_whole() const { return has_node && has_host && has_role; }
};

struct AnswerReader {
  Answer message;

  Result<void> take(const Field& field) {
    if (field.type != Tlv::kVerdict) return {};
    ByteReader in{field.value};
    const std::uint8_t accepted = in.u8();
    if (accepted > 1) return broken("a verdict that is neither yes nor no");
    const Prefix prefix = TRY(read_prefix(in));
    std::string reason = TRY(take_text(in.take_rest(), kMaxText));
    return append(message.verdicts, kMaxPrefixes, Answer::Verdict{prefix, accepted == 1, std::move(reason)});
  }
  [[nodiscard]] bool is_whole() const { return true; }
};

struct ReadyReader {
  Ready message;

  Result<void> take(const Field& field) {
    if (field.type == Tlv::kGatewayAddress) return append_address(message.gateways, field.value);
    if (field.type == Tlv::kHostAddress) return append_address(message.hosts, field.value);
    return {};
  }
  [[nodiscard]] bool is_whole() const { return true; }
};

struct ProofReader {
  ProofReport message;

  Result<void> take(const Field& field) {
    if (field.type == Tlv::kProbe) return take_probe(field.value);
    if (field.type != Tlv::kRemedy) return {};
    return append(message.remedies, kMaxRemedies, TRY(take_text(field.value, kMaxText)));
  }
  Result<void> take_probe(ConstBytes value) {
    ByteReader in{value};
    const std::uint8_t flags = in.u8();
    const std::chrono::microseconds round_trip{in.u32()};
    ProofReport::Probe probe;
    probe.source = read_address(in);
    probe.target = read_address(in);
    TRY(expect_end(in));
    probe.is_host = (flags & kProbeOfHost) != 0;
    if ((flags & kProbeAnswered) != 0) probe.round_trip = round_trip;
    return append(message.probes, kMaxProbes, probe);
  }
  [[nodiscard]] bool is_whole() const { return true; }
};

struct PlanReader {
  PlanReport message;

  Result<void> take(const Field& field) {
    if (field.type == Tlv::kLast) return take_last(field.value);
    if (field.type != Tlv::kLine) return {};
    return append(message.lines, kMaxLines, TRY(take_text(field.value, kMaxText)));
  }
  Result<void> take_last(ConstBytes value) {
    if (!value.empty()) return broken("octets in a field that is empty");
    return take_once(message.is_last);
  }
  [[nodiscard]] bool is_whole() const { return true; }
};

struct ByeReader {
  Bye message;
  bool has_reason = false, has_text = false;

  Result<void> take(const Field& field) {
    if (field.type == Tlv::kText) return take_reason_text(field.value);
    if (field.type == Tlv::kReason) return take_reason(field.value);
    return {};
  }
  Result<void> take_reason_text(ConstBytes value) {
    TRY(take_once(has_text));
    message.text = TRY(take_text(value, kMaxText));
    return {};
  }
  Result<void> take_reason(ConstBytes value) {
    TRY(take_once(has_reason));
    const std::uint8_t reason = TRY(take_u8(value));
    if (reason < std::to_underlying(Bye::Reason::kUndone) ||
        reason > std::to_underlying(Bye::Reason::kFailed))
      return broken("a reason of no known number");
    message.reason = static_cast<Bye::Reason>(reason);
    return {};
  }
  [[nodiscard]] bool is_whole() const { return has_reason; }
};

template <typename Reader>
Result<Message> read_fields(ByteReader& in) {
  Reader reader;
  while (in.remaining() > 0) {
    const Tlv type{in.u8()};
    const std::uint16_t length = in.u16();
    const ConstBytes value = in.take(length);
    if (!guard<Guard::kVsnpField>(in.ok())) return broken("a field cut short");
    TRY(reader.take(Field{type, value}));
  }
  if (!reader.is_whole()) return broken("a field that must be there is missing");
  return Message{std::move(reader.message)};
}

}  // namespace

Result<Message> decode(ConstBytes octets) {
  ByteReader header{octets};
  const std::uint8_t version = header.u8();
  const std::uint8_t type = header.u8();
  const std::uint16_t length = header.u16();
  const bool is_sane = header.ok() && length >= kHeaderSize && length <= octets.size();
  if (!guard<Guard::kVsnpLength>(is_sane)) return broken("its length is wrong");
  if (length > kMaxMessage) return broken("it is too long");
  if (version != kVersion) return fail(Error::Code::kUnsupported, "VSNP message of another version");

  // PPP may pad an information field (RFC 1661 section 2): what lies beyond `length` is not ours.
  ByteReader in{octets.subspan(kHeaderSize, length - kHeaderSize)};
  switch (Type{type}) {
    case Type::kHello:
      return read_fields<HelloReader>(in);
    case Type::kAnswer:
      return read_fields<AnswerReader>(in);
    case Type::kReady:
      return read_fields<ReadyReader>(in);
    case Type::kProof:
      return read_fields<ProofReader>(in);
    case Type::kPlan:
      return read_fields<PlanReader>(in);
    case Type::kBye:
      return read_fields<ByeReader>(in);
    case Type::kSuperPacket:
    case Type::kReceiveReport:
    case Type::kDatagramHello:
    case Type::kPathReport:
    case Type::kPathClose:
      break;  // stream_message.h and datagram_message.h read them
  }
  return fail(Error::Code::kUnsupported, "VSNP message type " + std::to_string(type));
}

}  // namespace isthmus::session
