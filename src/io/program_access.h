// Whether another user could run a program of ours.
#pragma once

#include <optional>
#include <string>

#include "io/child_process.h"

namespace isthmus::io {

// By the modes of the file and of every directory above it, as `user` would meet them. Access lists are not
// looked at, nor is a mount that forbids execution: then it is whoever tries who hears of it.
bool may_execute(const std::string& path, const Credentials& user);

// The path of the program that this process runs; nothing if the file has been replaced or removed.
std::optional<std::string> own_program();

}  // namespace isthmus::io
