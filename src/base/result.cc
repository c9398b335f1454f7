#include "base/result.h"

#include <system_error>

namespace isthmus {

std::unexpected<Error> fail_errno(int os_errno, const std::string& what) {
  return std::unexpected(
      Error{Error::Code::kSystem, os_errno, what + ": " + std::generic_category().message(os_errno)});
}

}  // namespace isthmus
