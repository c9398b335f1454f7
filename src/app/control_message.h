// What our own processes say to each other over control sockets, as JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "net/endpoint.h"

namespace isthmus::app {

// "Here is a stream of this peer": from `attach`, or from a session that gives its call up to another. With
// it come the stream's two descriptors, and from a session that yields a third: the connection of the
// `attach` behind it. An owner just started is given a lock instead, to be held until it listens.
struct AttachRequest {
  std::string session;              // the session's name
  std::string peer_file;            // NAME of /etc/isthmus/peers/NAME.toml; empty: the request is adopted
  std::string login;                // who logged in, for the log
  std::optional<IpAddress> client;  // the caller's
  int verbosity = 0;
  std::string host;                // the caller's HostId in hex, as its greeting claims
  std::optional<Endpoint> server;  // our end of the outer connection
};
// "Undo and end."
struct DownRequest {};
// "Your peer is mine too: give your stream to the session of this name, and end."
struct YieldRequest {
  std::string to;
};
// "How are you?" Answered by a status document.
struct StatusRequest {};

using ControlRequest = std::variant<AttachRequest, DownRequest, YieldRequest, StatusRequest>;

std::string encode(const ControlRequest& request);
Result<ControlRequest> decode_request(std::string_view text);

// The answer to AttachRequest (when the call is over) and DownRequest (when all is undone).
struct ControlReply {
  int exit_code = 0;
  std::string text;
  bool is_not_taken = false;  // an AttachRequest that came too late: no octet of its stream was read
};
std::string encode(const ControlReply& reply);
Result<ControlReply> decode_reply(std::string_view text);

}  // namespace isthmus::app
