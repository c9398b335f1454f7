// Waiting in the event loop for a descriptor that belongs to somebody else.
#pragma once

#include <asio/posix/stream_descriptor.hpp>
#include <string>

#include "base/result.h"

namespace isthmus::io {

// `readable`, which is closed, gets a duplicate of `fd`: it is ready when that is. kSystem, beginning with
// `what`, where this process can open no more.
Result<void> watch(asio::posix::stream_descriptor& readable, int fd, const std::string& what);

}  // namespace isthmus::io
