// Values as octets, between two processes of a session: a type's each_field(archive, value) names its
// fields once, for writing and for reading (app/octet_reader.h).
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/byte_writer.h"
#include "net/endpoint.h"
#include "net/prefix.h"

namespace isthmus::app {

template <typename T>
concept Number = std::integral<T> || std::is_enum_v<T>;

class OctetWriter {
 public:
  explicit OctetWriter(Bytes& out) : writer_(out) {}

  template <typename... T>
  void operator()(const T&... values) {
    (put(values), ...);
  }

 private:
  template <Number T>
  void put(const T& value) {
    writer_.u64(static_cast<std::uint64_t>(value));
  }
  void put(const std::string& text) {
    put(text.size());
    for (const char c : text) writer_.u8(static_cast<std::uint8_t>(c));
  }
  void put(const IpAddress& address) {
    writer_.u8(static_cast<std::uint8_t>(address.octets().size()));
    writer_.raw(address.octets());
  }
  void put(const Prefix& prefix) { (*this)(prefix.address(), prefix.length()); }
  template <std::size_t kSize>
  void put(const std::array<std::uint8_t, kSize>& octets) {
    writer_.raw(octets);
  }
  template <typename T>
  void put(const std::optional<T>& value) {
    put(value.has_value());
    if (value) put(*value);
  }
  template <typename T>
  void put(const std::vector<T>& values) {
    put(values.size());
    for (const T& value : values) put(value);
  }
  template <typename K, typename V>
  void put(const std::map<K, V>& values) {
    put(values.size());
    for (const auto& [key, value] : values) (*this)(key, value);
  }
  template <typename T>
    requires std::is_class_v<T>
  void put(const T& value) {
    // One list of the fields serves both directions; this one only reads them.
    each_field(*this, const_cast<T&>(value));
  }

  ByteWriter writer_;
};

template <typename Archive>
void each_field(Archive& archive, Endpoint& endpoint) {
  archive(endpoint.address, endpoint.port);
}

}  // namespace isthmus::app
