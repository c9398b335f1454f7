// The parts of a key exchange that need no state: which cipher, which SPIs, and what each worker is told to
// install.
#pragma once

#include <optional>
#include <vector>

#include "base/random_source.h"
#include "crypto/aead.h"
#include "esp/spi.h"
#include "esp/tunnel_command.h"
#include "keying/key_message.h"
#include "keying/key_schedule.h"

namespace isthmus::keying {

enum class Role : std::uint8_t { kCaller, kCalled };

// What an end can do, and likes.
struct CipherWishes {
  std::vector<crypto::Cipher> ciphers;  // acceptable ones, the best first; at least one
  bool is_aes_slow = false;             // no instructions for AES here
  bool wants_esn = false;
};

// The first of the caller's list that the called end accepts too. Where AES is slow at either end,
// ChaCha20-Poly1305 goes before it if both have it: the slower end is the one that limits both. Empty if they
// have none in common.
std::optional<crypto::Cipher> choose_cipher(const KeyOffer& offer, const CipherWishes& ours);

// `count` SPIs for SAs towards us, one for each of the peer's workers: unlike one another and all of `taken`.
// That for the peer's worker i leads to our worker i modulo `workers` (esp::worker_of).
std::vector<esp::Spi> draw_spis(RandomSource& random, std::size_t count, std::size_t workers,
                                const std::vector<esp::Spi>& taken);

// Whether SPIs that a peer chose for `count` SAs of ours may be used: 256 or above, unlike one another and
// all of `taken`.
bool are_usable(const std::vector<esp::Spi>& spis, std::size_t count, const std::vector<esp::Spi>& taken);

// A command and the number of the worker that it is for.
struct WorkerCommand {
  std::size_t worker = 0;
  esp::TunnelCommand command;
};

struct NewGeneration {
  esp::Generation number{};
  crypto::Cipher cipher = crypto::Cipher::kAes128Gcm;
  bool is_esn = false;
  std::vector<esp::Spi> inbound;   // by the peer's worker
  std::vector<esp::Spi> outbound;  // by our worker
};

// Installs for all workers, appended to `out`.
void append_installs(const NewGeneration& generation, const KeySchedule& keys, Role ours,
                     std::vector<WorkerCommand>& out);

}  // namespace isthmus::keying
