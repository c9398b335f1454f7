// Seals and opens ESP packets for judges that speak no C++. One command a line on standard input, one answer
// a line on standard output; octets are hexadecimal.
//
//   outbound NAME CIPHER KEY-AND-SALT SPI esn|plain LAST       an SA to send by, LAST being the number last
//   sent inbound NAME CIPHER KEY-AND-SALT SPI esn|plain HIGHEST     an SA to receive by, HIGHEST the highest
//   number received seal NAME NEXT-HEADER OCTETS     -> the ESP packet, or the word of a drop open NAME
//   OCTETS                 -> the next header and the text, or the word of a drop number NAME -> the number
//   last sent, or the highest received
//
// CIPHER is aes-128-gcm, aes-256-gcm or chacha20-poly1305; SPI and numbers are decimal; no octets are "-".
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "esp/inbound_sa.h"
#include "esp/outbound_sa.h"

namespace {

using namespace isthmus;
using namespace isthmus::esp;

std::optional<Bytes> octets_of(const std::string& hex) {
  if (hex == "-") return Bytes{};
  if (hex.empty() || hex.size() % 2 != 0) return std::nullopt;
  const auto digit = [](char c) { return c >= 'a' ? c - 'a' + 10 : c - '0'; };
  Bytes out(hex.size() / 2);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<std::uint8_t>(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
  return out;
}

std::string hex_of(ConstBytes octets) {
  static constexpr char kDigits[] = "0123456789abcdef";
  if (octets.empty()) return "-";
  std::string out;
  out.reserve(octets.size() * 2);
  for (const std::uint8_t octet : octets) {
    out += kDigits[octet >> 4];
    out += kDigits[octet & 15];
  }
  return out;
}

// What the words of `outbound` and `inbound` have in common.
struct SaWords {
  std::string name;
  Spi spi{};
  bool is_esn = false;
  SequenceNumber number;
  SaCipher cipher;
};

std::optional<SaWords> parse_sa(std::istringstream& words) {
  static const std::map<std::string, crypto::Cipher> kCiphers{
      {"aes-128-gcm", crypto::Cipher::kAes128Gcm},
      {"aes-256-gcm", crypto::Cipher::kAes256Gcm},
      {"chacha20-poly1305", crypto::Cipher::kChaCha20Poly1305}};
  std::string cipher;
  std::string key;
  std::string esn;
  std::uint32_t spi = 0;
  std::uint64_t number = 0;
  SaWords sa;
  if (!(words >> sa.name >> cipher >> key >> spi >> esn >> number)) return std::nullopt;
  const auto octets = octets_of(key);
  const auto kind = kCiphers.find(cipher);
  if (!octets || kind == kCiphers.end() || octets->size() < crypto::kSaltSize) return std::nullopt;
  const std::size_t key_size = octets->size() - crypto::kSaltSize;
  auto aead = crypto::make_aead(kind->second, ConstBytes{*octets}.first(key_size));
  if (!aead) return std::nullopt;
  sa.cipher.aead = std::move(*aead);
  std::ranges::copy(ConstBytes{*octets}.subspan(key_size), sa.cipher.salt.begin());
  sa.spi = Spi{spi};
  sa.is_esn = esn == "esn";
  sa.number = SequenceNumber{number};
  return sa;
}

class Tool {
 public:
  std::string answer(const std::string& line) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    if (command == "outbound") return add_outbound(words);
    if (command == "inbound") return add_inbound(words);
    if (command == "seal") return seal(words);
    if (command == "open") return open(words);
    if (command == "number") return number(words);
    return "what?";
  }

 private:
  std::string add_outbound(std::istringstream& words) {
    auto sa = parse_sa(words);
    if (!sa) return "what?";
    outbound_.insert_or_assign(sa->name,
                               OutboundSa{{.spi = sa->spi, .is_esn = sa->is_esn, .last = sa->number},
                                          std::move(sa->cipher),
                                          SaLimits::of(sa->is_esn)});
    return "ok";
  }

  std::string add_inbound(std::istringstream& words) {
    auto sa = parse_sa(words);
    if (!sa) return "what?";
    inbound_.insert_or_assign(
        sa->name,
        InboundSa{{.spi = sa->spi, .is_esn = sa->is_esn, .highest = sa->number}, std::move(sa->cipher)});
    return "ok";
  }

  std::string seal(std::istringstream& words) {
    std::string name;
    std::string hex;
    unsigned next_header = 0;
    words >> name >> next_header >> hex;
    const auto sa = outbound_.find(name);
    auto room = octets_of(hex);
    if (sa == outbound_.end() || !room) return "what?";
    Bytes out(sealed_size(room->size()));
    room->resize(room->size() + kTrailerRoom);
    const auto size = sa->second.seal(*room, static_cast<std::uint8_t>(next_header), out);
    return size ? hex_of(ConstBytes{out}.first(*size)) : std::string{name_of(size.error())};
  }

  std::string open(std::istringstream& words) {
    std::string name;
    std::string hex;
    words >> name >> hex;
    const auto sa = inbound_.find(name);
    const auto packet = octets_of(hex);
    if (sa == inbound_.end() || !packet) return "what?";
    const auto head = parse_head(*packet);
    if (!head) return std::string{name_of(head.error())};
    if (head->spi != sa->second.spi()) return std::string{name_of(Drop::kUnknownSpi)};
    Bytes out(opened_size(packet->size()));
    const auto opened = sa->second.open(*head, *packet, out);
    if (!opened) return std::string{name_of(opened.error())};
    const auto& payload = opened->payload;
    if (!payload) return std::string{name_of(payload.error())};
    return fmt::format("{} {}", payload->next_header, hex_of(payload->text));
  }

  std::string number(std::istringstream& words) {
    std::string name;
    words >> name;
    if (const auto sa = outbound_.find(name); sa != outbound_.end())
      return std::to_string(sa->second.last().value());
    if (const auto sa = inbound_.find(name); sa != inbound_.end())
      return std::to_string(sa->second.highest().value());
    return "what?";
  }

  std::map<std::string, OutboundSa> outbound_;
  std::map<std::string, InboundSa> inbound_;
};

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  Tool tool;
  for (std::string line; std::getline(std::cin, line);) std::cout << tool.answer(line) << '\n' << std::flush;
}
