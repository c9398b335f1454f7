#include "config/greeting.h"

#include <algorithm>
#include <vector>

#include "config/commands.h"

namespace isthmus::config {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::size_t kMaxOriginalCommand = 8192;

using Id = std::array<std::uint8_t, 16>;

std::string hex(const Id& id) {
  std::string text;
  for (const std::uint8_t octet : id) {
    text += kHexDigits[octet >> 4];
    text += kHexDigits[octet & 15];
  }
  return text;
}

Result<Id> parse_id(std::string_view text) {
  Id id{};
  if (text.size() != 2 * id.size()) return fail(Error::Code::kProtocol, "greeting: an id has 32 digits");
  for (std::size_t i = 0; i < id.size(); ++i) {
    const std::size_t high = kHexDigits.find(text[2 * i]);
    const std::size_t low = kHexDigits.find(text[2 * i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos)
      return fail(Error::Code::kProtocol, "greeting: an id has lower-case hexadecimal digits only");
    id[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return id;
}

// Words between blanks, quotes and semicolons: what stands around a word in a shell's command.
std::vector<std::string_view> words_of(std::string_view text) {
  constexpr std::string_view kSeparators = " \t\n'\";";
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t begin = text.find_first_not_of(kSeparators);
    if (begin == std::string_view::npos) return words;
    const std::size_t end = std::min(text.find_first_of(kSeparators, begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    text.remove_prefix(end);
  }
}

}  // namespace

std::string encode_greeting(const Greeting& greeting) {
  return greeting_name(greeting.name) + "," + hex(greeting.host) + "," + hex(greeting.node);
}

Result<Greeting> parse_greeting(std::string_view text) {
  if (text.size() > kMaxGreeting) return fail(Error::Code::kProtocol, "greeting: too long");
  const std::size_t first = text.find(',');
  const std::size_t second = first == std::string_view::npos ? first : text.find(',', first + 1);
  if (second == std::string_view::npos) return fail(Error::Code::kProtocol, "greeting: it is NAME,HOST,NODE");

  Greeting greeting;
  greeting.name = text.substr(0, first);
  if (!is_valid_name(greeting.name)) return fail(Error::Code::kProtocol, "greeting: the name is none");
  greeting.host = TRY(parse_id(text.substr(first + 1, second - first - 1)));
  greeting.node = TRY(parse_id(text.substr(second + 1)));
  return greeting;
}

std::optional<Greeting> greeting_in_command(std::string_view original_command) {
  if (original_command.size() > kMaxOriginalCommand) return std::nullopt;
  const std::vector<std::string_view> words = words_of(original_command);
  std::optional<Greeting> found;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] != "--caller") continue;
    const Result<Greeting> greeting = parse_greeting(words[i + 1]);
    // The same greeting may stand in several branches of one command; two different ones mean nothing.
    if (!greeting || (found && *found != *greeting)) return std::nullopt;
    found = *greeting;
  }
  return found;
}

std::string greeting_name(std::string_view text) {
  std::string name{text.substr(0, session::kMaxName)};
  std::ranges::replace_if(name, [](char c) { return !is_valid_name(std::string{'x', c}); }, '-');
  const std::size_t start = std::min(name.find_first_not_of(".-"), name.size());
  name.erase(0, start);
  return name.empty() ? "unnamed" : name;
}

}  // namespace isthmus::config
