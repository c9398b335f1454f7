#include "session/datagram_message.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/field_message.h"
#include "base/guard.h"
#include "session/message_format.h"

namespace isthmus::session {
namespace {

using namespace format;  // NOLINT(google-build-using-namespace): the numbers of our own format

constexpr std::size_t kMaxSize = 1280;  // any peer's MRU takes it

std::unexpected<Error> broken(const char* what) {
  return fail(Error::Code::kProtocol, std::string{"datagram message: "} + what);
}

Type type_of(const DatagramHello&) {
  return Type::kDatagramHello;
}
Type type_of(const PathReport&) {
  return Type::kPathReport;
}
Type type_of(const PathClose&) {
  return Type::kPathClose;
}

void put_addresses(FieldWriter& out, Tlv type, const std::vector<IpAddress>& addresses, std::size_t limit) {
  for (std::size_t i = 0; i < std::min(addresses.size(), limit); ++i) {
    out.field(std::to_underlying(type), [&](ByteWriter& value) {
      value.u8(addresses[i].is_v4() ? 4 : 6);
      value.raw(addresses[i].octets());
    });
  }
}

void put_generation(FieldWriter& out, Tlv type, esp::Generation generation) {
  out.field(std::to_underlying(type), [&](ByteWriter& value) { value.u32(std::to_underlying(generation)); });
}

void compose(FieldWriter& out, const DatagramHello& hello) {
  out.field(std::to_underlying(Tlv::kPort), [&](ByteWriter& value) { value.u16(hello.port); });
  put_addresses(out, Tlv::kOwnAddress, hello.addresses, kMaxOwnAddresses);
  put_addresses(out, Tlv::kSeenAddress, hello.seen, kMaxSeenAddresses);
  out.field(std::to_underlying(Tlv::kCiphers), [&](ByteWriter& value) {
    for (std::size_t i = 0; i < std::min(hello.ciphers.size(), keying::kMaxCiphers); ++i)
      value.u8(std::to_underlying(hello.ciphers[i]));
  });
  out.field(std::to_underlying(Tlv::kWorkers),
            [&](ByteWriter& value) { value.u8(static_cast<std::uint8_t>(hello.keying.workers)); });
  put_generation(out, Tlv::kGeneration, hello.keying.highest);
  const std::vector<esp::Generation>& live = hello.keying.live;
  for (std::size_t i = 0; i < std::min(live.size(), keying::kMaxLive); ++i)
    put_generation(out, Tlv::kLiveGeneration, live[i]);
}

void put_count(FieldWriter& out, Tlv type, esp::Generation generation, std::uint64_t count) {
  out.field(std::to_underlying(type), [&](ByteWriter& value) {
    value.u32(std::to_underlying(generation));
    value.u64(count);
  });
}

void compose(FieldWriter& out, const PathReport& report) {
  for (std::size_t i = 0; i < std::min(report.received.size(), keying::kMaxLive); ++i) {
    const PathReport::Received& one = report.received[i];
    put_count(out, Tlv::kReceived, one.generation, one.packets);
    if (one.highest) put_count(out, Tlv::kHighestNumbers, one.generation, *one.highest);
  }
  if (!report.probe_size) return;
  out.field(std::to_underlying(Tlv::kProbeSize), [&](ByteWriter& value) { value.u16(*report.probe_size); });
}

void compose(FieldWriter& out, const PathClose& close) {
  out.field(std::to_underlying(Tlv::kCloseReason),
            [&](ByteWriter& value) { value.u8(std::to_underlying(close.reason)); });
}

Result<void> append_address(std::vector<IpAddress>& list, std::size_t limit, ConstBytes value) {
  if (value.empty()) return broken("an address of no length");
  const std::size_t width = value[0] == 4 ? 4 : 16;
  if ((value[0] != 4 && value[0] != 6) || value.size() != 1 + width)
    return broken("an address of no known family, or of the wrong length");
  if (list.size() >= limit) return broken("too many addresses");
  list.push_back(TRY(IpAddress::from_octets(value.subspan(1))));
  return {};
}

// Each reader takes the fields its message knows and leaves the rest unread: later versions may add some.
struct HelloReader {
  DatagramHello message;
  OnceField<std::uint16_t> port;
  OnceField<std::uint8_t> workers;
  OnceField<esp::Generation> highest;
  bool has_ciphers = false;

