#include "io/sanitized.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace isthmus::io {

std::filesystem::path open_sanitizer_report() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  const char* path = __sanitizer_get_report_path();
  if (path != nullptr) return path;
#endif
  return {};
}

}  // namespace isthmus::io
