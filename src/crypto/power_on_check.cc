#include "crypto/aead.h"
#include "crypto/known_answer.h"

namespace isthmus::crypto {

Result<void> self_test() {
  for (const KnownAnswer& answer : known_answers()) {
    const Bytes key = octets_of_hex(answer.key);
    const std::unique_ptr<Aead> everywhere = TRY(make_aead(answer.cipher, key, Backend::kOpenSsl));
    TRY(check_known_answer(*everywhere, answer));
    const Result<std::unique_ptr<Aead>> here = make_aead(answer.cipher, key, Backend::kIpsecMb);
    if (!here) continue;
    TRY(check_known_answer(**here, answer));
    TRY(check_agreement(**here, *everywhere, answer.name));
  }
  return {};
}

}  // namespace isthmus::crypto
