// Messages made of fields: version(1) type(1) length(2), then fields of type(1) length(2) value. `length`
// counts the whole message, and what follows it is padding. docs/protocol/vsnp.md has the grammar.
#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/guard.h"
#include "base/result.h"

namespace isthmus {

inline constexpr std::size_t kMessageHeaderSize = 4;

class FieldWriter {
 public:
  FieldWriter(std::uint8_t version, std::uint8_t type) {
    out_.u8(version);
    out_.u8(type);
    out_.u16(0);
  }

  // One field; `fill` writes its value into the ByteWriter it is given.
  template <typename Fill>
  void field(std::uint8_t type, Fill fill) {
    out_.u8(type);
    const std::size_t length_at = octets_.size();
    out_.u16(0);
    fill(out_);
    out_.patch_u16(length_at, static_cast<std::uint16_t>(octets_.size() - length_at - 2));
  }

  // The whole message; the writer is used up.
  Bytes finish() {
    CHECK(octets_.size() <= std::numeric_limits<std::uint16_t>::max());
    out_.patch_u16(2, static_cast<std::uint16_t>(octets_.size()));
    return std::move(octets_);
  }

 private:
  Bytes octets_;
  ByteWriter out_{octets_};
};

struct MessageView {
  std::uint8_t version = 0;
  std::uint8_t type = 0;
  ConstBytes whole;   // without the padding: what was sent
  ConstBytes fields;  // as long as the octets read
};

inline Result<MessageView> open_message(ConstBytes octets, std::size_t most) {
  ByteReader in{octets};
  MessageView message;
  message.version = in.u8();
  message.type = in.u8();
  const std::size_t length = in.u16();
  const bool is_sane = in.ok() && length >= kMessageHeaderSize && length <= octets.size();
  if (!guard<Guard::kMessageLength>(is_sane))
    return fail(Error::Code::kProtocol, "message: its length is wrong");
  if (length > most) return fail(Error::Code::kProtocol, "message: it is too long");
  message.whole = octets.first(length);
  message.fields = message.whole.subspan(kMessageHeaderSize);
  return message;
}

// Calls `take(type, value)`, which returns a Result<void>, for each field in turn; stops at the first
// failure.
template <typename Take>
Result<void> for_each_field(ConstBytes fields, Take take) {
  ByteReader in{fields};
  while (in.remaining() > 0) {
    const std::uint8_t type = in.u8();
    const std::size_t length = in.u16();
    const ConstBytes value = in.take(length);
    if (!guard<Guard::kMessageField>(in.ok()))
      return fail(Error::Code::kProtocol, "message: a field cut short");
    TRY(take(type, value));
  }
  return {};
}

// A value that a message holds once: set by the first field of its kind, an error at the second.
template <typename T>
class OnceField {
 public:
  Result<void> set(T value) {
    if (!guard<Guard::kMessageFieldOnce>(!is_set_))
      return fail(Error::Code::kProtocol, "message: a field twice that is there once");
    is_set_ = true;
    value_ = std::move(value);
    return {};
  }
  [[nodiscard]] bool is_set() const { return is_set_; }
  [[nodiscard]] const T& value() const { return value_; }

 private:
  T value_{};
  bool is_set_ = false;
};

// A number that fills its field.
template <typename T>
Result<T> read_number(ConstBytes value) {
  if (value.size() != sizeof(T)) return fail(Error::Code::kProtocol, "message: a number of the wrong length");
  std::uint64_t number = 0;
  for (const std::uint8_t octet : value) number = number << 8 | octet;
  return static_cast<T>(number);
}

template <std::size_t N>
Result<std::array<std::uint8_t, N>> read_array(ConstBytes value) {
  if (value.size() != N) return fail(Error::Code::kProtocol, "message: a field of the wrong length");
  std::array<std::uint8_t, N> octets{};
  std::ranges::copy(value, octets.begin());
  return octets;
}

}  // namespace isthmus
