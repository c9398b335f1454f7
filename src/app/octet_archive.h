// Values as octets, between the two processes of a session: a type's each_field(archive, value) names its
// fields once, for writing and for reading. What is read is held against the limits that stand here.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/byte_reader.h"
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

class OctetReader {
 public:
  // No list or text may have more elements or octets than `most`.
  OctetReader(ConstBytes octets, std::size_t most) : reader_(octets), most_(most) {}

  template <typename... T>
  void operator()(T&... values) {
    (get(values), ...);
  }
  // Whether all that was read was there, and within its limits.
  [[nodiscard]] bool ok() const { return is_ok_ && reader_.ok(); }
  [[nodiscard]] ConstBytes rest() { return reader_.take_rest(); }

 private:
  template <Number T>
  void get(T& value) {
    const std::uint64_t number = reader_.u64();
    value = static_cast<T>(number);
    is_ok_ = is_ok_ && static_cast<std::uint64_t>(value) == number;
  }
  std::size_t count() {
    std::size_t number = 0;
    get(number);
    is_ok_ = is_ok_ && number <= most_;
    return ok() ? number : 0;
  }
  void get(std::string& text) {
    const ConstBytes octets = reader_.take(count());
    text.assign(octets.begin(), octets.end());
  }
  void get(IpAddress& address) {
    const Result<IpAddress> read = IpAddress::from_octets(reader_.take(reader_.u8()));
    is_ok_ = is_ok_ && read;
    if (read) address = *read;
  }
  void get(Prefix& prefix) {
    IpAddress address;
    int length = 0;
    (*this)(address, length);
    const Result<Prefix> read = Prefix::make(address, length);
    is_ok_ = is_ok_ && read;
    if (read) prefix = *read;
  }
  template <std::size_t kSize>
  void get(std::array<std::uint8_t, kSize>& octets) {
    const ConstBytes read = reader_.take(kSize);
    std::copy(read.begin(), read.end(), octets.begin());
  }
  template <typename T>
  void get(std::optional<T>& value) {
    bool is_there = false;
    get(is_there);
    if (!is_there || !ok()) return value.reset();
    get(value.emplace());
  }
  template <typename T>
  void get(std::vector<T>& values) {
    values.clear();
    for (std::size_t left = count(); left > 0 && ok(); --left) get(values.emplace_back());
  }
  template <typename K, typename V>
  void get(std::map<K, V>& values) {
    for (std::size_t left = count(); left > 0 && ok(); --left) {
      K key{};
      get(key);
      get(values[key]);
    }
  }
  template <typename T>
    requires std::is_class_v<T>
  void get(T& value) {
    each_field(*this, value);
  }

  ByteReader reader_;
  std::size_t most_;
  bool is_ok_ = true;
};

template <typename Archive>
void each_field(Archive& archive, Endpoint& endpoint) {
  archive(endpoint.address, endpoint.port);
}

}  // namespace isthmus::app
