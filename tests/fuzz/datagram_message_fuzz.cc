// Whatever decodes must come back from its own encoding as itself: the messages of the datagram path and of
// its keys.
#include "base/check.h"
#include "keying/key_message.h"
#include "session/datagram_message.h"

namespace {

void read_datagram_message(isthmus::ConstBytes octets) {
  const auto message = isthmus::session::decode_datagram_message(octets);
  CHECK(!message || isthmus::session::is_datagram_message(octets));
  if (!message) return;
  if (const auto* hello = std::get_if<isthmus::session::DatagramHello>(&*message)) {
    if (hello->ciphers.empty()) return;  // nothing but ciphers of later versions: nobody sends that
  }
  const auto again = isthmus::session::decode_datagram_message(isthmus::session::encode(*message));
  CHECK(again.has_value() && *again == *message);
}

void read_key_message(isthmus::ConstBytes octets) {
  const auto message = isthmus::keying::decode_key_message(octets);
  CHECK(!message || isthmus::keying::is_key_message(octets));
  if (!message) return;
  CHECK(isthmus::keying::without_padding(octets).size() <= octets.size());
  if (const auto* offer = std::get_if<isthmus::keying::KeyOffer>(&*message)) {
    if (offer->ciphers.empty()) return;
  }
  const auto again = isthmus::keying::decode_key_message(isthmus::keying::encode(*message));
  CHECK(again.has_value() && *again == *message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read_datagram_message({data, size});
  read_key_message({data, size});
  return 0;
}
