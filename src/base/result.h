// Operations that can fail return Result<T>; TRY passes a failure on to the caller.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <utility>

namespace isthmus {

// What we tried, on what, and why it failed, as one sentence a person can act on.
struct Error {
  enum class Code : std::uint8_t {
    kInvalid,      // an argument or a file that cannot mean anything
    kProtocol,     // octets of a peer that break their format
    kSystem,       // a system call failed; os_errno says how
    kRefused,      // policy, ours or theirs, says no
    kNotFound,     // what was named does not exist
    kExists,       // what was to be made is there already
    kTimeout,      // nobody answered in time
    kUnsupported,  // this machine or peer lacks it
    kClosed,       // the other end is gone
  };
  Code code = Code::kInvalid;
  int os_errno = 0;  // 0 unless code is kSystem
  std::string message;

  friend bool operator==(const Error&, const Error&) = default;
};

template <typename T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Error::Code code, std::string message) {
  return std::unexpected(Error{code, 0, std::move(message)});
}

// "WHAT: strerror(ERRNO)", as kSystem. Defined in result.cc.
std::unexpected<Error> fail_errno(int os_errno, const std::string& what);

}  // namespace isthmus

// Yields the value of a Result, or returns its Error from the enclosing function. Once per statement.
#define TRY(expression)                                                       \
  __extension__({                                                             \
    auto&& try_result_ = (expression);                                        \
    if (!try_result_) return std::unexpected(std::move(try_result_).error()); \
    ::isthmus::try_value(std::move(try_result_));                             \
  })

namespace isthmus {

template <typename T>
T try_value(Result<T>&& result) {
  return std::move(*result);
}
inline void try_value(Result<void>&&) {}

}  // namespace isthmus
