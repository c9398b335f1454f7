#include "app/monitor_event.h"

#include "app/monitor_reply.h"
#include "app/octet_reader.h"
#include "io/control_socket.h"

namespace isthmus::app {
namespace {

// As it lies in the message: what a control socket's clients say has a form already.
struct Fields {
  std::size_t kind = 0;
  LegId leg = 0;
  int number = 0;
  io::ExitStatus status;
  std::string request;
};

template <typename Archive>
void transfer(Archive& archive, Fields& fields) {
  archive(fields.kind, fields.leg, fields.number, fields.status, fields.request);
}

Fields fields_of(const Signalled& event) {
  Fields fields;
  fields.number = event.number;
  return fields;
}
Fields fields_of(const StreamArrived& event) {
  Fields fields;
  fields.leg = event.leg;
  fields.request = encode(ControlRequest{event.request});
  return fields;
}
Fields fields_of(const Asked& event) {
  Fields fields;
  fields.request = encode(event.request);
  return fields;
}
Fields fields_of(const SshEnded& event) {
  Fields fields;
  fields.leg = event.leg;
  fields.status = event.status;
  return fields;
}

template <typename Event>
bool is_of(const Fields& fields) {
  return fields.kind == MonitorEvent{Event{}}.index();
}

}  // namespace

std::string encode_event(const MonitorEvent& event) {
  Fields fields = std::visit([](const auto& what) { return fields_of(what); }, event);
  fields.kind = event.index();
  Bytes octets;
  OctetWriter writer{octets};
  transfer(writer, fields);
  return {octets.begin(), octets.end()};
}

Result<MonitorEvent> decode_event(std::string_view octets) {
  OctetReader reader{bytes_of(octets), io::kMaxControlPayload};
  Fields fields;
  transfer(reader, fields);
  if (!reader.ok()) return fail(Error::Code::kProtocol, "the monitor's event is damaged");
  if (is_of<Signalled>(fields)) return Signalled{fields.number};
  if (is_of<SshEnded>(fields)) return SshEnded{fields.leg, fields.status};
  ControlRequest request = TRY(decode_request(std::string_view{fields.request}));
  if (is_of<Asked>(fields)) return Asked{std::move(request)};
  auto* attach = std::get_if<AttachRequest>(&request);
  if (attach == nullptr || !is_of<StreamArrived>(fields))
    return fail(Error::Code::kProtocol, "the monitor's event is of no known kind");
  return StreamArrived{fields.leg, std::move(*attach)};
}

}  // namespace isthmus::app
