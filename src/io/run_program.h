// A short-lived program: its input given whole, its output read whole, within a time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/child_process.h"

namespace isthmus::io {

struct ProgramOutput {
  ExitStatus status;
  std::string output;  // standard output, and nothing beyond kMaxProgramOutput
  std::string errors;  // standard error, cut to 4096 octets
};

inline constexpr std::size_t kMaxProgramOutput = 64U << 20;

// Any exit status is a success here. kTimeout: killed after `timeout`; kRefused: it wrote too much.
Result<ProgramOutput> run_program(const std::vector<std::string>& argv, std::string_view input,
                                  Duration timeout);
// The same as another user or in another environment; the standard streams of `options` are replaced.
Result<ProgramOutput> run_program(SpawnOptions options, std::string_view input, Duration timeout);

}  // namespace isthmus::io
