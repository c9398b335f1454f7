// What `ssh -G` prints, and what a failing ssh says: neither has a form that anybody promised. What is made
// of them goes into argument vectors and onto terminals.
#include "base/check.h"
#include "config/ssh_failure.h"
#include "config/ssh_settings.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace isthmus::config;
  const std::string_view text = isthmus::text_of({data, size});
  const SshSettings settings = parse_ssh_settings(text);
  CHECK(!settings.target || settings.is_direct);
  CHECK(known_hosts_name(settings).find('\n') == std::string::npos);
  const std::string ciphers = with_aes_gcm_first(settings.ciphers);
  CHECK(ciphers.size() <= settings.ciphers.size());

  const std::size_t half = size / 2;
  const SshDiagnosis diagnosis = classify_ssh_failure(
      {size % 3 == 0 ? 255 : 1, text.substr(0, half), text.substr(half), size % 2 == 0}, "polanski");
  CHECK(!diagnosis.what.empty());
  CHECK(diagnosis.what.size() + diagnosis.remedy.size() < 4000);
  return 0;
}
