// What one process of ours tells another by a control socket: whatever decodes comes back from its own
// encoding as itself.
#include "app/control_message.h"
#include "base/bytes.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace isthmus::app;
  const std::string_view text = isthmus::text_of({data, size});
  if (const auto request = decode_request(text)) {
    const std::string encoded = encode(*request);
    const auto again = decode_request(encoded);
    CHECK(again.has_value() && again->index() == request->index() && encode(*again) == encoded);
  }
  if (const auto reply = decode_reply(text)) {
    const std::string encoded = encode(*reply);
    const auto again = decode_reply(encoded);
    CHECK(again.has_value() && encode(*again) == encoded);
  }
  return 0;
}
