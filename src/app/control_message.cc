#include "app/control_message.h"

#include <nlohmann/json.hpp>

namespace isthmus::app {
namespace {

using Json = nlohmann::json;

// What another process sent is parsed without exceptions and read with defaults: our own versions may differ.
Result<Json> parse(std::string_view text) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return fail(Error::Code::kProtocol, "a control message is a JSON object");
  return json;
}

std::string text_of(const Json& json, const char* key) {
  const auto place = json.find(key);
  return place != json.end() && place->is_string() ? place->get<std::string>() : std::string{};
}

int number_of(const Json& json, const char* key) {
  const auto place = json.find(key);
  return place != json.end() && place->is_number_integer() ? place->get<int>() : 0;
}

std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json to_json(const AttachRequest& request) {
  Json json{{"request", "attach"},    {"session", request.session},     {"peer_file", request.peer_file},
            {"login", request.login}, {"verbosity", request.verbosity}, {"host", request.host}};
  if (request.client) json["client"] = request.client->to_string();
  if (request.server) json["server"] = request.server->address.to_string();
  if (request.server) json["server_port"] = request.server->port;
  return json;
}
Json to_json(const DownRequest&) {
  return {{"request", "down"}};
}
Json to_json(const YieldRequest& request) {
  return {{"request", "yield"}, {"to", request.to}};
}
Json to_json(const StatusRequest&) {
  return {{"request", "status"}};
}

AttachRequest attach_from(const Json& json) {
  AttachRequest request{text_of(json, "session"),
                        text_of(json, "peer_file"),
                        text_of(json, "login"),
                        std::nullopt,
                        number_of(json, "verbosity"),
                        text_of(json, "host"),
                        std::nullopt};
  const Result<IpAddress> client = IpAddress::parse(text_of(json, "client"));
  if (client) request.client = *client;
  const Result<IpAddress> server = IpAddress::parse(text_of(json, "server"));
  const int port = number_of(json, "server_port");
  if (server && port >= 0 && port <= UINT16_MAX) request.server = {*server, static_cast<std::uint16_t>(port)};
  return request;
}

}  // namespace

std::string encode(const ControlRequest& request) {
  return dumped(std::visit([](const auto& what) { return to_json(what); }, request));
}

Result<ControlRequest> decode_request(std::string_view text) {
  const Json json = TRY(parse(text));
  const std::string request = text_of(json, "request");
  if (request == "attach") return attach_from(json);
  if (request == "down") return DownRequest{};
  if (request == "yield") return YieldRequest{text_of(json, "to")};
  if (request == "status") return StatusRequest{};
  return fail(Error::Code::kUnsupported, "unknown control request '" + request + "'");
}

std::string encode(const ControlReply& reply) {
  return dumped({{"exit_code", reply.exit_code}, {"text", reply.text}, {"is_not_taken", reply.is_not_taken}});
}

Result<ControlReply> decode_reply(std::string_view text) {
  const Json json = TRY(parse(text));
  return ControlReply{number_of(json, "exit_code"), text_of(json, "text"),
                      json.value("is_not_taken", Json{}) == true};
}

}  // namespace isthmus::app
