// A file is understood, or refused in one printable line that begins with its place.
#include "base/check.h"
#include "base/printable.h"
#include "config/peer_file.h"

namespace {

void check_message(const std::string& message, std::string_view file) {
  CHECK(message.starts_with(file));
  CHECK(isthmus::printable(message, message.size()) == message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace isthmus::config;
  const std::string_view text = isthmus::text_of({data, size});
  const auto policy = parse_peer_file(text, "peer");
  if (!policy) check_message(policy.error().message, "peer.toml:");
  if (policy) CHECK(policy->name == "peer" && policy->origin == PolicyOrigin::kPeerFile);
  const auto site = parse_site_policy(text);
  if (!site) check_message(site.error().message, "policy.toml:");
  return 0;
}
