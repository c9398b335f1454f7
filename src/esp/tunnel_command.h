// What the control thread tells a Tunnel. Values: they cross from thread to thread, keys among them, and can
// be moved but not copied.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

#include "crypto/aead.h"
#include "crypto/secret.h"
#include "esp/generation.h"
#include "esp/spi.h"
#include "net/endpoint.h"
#include "net/selector.h"

namespace isthmus::esp {

// One direction of one worker. `key` holds crypto::key_size(cipher) octets, and then whatever.
struct SaParameters {
  Spi spi{};
  crypto::Cipher cipher = crypto::Cipher::kAes128Gcm;
  crypto::Secret<crypto::kMaxKeySize> key;
  std::array<std::uint8_t, crypto::kSaltSize> salt{};
  bool is_esn = false;
};

// Packets with this SPI are taken from now on. A generation has as many as the peer has workers whose packets
// come here.
struct InstallInbound {
  Generation generation{};
  SaParameters sa;
};

// One a generation. Only probes and echoes of that generation go out by it, until UseOutbound.
struct InstallOutbound {
  Generation generation{};
  SaParameters sa;
};

// Packets go out by this generation from now on.
struct UseOutbound {
  Generation generation{};
};

// Both directions of this generation end now, and its keys are wiped; of what is not there nothing. The other
// directions of command exist for make-before-break: the old outbound SA can go at once, the old inbound ones
// when nothing is under way any more.
struct Retire {
  Generation generation{};
};
struct RetireOutbound {
  Generation generation{};
};

// Where packets go. Give it only an address that has answered a probe: nothing is held back for it.
struct SetRemote {
  Endpoint remote;
};

// Sends one probe. `size` is that of the outer IP packet it shall fill, rounded down to what ESP can make of
// it (probe_payload() has the rule); 0 is the smallest. It goes to `to`, or else to where packets go.
struct SendProbe {
  Generation generation{};
  std::uint64_t token = 0;
  std::size_t size = 0;
  std::optional<Endpoint> to;
};

// What may come in. A new Tunnel lets nothing in.
struct SetSelector {
  Selector selector;
};

using TunnelCommand = std::variant<InstallInbound, InstallOutbound, UseOutbound, Retire, RetireOutbound,
                                   SetRemote, SendProbe, SetSelector>;

}  // namespace isthmus::esp
