// The few words with which a caller introduces itself before there is a link: the value of `attach --caller`.
// They come from the other end of an ssh login and decide nothing but which of two simultaneous calls stays.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "session/message.h"

namespace isthmus::config {

inline constexpr std::size_t kMaxGreeting = 160;

struct Greeting {
  std::string name;  // letters, digits, '.', '_', '-'; at most session::kMaxName
  session::HostId host{};
  session::NodeId node{};
  friend bool operator==(const Greeting&, const Greeting&) = default;
};

// "fellini,00112233445566778899aabbccddeeff,ffeeddccbbaa99887766554433221100": safe in any shell.
std::string encode_greeting(const Greeting& greeting);
// Exactly what encode_greeting writes; anything else is kProtocol.
Result<Greeting> parse_greeting(std::string_view text);
// The greeting in what a caller asked sshd to run (SSH_ORIGINAL_COMMAND), when a forced command runs us
// instead. Nothing else of that text is believed; empty if it holds none, two different ones, or one that
// does not parse.
std::optional<Greeting> greeting_in_command(std::string_view original_command);
// `text` made fit for Greeting::name: other characters become '-', too long is cut, empty is "unnamed".
std::string greeting_name(std::string_view text);

}  // namespace isthmus::config
