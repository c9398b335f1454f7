// The numbers of docs/protocol/vsnp.md, for the encoder and the decoder alone.
#pragma once

#include <cstddef>
#include <cstdint>

namespace isthmus::session::format {

inline constexpr std::uint8_t kVersion = 1;
inline constexpr std::size_t kHeaderSize = 4;

enum class Type : std::uint8_t {
  kHello = 1,
  kAnswer = 2,
  kReady = 3,
  kProof = 4,
  kPlan = 5,
  kBye = 6,
  kSuperPacket = 7,
  kReceiveReport = 8,
  kDatagramHello = 9,
  kPathReport = 10,
  kPathClose = 11,
  // 12 to 15: keying/key_message.cc
};

enum class Tlv : std::uint8_t {
  kNode = 1,
  kHost = 2,
  kName = 3,
  kRole = 4,
  kOffer = 5,
  kWant = 6,
  kVerdict = 7,
  kGatewayAddress = 8,
  kHostAddress = 9,
  kProbe = 10,
  kRemedy = 11,
  kLine = 12,
  kLast = 13,
  kReason = 14,
  kText = 15,
  kPort = 16,
  kOwnAddress = 17,
  kSeenAddress = 18,
  kWorkers = 19,
  kLiveGeneration = 20,
  kReceived = 21,
  kProbeSize = 22,
  kCloseReason = 23,
  kGeneration = 24,
  // 25, 26, 28 to 31: keying/key_message.cc
  kCiphers = 27,
  kHighestNumbers = 32,
};

inline constexpr std::uint8_t kRoleCaller = 0x01;
inline constexpr std::uint8_t kRolePlanOnly = 0x02;
inline constexpr std::uint8_t kProbeOfHost = 0x01;
inline constexpr std::uint8_t kProbeAnswered = 0x02;

}  // namespace isthmus::session::format
