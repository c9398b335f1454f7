// Reads what OctetWriter wrote, and believes nothing of it: every number has to be one of its type, every
// list and text within its limit.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/octet_writer.h"
#include "base/byte_reader.h"

namespace isthmus::app {

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

}  // namespace isthmus::app
