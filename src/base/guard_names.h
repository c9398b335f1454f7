// What the guards are called (base/guard.h), by what they keep out.
#pragma once

#include <cstdint>

namespace isthmus {

enum class Guard : std::uint8_t {
  // ESP, in the order of the checks.
  kEspLength,
  kSpi,
  kReplay,
  kIcv,
  kEspPadding,
  kNextHeader,
  kInnerPacket,          // whole, and of the version that Next Header states
  kSelectorSource,       // the peer's networks
  kSelectorOwnSource,    // and not those parts of them that are ours
  kSelectorDestination,  // what we offered
  kSelectorNeverRouted,  // though a default route holds it
  kNewest,               // of all numbers so far: only then may the peer have moved
  kHardLimit,            // outwards
  // Crypto and the exchange of keys.
  kSharedSecret,    // not all zero
  kSelfTest,        // published vectors, before a cipher is used
  kKeyRole,         // who offers and who answers
  kNextGeneration,  // the number before it plus one
  kKeyPause,        // one exchange a second
  kPeerSpis,
  kAwaitedAnswer,  // of the generation that was offered
  kOfferedCipher,
  kOfferedEsn,
  kProofToken,  // that came back by the new keys
  // The path of datagrams.
  kProbeToken,
  kProvenAddress,  // before packets go there
  kMoveProbes,     // so many octets an address that has not answered gets at most
  kReplies,        // one a tick to an address that probes come from
  kProbeAddress,   // that may be probed at all
  kQuotedSpi,      // of an ICMP message: a live one of ours
  kQuotedAddress,  // and the one that packets go to
  kLeastMtu,       // that an ICMP message is believed
  kWorkers,
  // Messages of the stream.
  kMessageLength,
  kMessageField,      // whole
  kMessageFieldOnce,  // where it is there once
  kVsnpLength,
  kVsnpField,
  kVsnpFieldOnce,
  kSegmentSize,  // of a super-packet that a message states
  kSuperHeaders,
  kSegments,
  // PPP.
  kFcs,
  kFrameTooShort,
  kFrameTooLong,
  kMru,
  kLcpOpened,      // before any other protocol is heard
  kNetworkOpened,  // before its packets are
  kControlLength,
  kOptionEnd,
  kReplyIdentifier,  // that of the request
  kAckedOptions,     // those of the request
  kRefusals,         // so many in a row at most
  kRemoteAddress,
  kLocalAddress,
  // What a peer may have.
  kNeverRouted,
  kDenied,
  kAccepted,
  kDefaultRoute,  // only if it is written out
  kOurAddress,
  kOurNetwork,
  kOurRoute,
  kOurOffer,
  kOuterEndpoint,
  kOtherSession,
  kPeerAddress,   // which the peer may have
  kGivenAddress,  // which it may give us
  // Who may begin or join a session.
  kRoot,
  kPeerName,
  kForcedCommand,
  kAdoption,  // of root logins, where the site has it
  kRootLogin,
  kSudoUser,
  kJoinsFile,
  kJoinsUp,
  kWithinFile,   // what an `up` permits that a peer of its name joins
  kLoginSocket,  // made by root
  kLoginAncestors,
  kLoginGroups,
  kSessionName,
  kControlPeer,
  // What an engine may ask of its monitor.
  kRequestSize,
  kRequestFields,  // each within its range, and nothing behind them
  kEnginePlan,     // a peer that only plans joins nothing
  kEngineRefusal,
  kEngineAccepted,
  kEngineAcceptedNow,  // by what the machine is like when it joins
  kEngineNetworks,     // some, or the filter would let all pass
  kEngineOffered,
  kEngineLocalAddress,
  kEngineRemoteAddress,
  kEngineInterfaceId,
  kEngineMtu,
  kEngineQueues,
  kEngineSockets,
  // What a monitor may ask of its launcher.
  kLauncherChildren,  // so many
  kLauncherDial,      // of an `up` alone
  // How ssh is run.
  kDestination,
  kSshOption,
  kSshFlag,
  kHostKeyCheck,  // not switched off by ssh's own files
  kKnownHosts,
  kAgentOwner,
  kSudoEnvironment,
  // Files.
  kPolicyKind,
  kPolicyOwner,
  kPolicyMode,
  kPolicySize,
  kRuntimeKind,
  kRuntimeOwner,
  kRuntimeMode,
  kBootId,     // of what is removed: an earlier boot's
  kLiveOwner,  // of a journal: nobody else takes it
  kAuthInfoOwner,
  kSysctlKey,
  kChecksumPlace,  // inside of the packet
};

}  // namespace isthmus
