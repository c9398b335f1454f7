#include <algorithm>
#include <limits>
#include <utility>

#include "base/byte_writer.h"
#include "base/check.h"
#include "base/printable.h"
#include "session/message.h"
#include "session/message_format.h"

namespace isthmus::session {
namespace {

using namespace format;  // NOLINT(google-build-using-namespace): the numbers of our own format

// One attempt at a message, every text cut at `text_limit` octets. Without any text its lists end where the
// message would grow longer than `most`.
class Composer {
 public:
  Composer(Type type, std::size_t text_limit, std::size_t most)
      : text_limit_(text_limit), most_(text_limit > 0 ? std::numeric_limits<std::size_t>::max() : most) {
    out_.u8(kVersion);
    out_.u8(std::to_underlying(type));
    out_.u16(0);
  }

  template <typename Fill>
  void tlv(Tlv type, Fill fill) {
    out_.u8(std::to_underlying(type));
    const std::size_t length_at = octets_.size();
    out_.u16(0);
    fill();
    out_.patch_u16(length_at, static_cast<std::uint16_t>(octets_.size() - length_at - 2));
  }

  void u8(std::uint8_t value) { out_.u8(value); }
  void u32(std::uint32_t value) { out_.u32(value); }
  void raw(ConstBytes octets) { out_.raw(octets); }
  void text(const std::string& text, std::size_t limit = kMaxText) {
    raw(bytes_of(printable(text, std::min(limit, text_limit_))));
  }
  void address(const IpAddress& address) {
    u8(address.is_v4() ? 4 : 6);
    raw(address.octets());
  }
  void prefix(const Prefix& prefix) {
    u8(prefix.address().is_v4() ? 4 : 6);
    u8(static_cast<std::uint8_t>(prefix.length()));
    raw(prefix.address().octets().first((static_cast<std::size_t>(prefix.length()) + 7) / 8));
  }

  void text_tlv(Tlv type, const std::string& value) {
    tlv(type, [&] { text(value); });
  }
  template <typename List, typename Write>
  void list(Tlv type, const List& values, std::size_t limit, Write write) {
    for (std::size_t i = 0; i < std::min(values.size(), limit); ++i) {
      const std::size_t before = octets_.size();
      tlv(type, [&] { write(values[i]); });
      if (octets_.size() > most_) return octets_.resize(before);
    }
  }

  Bytes finish() {
    out_.patch_u16(2, static_cast<std::uint16_t>(octets_.size()));
    return std::move(octets_);
  }

 private:
  Bytes octets_;
  ByteWriter out_{octets_};
  std::size_t text_limit_;
  std::size_t most_;
};

Type type_of(const Hello&) {
  return Type::kHello;
}
Type type_of(const Answer&) {
  return Type::kAnswer;
}
Type type_of(const Ready&) {
  return Type::kReady;
}
Type type_of(const ProofReport&) {
  return Type::kProof;
}
Type type_of(const PlanReport&) {
  return Type::kPlan;
}
Type type_of(const Bye&) {
  return Type::kBye;
}

void compose(Composer& out, const Hello& hello) {
  out.tlv(Tlv::kNode, [&] { out.raw(hello.node); });
  out.tlv(Tlv::kHost, [&] { out.raw(hello.host); });
  out.tlv(Tlv::kName, [&] { out.text(hello.name, kMaxName); });
  const auto role =
      static_cast<std::uint8_t>((hello.is_caller ? kRoleCaller : 0) | (hello.plan_only ? kRolePlanOnly : 0));
  out.tlv(Tlv::kRole, [&] { out.u8(role); });
  const auto write = [&](const Prefix& prefix) { out.prefix(prefix); };
  out.list(Tlv::kOffer, hello.offers, kMaxPrefixes, write);
  out.list(Tlv::kWant, hello.wants, kMaxPrefixes, write);
}

void compose(Composer& out, const Answer& answer) {
  out.list(Tlv::kVerdict, answer.verdicts, kMaxPrefixes, [&](const Answer::Verdict& verdict) {
    out.u8(verdict.accepted ? 1 : 0);
    out.prefix(verdict.prefix);
    out.text(verdict.reason);
  });
}

void compose(Composer& out, const Ready& ready) {
  const auto write = [&](const IpAddress& address) { out.address(address); };
  out.list(Tlv::kGatewayAddress, ready.gateways, kMaxTargets, write);
  out.list(Tlv::kHostAddress, ready.hosts, kMaxTargets, write);
}

std::uint32_t microseconds(Duration duration) {
  const auto count = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(count, 0, std::numeric_limits<std::uint32_t>::max()));
}

void compose(Composer& out, const ProofReport& report) {
  out.list(Tlv::kProbe, report.probes, kMaxProbes, [&](const ProofReport::Probe& probe) {
    const int flags = (probe.is_host ? kProbeOfHost : 0) | (probe.round_trip ? kProbeAnswered : 0);
    out.u8(static_cast<std::uint8_t>(flags));
    out.u32(probe.round_trip ? microseconds(*probe.round_trip) : 0);
    out.address(probe.source);
    out.address(probe.target);
  });
  out.list(Tlv::kRemedy, report.remedies, kMaxRemedies, [&](const std::string& text) { out.text(text); });
}

void compose(Composer& out, const PlanReport& report) {
  out.list(Tlv::kLine, report.lines, kMaxLines, [&](const std::string& text) { out.text(text); });
  if (report.is_last) out.tlv(Tlv::kLast, [] {});
}

void compose(Composer& out, const Bye& bye) {
  out.tlv(Tlv::kReason, [&] { out.u8(std::to_underlying(bye.reason)); });
  out.text_tlv(Tlv::kText, bye.text);
}

}  // namespace

Bytes encode(const Message& message, std::size_t most) {
  CHECK(most >= kLeastMessage);
  most = std::min(most, kMaxMessage);
  const auto compose_with = [&](std::size_t text_limit) {
    return std::visit(
        [&](const auto& body) {
          Composer out{type_of(body), text_limit, most};
          compose(out, body);
          return out.finish();
        },
        message);
  };
  // Shorter texts are what gives way first.
  std::size_t text_limit = kMaxText;
  Bytes octets = compose_with(text_limit);
  while (octets.size() > most && text_limit > 0) {
    text_limit = text_limit * 7 / 8;
    octets = compose_with(text_limit);
  }
  CHECK(octets.size() <= most);
  return octets;
}

std::vector<PlanReport> plan_reports(const std::vector<std::string>& lines, std::size_t most) {
  // Every report has room for one line, whatever the peer takes.
  const std::size_t whole = std::clamp(most, kHeaderSize + 6 + kMaxText, kMaxMessage) - kHeaderSize - 3;
  std::vector<PlanReport> reports(1);
  std::size_t room = whole;
  for (const std::string& line : lines) {
    const std::size_t size = 3 + std::min(line.size(), kMaxText);
    if (size > room || reports.back().lines.size() >= kMaxLines) {
      reports.emplace_back();
      room = whole;
    }
    reports.back().lines.push_back(line);
    room -= size;
  }
  reports.back().is_last = true;
  return reports;
}

}  // namespace isthmus::session
