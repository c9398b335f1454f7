// What parses is written back octet by octet; what a forced command replaced never yields anything else.
#include "base/check.h"
#include "config/commands.h"
#include "config/greeting.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace isthmus::config;
  const std::string_view text = isthmus::text_of({data, size});
  if (const auto greeting = parse_greeting(text)) CHECK(encode_greeting(*greeting) == text);
  if (const auto found = greeting_in_command(text)) {
    CHECK(is_valid_name(found->name));
    CHECK(text.contains(encode_greeting(*found)));
  }
  CHECK(is_valid_name(greeting_name(text)));
  return 0;
}