  Result<void> take(Tlv type, ConstBytes value) {
    if (type == Tlv::kPort) return port.set(TRY(read_number<std::uint16_t>(value)));
    if (type == Tlv::kOwnAddress) return append_address(message.addresses, kMaxOwnAddresses, value);
    if (type == Tlv::kSeenAddress) return append_address(message.seen, kMaxSeenAddresses, value);
    if (type == Tlv::kCiphers) return take_ciphers(value);
    if (type == Tlv::kWorkers) return workers.set(TRY(read_number<std::uint8_t>(value)));
    if (type == Tlv::kGeneration) return highest.set(esp::Generation{TRY(read_number<std::uint32_t>(value))});
    if (type == Tlv::kLiveGeneration) return take_live(value);
    return {};
  }
  // Ciphers of a later version are for its other readers.
  Result<void> take_ciphers(ConstBytes value) {
    if (std::exchange(has_ciphers, true)) return broken("two lists of ciphers");
    if (value.empty() || value.size() > keying::kMaxCiphers)
      return broken("a list of ciphers of the wrong length");
    for (const std::uint8_t number : value) {
      const crypto::Cipher cipher{number};
      if (crypto::key_size(cipher) > 0) message.ciphers.push_back(cipher);
    }
    return {};
  }
  Result<void> take_live(ConstBytes value) {
    const esp::Generation generation{TRY(read_number<std::uint32_t>(value))};
    if (message.keying.live.size() >= keying::kMaxLive) return broken("too many live generations");
    message.keying.live.push_back(generation);
    return {};
  }
  Result<DatagramMessage> finish() {
    if (!port.is_set() || !workers.is_set() || !highest.is_set() || !has_ciphers)
      return broken("a field that must be there is missing");
    if (port.value() == 0) return broken("port 0");
    const bool can_be = workers.value() > 0 && workers.value() <= keying::kMaxWorkers;
    if (!guard<Guard::kWorkers>(can_be)) return broken("a number of workers that cannot be");
    message.port = port.value();
    message.keying.workers = workers.value();
    message.keying.highest = highest.value();
    return std::move(message);
  }
};

struct ReportReader {
  PathReport message;
  OnceField<std::uint16_t> probe_size;

  Result<void> take(Tlv type, ConstBytes value) {
    if (type == Tlv::kProbeSize) return probe_size.set(TRY(read_number<std::uint16_t>(value)));
    if (type != Tlv::kReceived && type != Tlv::kHighestNumbers) return {};
    ByteReader in{value};
    const esp::Generation generation{in.u32()};
    const std::uint64_t count = in.u64();
    if (!in.ok() || in.remaining() > 0) return broken("a count of the wrong length");
    if (type == Tlv::kHighestNumbers) return take_highest(generation, count);
    if (message.received.size() >= keying::kMaxLive) return broken("too many generations");
    message.received.push_back({generation, count});
    return {};
  }
  Result<void> take_highest(esp::Generation generation, std::uint64_t highest) {
    if (message.received.empty() || message.received.back().generation != generation)
      return broken("highest numbers not behind the count of their generation");
    if (message.received.back().highest) return broken("highest numbers twice");
    message.received.back().highest = highest;
    return {};
  }
  Result<DatagramMessage> finish() {
    if (probe_size.is_set()) message.probe_size = probe_size.value();
    return std::move(message);
  }
};

struct CloseReader {
  OnceField<std::uint8_t> reason;

  Result<void> take(Tlv type, ConstBytes value) {
    if (type != Tlv::kCloseReason) return {};
    return reason.set(TRY(read_number<std::uint8_t>(value)));
  }
  Result<DatagramMessage> finish() const {
    if (!reason.is_set()) return broken("a field that must be there is missing");
    if (reason.value() != std::to_underlying(PathClose::Reason::kSwitchedOff))
      return broken("a reason of no known number");
    return PathClose{};
  }
};

template <typename Reader>
Result<DatagramMessage> read_fields(ConstBytes fields) {
  Reader reader;
  TRY(for_each_field(fields,
                     [&](std::uint8_t type, ConstBytes value) { return reader.take(Tlv{type}, value); }));
  return reader.finish();
}

}  // namespace

bool is_datagram_message(ConstBytes octets) {
  return octets.size() >= kMessageHeaderSize && octets[0] == kVersion &&
         octets[1] >= std::to_underlying(Type::kDatagramHello) &&
         octets[1] <= std::to_underlying(Type::kPathClose);
}

Bytes encode(const DatagramMessage& message) {
  return std::visit(
      [](const auto& body) {
        FieldWriter out{kVersion, std::to_underlying(type_of(body))};
        compose(out, body);
        return out.finish();
      },
      message);
}

Result<DatagramMessage> decode_datagram_message(ConstBytes octets) {
  const MessageView message = TRY(open_message(octets, kMaxSize));
  if (!is_datagram_message(octets))
    return fail(Error::Code::kUnsupported, "no datagram message of this version");
  if (Type{message.type} == Type::kDatagramHello) return read_fields<HelloReader>(message.fields);
  if (Type{message.type} == Type::kPathReport) return read_fields<ReportReader>(message.fields);
  return read_fields<CloseReader>(message.fields);
}

}  // namespace isthmus::session
