// How we came to be root, as the kernel shows it: nothing here is the word of whoever called us.
#pragma once

#include <sys/types.h>

#include <optional>

#include "io/outer_endpoint.h"
#include "net/endpoint.h"

namespace isthmus::io {

struct LoginOrigin {
  // The ssh connection that our login came by: one that root made and a process of root's above us holds, to
  // `client`.
  std::optional<TcpConnection> connection;
  // The nearest user above us who is not root, up to the holder of the connection: who became root by sudo,
  // doas, su or a set-uid program.
  std::optional<uid_t> above;
  // Who the kernel says has logged in, if that is not root and not whoever started the holder.
  std::optional<uid_t> logged_in;
  // There is such a connection, and from its holder down to us nobody but root.
  bool is_root_login = false;
};

// `client` is a claim, to be found among the connections or not believed. Looks at no more than 16
// processes.
LoginOrigin read_login_origin(const std::optional<Endpoint>& client);

}  // namespace isthmus::io
