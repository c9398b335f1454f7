#include "esp/drop.h"

namespace isthmus::esp {

std::string_view name_of(Drop drop) {
  switch (drop) {
    case Drop::kKeepalive:
      return "keepalive";
    case Drop::kNonEsp:
      return "non-esp";
    case Drop::kBadLength:
      return "bad-length";
    case Drop::kUnknownSpi:
      return "unknown-spi";
    case Drop::kNoRoom:
      return "no-room";
    case Drop::kReplayed:
      return "replayed";
    case Drop::kAuthFailed:
      return "not-authentic";
    case Drop::kBadTrailer:
      return "bad-trailer";
    case Drop::kNextHeader:
      return "next-header";
    case Drop::kDummy:
      return "dummy";
    case Drop::kProbe:
      return "probe";
    case Drop::kNoWholePacket:
      return "no-whole-packet";
    case Drop::kSelector:
      return "selector";
    case Drop::kCongested:
      return "congested";
    case Drop::kNotIp:
      return "not-ip";
    case Drop::kNoOutbound:
      return "no-outbound";
    case Drop::kHardLimit:
      return "hard-limit";
  }
  return "unknown";
}

}  // namespace isthmus::esp
