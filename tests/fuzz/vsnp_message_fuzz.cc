// Whatever decodes must come back from its own encoding as itself.
#include "base/check.h"
#include "session/message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace isthmus::session;
  const auto message = decode({data, size});
  if (!message) return 0;
  const isthmus::Bytes octets = encode(*message);
  CHECK(octets.size() <= kMaxMessage);
  const auto again = decode(octets);
  CHECK(again.has_value());
  CHECK(encode(*again) == octets);
  return 0;
}
