// Requests between two processes of a session as octets, each as long as the longest of its kind: its index
// in the variant, its fields (app/octet_writer.h), and zeros.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "app/octet_reader.h"
#include "base/guard.h"
#include "base/result.h"

namespace isthmus::app {

template <typename Archive, typename Request>
  requires std::is_empty_v<Request>
void each_field(Archive&, Request&) {}

// kInvalid if it does not fit.
template <std::size_t kSize, typename Requests>
Result<std::array<std::uint8_t, kSize>> encode_request(const Requests& request) {
  Bytes octets;
  OctetWriter writer{octets};
  writer(request.index());
  std::visit([&](const auto& what) { writer(what); }, request);
  std::array<std::uint8_t, kSize> whole{};
  if (octets.size() > whole.size()) return fail(Error::Code::kInvalid, "the request is too long");
  std::ranges::copy(octets, whole.begin());
  return whole;
}

template <typename Requests, std::size_t... kIndex>
std::optional<Requests> request_of_kind(std::size_t kind, std::index_sequence<kIndex...>) {
  std::optional<Requests> request;
  std::ignore = ((kind == kIndex && (request.emplace(std::in_place_index<kIndex>), true)) || ...);
  return request;
}

// kProtocol unless it is of this size, of a known kind, all values lie within their ranges, no list or text
// has more than `most` elements, and the rest is zero.
template <std::size_t kSize, typename Requests>
Result<Requests> decode_request(ConstBytes octets, std::size_t most) {
  if (!guard<Guard::kRequestSize>(octets.size() == kSize))
    return fail(Error::Code::kProtocol, "a request of another size");
  OctetReader reader{octets, most};
  std::size_t kind = 0;
  reader(kind);
  constexpr auto kKinds = std::make_index_sequence<std::variant_size_v<Requests>>{};
  std::optional<Requests> request = request_of_kind<Requests>(kind, kKinds);
  if (!request) return fail(Error::Code::kProtocol, "a request of no known kind");
  std::visit([&](auto& what) { reader(what); }, *request);
  const ConstBytes rest = reader.rest();
  const bool is_padded = std::ranges::all_of(rest, [](std::uint8_t octet) { return octet == 0; });
  if (!guard<Guard::kRequestFields>(reader.ok() && is_padded))
    return fail(Error::Code::kProtocol, "a request with a field out of its range");
  return std::move(*request);
}

}  // namespace isthmus::app
