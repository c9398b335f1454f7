// The exchanges of a Rekeyer: what it says and hears on the stream.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/guard.h"
#include "keying/rekeyer.h"

namespace isthmus::keying {
namespace {

std::unexpected<Error> broken(std::string_view what) {
  return fail(Error::Code::kProtocol, fmt::format("key exchange: {}", what));
}

std::string_view name_of(KeyRefusal::Reason reason) {
  switch (reason) {
    case KeyRefusal::Reason::kNoCommonCipher:
      return "no cipher in common";
    case KeyRefusal::Reason::kStaleGeneration:
      return "the number is not the next";
    case KeyRefusal::Reason::kBadSpi:
      return "SPIs that cannot be used";
    case KeyRefusal::Reason::kBadPublicKey:
      return "a public key of no use";
    case KeyRefusal::Reason::kNotNow:
      return "too soon";
  }
  return "";
}

ExchangeNonce draw_nonce(RandomSource& random) {
  ExchangeNonce nonce{};
  random.fill(nonce);
  return nonce;
}

}  // namespace

Result<void> Rekeyer::hear(Instant now, ConstBytes message) {
  const KeyMessage body = TRY(decode_key_message(message));
  if (const auto* offer = std::get_if<KeyOffer>(&body)) return on(now, *offer, without_padding(message));
  if (const auto* answer = std::get_if<KeyAnswer>(&body)) return on(now, *answer, without_padding(message));
  if (const auto* refusal = std::get_if<KeyRefusal>(&body)) return on(now, *refusal);
  return on(now, std::get<KeyDone>(body));
}

void Rekeyer::begin(Instant now) {
  if (live_.size() >= kMaxLive) retire(live_.front().number());
  KeyOffer offer;
  offer.generation = esp::Generation{++highest_};
  offer.nonce = draw_nonce(*random_);
  crypto::KeyPair key_pair = crypto::KeyPair::generate(*random_);
  offer.public_key = key_pair.public_key();
  offer.ciphers = options_.wishes.ciphers;
  offer.is_aes_slow = options_.wishes.is_aes_slow;
  offer.wants_esn = options_.wishes.wants_esn;
  offer.spis = draw_spis(*random_, peer_->workers, options_.workers, live_spis(&NewGeneration::inbound));
  Bytes octets = encode(offer);
  messages_.push_back(octets);
  not_before_ = now + kLeastPause;
  offered_.emplace(Offered{std::move(offer), std::move(key_pair), std::move(octets), not_before_});
}

Result<void> Rekeyer::on(Instant now, const KeyOffer& offer, ConstBytes octets) {
  if (!guard<Guard::kKeyRole>(options_.role == Role::kCalled))
    return broken("an offer to the end that makes them");
  if (!peer_) return refuse(offer, KeyRefusal::Reason::kNotNow);
  // By one, and only when keys come of it: so no caller uses up the numbers.
  const std::uint32_t number = std::to_underlying(offer.generation);
  const bool is_next = number != 0 && number - 1 == highest_;
  if (!guard<Guard::kNextGeneration>(is_next)) return refuse(offer, KeyRefusal::Reason::kStaleGeneration);
  if (!guard<Guard::kKeyPause>(now >= not_before_) || !make_room_for_offer())
    return refuse(offer, KeyRefusal::Reason::kNotNow);
  return accept(now, offer, octets);
}

// The caller begins anew when it is done with the exchange before, or when that came to nothing at its end;
// in the second case nobody has ever probed with its keys.
bool Rekeyer::make_room_for_offer() {
  if (live_.size() < kMaxLive) return true;
  if (live_.back().is_complete()) {
    retire(live_.front().number());
    return true;
  }
  if (live_.back().is_heard) return false;
  retire(live_.back().number());
  return true;
}

// Inbound SAs are in place before the answer goes out, so that the caller's first probe finds them.
Result<void> Rekeyer::accept(Instant now, const KeyOffer& offer, ConstBytes octets) {
  if (!guard<Guard::kPeerSpis>(are_usable(offer.spis, options_.workers, live_spis(&NewGeneration::outbound))))
    return refuse(offer, KeyRefusal::Reason::kBadSpi);
  const std::optional<crypto::Cipher> cipher = choose_cipher(offer, options_.wishes);
  if (!cipher) return refuse(offer, KeyRefusal::Reason::kNoCommonCipher);
  const crypto::KeyPair key_pair = crypto::KeyPair::generate(*random_);
  const auto secret = key_pair.shared_secret(offer.public_key);
  if (!secret) return refuse(offer, KeyRefusal::Reason::kBadPublicKey);

  KeyAnswer answer;
  highest_ = std::to_underlying(offer.generation);
  answer.generation = offer.generation;
  answer.nonce = draw_nonce(*random_);
  answer.public_key = key_pair.public_key();
  answer.cipher = *cipher;
  answer.is_esn = offer.wants_esn && options_.wishes.wants_esn;
  answer.spis = draw_spis(*random_, peer_->workers, options_.workers, live_spis(&NewGeneration::inbound));
  Bytes answer_octets = encode(answer);
  const KeySchedule keys{*secret, {offer.nonce, answer.nonce, octets, answer_octets}};
  install(now, {offer.generation, *cipher, answer.is_esn, answer.spis, offer.spis}, keys);
  live_.back().probe_at = now + kProofDelay;
  not_before_ = now + kLeastPause;
  messages_.push_back(std::move(answer_octets));
  return {};
}

Result<void> Rekeyer::refuse(const KeyOffer& offer, KeyRefusal::Reason reason) {
  messages_.push_back(encode(KeyRefusal{offer.generation, reason}));
  return broken(fmt::format("the offer of generation {} was refused, where {} was the last: {}",
                            std::to_underlying(offer.generation), highest_, name_of(reason)));
}

Result<void> Rekeyer::on(Instant now, const KeyAnswer& answer, ConstBytes octets) {
  if (!offered_) return broken("an answer to what was not offered");
  if (!guard<Guard::kAwaitedAnswer>(answer.generation == offered_->offer.generation))
    return broken("an answer to what was not offered");
  const Offered offered = std::move(*std::exchange(offered_, std::nullopt));
  // Unless the answer is good, both ends wait a while before they try the next generation.
  not_before_ = std::max(not_before_, now + kRefusalPause);
  TRY(check(offered.offer, answer));
  const auto secret = TRY(offered.key_pair.shared_secret(answer.public_key));
  const KeySchedule keys{secret, {offered.offer.nonce, answer.nonce, offered.octets, octets}};
  not_before_ = offered.next_at;
  install(now, {answer.generation, answer.cipher, answer.is_esn, offered.offer.spis, answer.spis}, keys);
  live_.back().is_heard = true;
  live_.back().probe_at = now;
  prove_if_due(now);
  return {};
}

Result<void> Rekeyer::check(const KeyOffer& offer, const KeyAnswer& answer) const {
  const bool is_offered = std::ranges::find(offer.ciphers, answer.cipher) != offer.ciphers.end();
  if (!guard<Guard::kOfferedCipher>(is_offered)) return broken("a cipher that was not offered");
  if (!guard<Guard::kOfferedEsn>(!answer.is_esn || offer.wants_esn))
    return broken("extended sequence numbers that were not offered");
  if (!guard<Guard::kPeerSpis>(
          are_usable(answer.spis, options_.workers, live_spis(&NewGeneration::outbound))))
    return broken("SPIs that cannot be used");
  return {};
}

Result<void> Rekeyer::on(Instant now, const KeyRefusal& refusal) {
  if (!offered_ || refusal.generation != offered_->offer.generation)
    return broken("a refusal of what was not offered");
  offered_.reset();
  refusal_ = refusal.reason;
  // The called end does not count what it refused.
  const bool is_stale = refusal.reason == KeyRefusal::Reason::kStaleGeneration;
  if (!is_stale && highest_ == std::to_underlying(refusal.generation)) --highest_;
  const bool is_passing = refusal.reason == KeyRefusal::Reason::kNotNow;
  not_before_ = now + (is_passing ? 2 * kLeastPause : kRefusalPause);
  return {};
}

Result<void> Rekeyer::on(Instant now, const KeyDone& done) {
  LiveGeneration* generation = find(done.generation);
  // It may have been retired while the message was under way.
  if (generation == nullptr) return {};
  generation->is_heard = true;
  generation->is_inward = true;
  check_complete(now);
  return {};
}

void Rekeyer::install(Instant now, NewGeneration generation, const KeySchedule& keys) {
  CHECK(live_.size() < kMaxLive);
  append_installs(generation, keys, options_.role, commands_);
  LiveGeneration made;
  made.sas = std::move(generation);
  made.made = now;
  made.proven.assign(options_.workers, false);
  for (std::size_t i = 0; i < options_.workers; ++i) made.tokens.push_back(random_->u64());
  refusal_.reset();
  live_.push_back(std::move(made));
}

std::vector<esp::Spi> Rekeyer::live_spis(std::vector<esp::Spi> NewGeneration::* side) const {
  std::vector<esp::Spi> spis;
  for (const LiveGeneration& generation : live_) {
    const std::vector<esp::Spi>& some = generation.sas.*side;
    spis.insert(spis.end(), some.begin(), some.end());
  }
  return spis;
}

}  // namespace isthmus::keying
