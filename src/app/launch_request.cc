#include "app/launch_request.h"

#include <concepts>

#include "app/request_octets.h"
#include "base/check.h"

namespace isthmus::app {

template <typename Archive>
void each_field(Archive& archive, StartSsh& request) {
  archive(request.child, request.host, request.node);
}
template <typename Archive, std::derived_from<OfChild> Request>
void each_field(Archive& archive, Request& request) {
  archive(request.child);
}

LaunchRequestOctets encode_launch_request(const LaunchRequest& request) {
  const auto octets = encode_request<kLaunchRequestSize>(request);
  CHECK(octets);
  return *octets;
}

Result<LaunchRequest> decode_launch_request(ConstBytes octets) {
  return decode_request<kLaunchRequestSize, LaunchRequest>(octets, 0);
}

}  // namespace isthmus::app
