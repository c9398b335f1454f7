// Whether this program is compiled with a sanitizer, whose runtime makes system calls of its own.
#pragma once

namespace isthmus::io {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif

}  // namespace isthmus::io
