#include "keying/key_message.h"

#include <algorithm>
#include <utility>

#include "base/field_message.h"

namespace isthmus::keying {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kMaxSize = 1280;  // any peer's MRU takes it

enum class Type : std::uint8_t { kOffer = 12, kAnswer = 13, kRefusal = 14, kDone = 15 };

namespace field {
enum Number : std::uint8_t {
  kGeneration = 24,
  kNonce = 25,
  kPublicKey = 26,
  kCiphers = 27,
  kCipher = 28,
  kFlags = 29,
  kSpis = 30,
  kKeyRefusal = 31,
};
}  // namespace field

constexpr std::uint8_t kEsnFlag = 0x01;
constexpr std::uint8_t kSlowAesFlag = 0x02;

std::unexpected<Error> broken(const char* what) {
  return fail(Error::Code::kProtocol, std::string{"key message: "} + what);
}

void put_generation(FieldWriter& out, esp::Generation generation) {
  out.field(field::kGeneration, [&](ByteWriter& value) { value.u32(std::to_underlying(generation)); });
}

void put_octets(FieldWriter& out, std::uint8_t type, ConstBytes octets) {
  out.field(type, [&](ByteWriter& value) { value.raw(octets); });
}

void put_u8(FieldWriter& out, std::uint8_t type, std::uint8_t number) {
  out.field(type, [&](ByteWriter& value) { value.u8(number); });
}

void put_spis(FieldWriter& out, const std::vector<esp::Spi>& spis) {
  CHECK(!spis.empty() && spis.size() <= kMaxWorkers);
  out.field(field::kSpis, [&](ByteWriter& value) {
    for (const esp::Spi spi : spis) value.u32(std::to_underlying(spi));
  });
}

Type type_of(const KeyOffer&) {
  return Type::kOffer;
}
Type type_of(const KeyAnswer&) {
  return Type::kAnswer;
}
Type type_of(const KeyRefusal&) {
  return Type::kRefusal;
}
Type type_of(const KeyDone&) {
  return Type::kDone;
}

void compose(FieldWriter& out, const KeyOffer& offer) {
  CHECK(!offer.ciphers.empty() && offer.ciphers.size() <= kMaxCiphers);
  put_octets(out, field::kNonce, offer.nonce);
  put_octets(out, field::kPublicKey, offer.public_key);
  out.field(field::kCiphers, [&](ByteWriter& value) {
    for (const crypto::Cipher cipher : offer.ciphers) value.u8(std::to_underlying(cipher));
  });
  put_u8(
      out, field::kFlags,
      static_cast<std::uint8_t>((offer.wants_esn ? kEsnFlag : 0) | (offer.is_aes_slow ? kSlowAesFlag : 0)));
  put_spis(out, offer.spis);
}

void compose(FieldWriter& out, const KeyAnswer& answer) {
  put_octets(out, field::kNonce, answer.nonce);
  put_octets(out, field::kPublicKey, answer.public_key);
  put_u8(out, field::kCipher, std::to_underlying(answer.cipher));
  put_u8(out, field::kFlags, answer.is_esn ? kEsnFlag : 0);
  put_spis(out, answer.spis);
}

void compose(FieldWriter& out, const KeyRefusal& refusal) {
  put_u8(out, field::kKeyRefusal, std::to_underlying(refusal.reason));
}

void compose(FieldWriter&, const KeyDone&) {}

// The fields of all four messages. A message takes those it knows; one it does not know is skipped unread.
struct Fields {
  OnceField<esp::Generation> generation;
  OnceField<ExchangeNonce> nonce;
  OnceField<crypto::PublicKey> public_key;
  OnceField<std::vector<crypto::Cipher>> ciphers;
  OnceField<crypto::Cipher> cipher;
  OnceField<std::uint8_t> flags;
  OnceField<std::vector<esp::Spi>> spis;
  OnceField<KeyRefusal::Reason> refusal;
};

bool is_known(std::uint8_t cipher) {
  switch (static_cast<crypto::Cipher>(cipher)) {
    case crypto::Cipher::kAes128Gcm:
    case crypto::Cipher::kAes256Gcm:
    case crypto::Cipher::kChaCha20Poly1305:
      return true;
  }
  return false;
}

// Ciphers of a later version are left out: the list may be empty then.
Result<std::vector<crypto::Cipher>> read_ciphers(ConstBytes value) {
  if (value.empty() || value.size() > kMaxCiphers) return broken("a list of ciphers of the wrong length");
  std::vector<crypto::Cipher> ciphers;
  for (const std::uint8_t number : value) {
    if (is_known(number)) ciphers.push_back(static_cast<crypto::Cipher>(number));
  }
  return ciphers;
}

Result<crypto::Cipher> read_cipher(ConstBytes value) {
  const auto number = TRY(read_number<std::uint8_t>(value));
  if (!is_known(number)) return broken("a cipher of no known number");
  return static_cast<crypto::Cipher>(number);
}

Result<std::vector<esp::Spi>> read_spis(ConstBytes value) {
  if (value.empty() || value.size() % 4 != 0 || value.size() > 4 * kMaxWorkers)
    return broken("a list of SPIs of the wrong length");
  ByteReader in{value};
  std::vector<esp::Spi> spis;
  while (in.remaining() > 0) spis.push_back(esp::Spi{in.u32()});
  return spis;
}

Result<KeyRefusal::Reason> read_reason(ConstBytes value) {
  const auto number = TRY(read_number<std::uint8_t>(value));
  if (number < std::to_underlying(KeyRefusal::Reason::kNoCommonCipher) ||
      number > std::to_underlying(KeyRefusal::Reason::kNotNow))
    return broken("a refusal of no known number");
  return static_cast<KeyRefusal::Reason>(number);
}

Result<void> take_exchange_field(Fields& into, std::uint8_t type, ConstBytes value) {
  switch (type) {
    case field::kNonce:
      return into.nonce.set(TRY(read_array<kExchangeNonceSize>(value)));
    case field::kPublicKey:
      return into.public_key.set(TRY(read_array<crypto::kX25519Size>(value)));
    case field::kFlags:
      return into.flags.set(TRY(read_number<std::uint8_t>(value)));
    case field::kSpis:
      return into.spis.set(TRY(read_spis(value)));
    default:
      return {};
  }
}

Result<void> take_field(Fields& into, Type message, std::uint8_t type, ConstBytes value) {
  if (type == field::kGeneration)
    return into.generation.set(esp::Generation{TRY(read_number<std::uint32_t>(value))});
  if (message == Type::kRefusal && type == field::kKeyRefusal)
    return into.refusal.set(TRY(read_reason(value)));
  if (message == Type::kOffer && type == field::kCiphers) return into.ciphers.set(TRY(read_ciphers(value)));
  if (message == Type::kAnswer && type == field::kCipher) return into.cipher.set(TRY(read_cipher(value)));
  if (message == Type::kOffer || message == Type::kAnswer) return take_exchange_field(into, type, value);
  return {};
}

bool has_exchange(const Fields& fields) {
  return fields.nonce.is_set() && fields.public_key.is_set() && fields.flags.is_set() && fields.spis.is_set();
}

Result<KeyMessage> assemble(Type type, const Fields& fields) {
  if (!fields.generation.is_set()) return broken("it names no generation");
  const esp::Generation generation = fields.generation.value();
  const bool is_esn = (fields.flags.value() & kEsnFlag) != 0;
  switch (type) {
    case Type::kOffer:
      if (!has_exchange(fields) || !fields.ciphers.is_set()) break;
      return KeyOffer{generation,
                      fields.nonce.value(),
                      fields.public_key.value(),
                      fields.ciphers.value(),
                      (fields.flags.value() & kSlowAesFlag) != 0,
                      is_esn,
                      fields.spis.value()};
    case Type::kAnswer:
      if (!has_exchange(fields) || !fields.cipher.is_set()) break;
      return KeyAnswer{generation, fields.nonce.value(), fields.public_key.value(), fields.cipher.value(),
                       is_esn,     fields.spis.value()};
    case Type::kRefusal:
      if (!fields.refusal.is_set()) break;
      return KeyRefusal{generation, fields.refusal.value()};
    case Type::kDone:
      return KeyDone{generation};
  }
  return broken("a field that must be there is missing");
}

}  // namespace

bool is_key_message(ConstBytes octets) {
  return octets.size() >= kMessageHeaderSize && octets[0] == kVersion &&
         octets[1] >= std::to_underlying(Type::kOffer) && octets[1] <= std::to_underlying(Type::kDone);
}

Bytes encode(const KeyMessage& message) {
  return std::visit(
      [](const auto& body) {
        FieldWriter out{kVersion, std::to_underlying(type_of(body))};
        put_generation(out, body.generation);
        compose(out, body);
        return out.finish();
      },
      message);
}

Result<KeyMessage> decode_key_message(ConstBytes octets) {
  const MessageView message = TRY(open_message(octets, kMaxSize));
  if (!is_key_message(octets)) return fail(Error::Code::kUnsupported, "no key message of this version");
  const Type type{message.type};
  Fields fields;
  TRY(for_each_field(message.fields, [&](std::uint8_t number, ConstBytes value) {
    return take_field(fields, type, number, value);
  }));
  return assemble(type, fields);
}

ConstBytes without_padding(ConstBytes octets) {
  const Result<MessageView> message = open_message(octets, kMaxSize);
  CHECK(message.has_value());
  return message->whole;
}

}  // namespace isthmus::keying
