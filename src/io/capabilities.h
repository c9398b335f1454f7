// The capabilities (capabilities(7)) of a process, which gives them up while it has one thread.
#pragma once

#include <initializer_list>

#include "base/result.h"

namespace isthmus::io {

// Of those it has, keeps these, and no ambient ones; with no_new_privs nothing that it executes has others.
Result<void> keep_capabilities(std::initializer_list<int> kept);

}  // namespace isthmus::io
