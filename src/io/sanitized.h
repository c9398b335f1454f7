// Whether this program is compiled with a sanitizer, whose runtime makes system calls of its own.
#pragma once

#include <filesystem>

namespace isthmus::io {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif

// For a process that will open nothing any more: opens the file that its sanitizer reports to. Its path,
// empty where there is none.
std::filesystem::path open_sanitizer_report();

}  // namespace isthmus::io
