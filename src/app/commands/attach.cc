#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "app/commands/commands.h"
#include "app/host_id.h"
#include "app/monitor.h"
#include "app/policy_files.h"
#include "app/session_state.h"
#include "io/daemonize.h"
#include "io/file_lock.h"
#include "io/host_applier.h"
#include "io/log.h"
#include "io/login_context.h"

namespace isthmus::app {
namespace {

using config::ExitCode;

struct Called {
  std::string session;
  std::string peer_file;  // empty: adopted
  std::string host;       // the caller's HostId in hex, as its greeting claims
};

ExitCode refuse(const std::string& text) {
  complain("refused by policy: " + text);
  return ExitCode::kRefusedHere;
}

using States = std::vector<SessionState>;

// The session of this machine that already has this peer. A host id is a claim: the far end of an `up` may
// have another machine's, so that one also has to be connected to where the login comes from.
std::optional<std::string> session_of_host(const States& states, const SessionState& login) {
  for (const SessionState& state : states) {
    const bool may_pair = state.is_adopted || (state.role == "up" && share_far_end(state, login));
    if (state.peer_host == login.peer_host && may_pair) return state.session;
  }
  return std::nullopt;
}

// A name that neither a peer's file nor another session has.
bool is_free(const States& states, const std::string& name, const std::string& host) {
  return !has_peer_file(name) && std::ranges::none_of(states, [&](const SessionState& state) {
    const bool is_same = state.is_adopted && (state.peer_host.empty() || state.peer_host == host);
    return state.session == name && !is_same;
  });
}

// An adopted login is a session under the name its machine gives itself, unless that name is another's.
Result<std::string> adopted_session(const States& states, const std::optional<config::Greeting>& caller,
                                    const io::LoginContext& login) {
  std::vector<std::string> names{fmt::format("ppp-{}", getpid())};
  if (caller) {
    SessionState coming;
    coming.peer_host = hex(caller->host);
    if (login.connection) coming.outer.push_back(login.connection->remote.address.to_string());
    if (const auto known = session_of_host(states, coming)) return *known;
    constexpr std::size_t kMostOfName = 48;
    names = {io::session_name_from(caller->name),
             io::session_name_from(
                 fmt::format("{}-{}", caller->name.substr(0, kMostOfName), coming.peer_host.substr(0, 6))),
             io::session_name_from(coming.peer_host)};
  }
  for (const std::string& name : names) {
    if (is_free(states, name, caller ? hex(caller->host) : "")) return name;
  }
  return fail(Error::Code::kExists, "session " + names.front() + " is another machine's");
}

Result<Called> choose(const config::AttachCommand& command, const io::LoginContext& login,
                      const io::RuntimeDir& dir) {
  const config::SitePolicy site = TRY(read_site_policy());
  config::AttachContext context;
  context.peer_flag = command.peer;
  context.is_root = login.uid == 0;
  context.is_root_login = login.is_root_login;
  context.sudo_user = login.became_root;
  context.has_forced_command = login.original_command.has_value() && !login.is_claimed;
  const config::PeerChoice choice = TRY(config::select_peer(context, site));
  std::optional<config::Greeting> caller = command.caller;
  if (!caller && login.original_command) caller = config::greeting_in_command(*login.original_command);
  if (choice.kind == config::PeerChoice::Kind::kAdopt)
    return Called{TRY(adopted_session(read_states(dir), caller, login)), "", caller ? hex(caller->host) : ""};
  const config::PeerPolicy policy = TRY(read_peer_policy(choice.name));
  TRY(config::check_listed(choice, policy));
  return Called{choice.name, choice.name, caller ? hex(caller->host) : ""};
}

struct OwnerFound {
  io::ControlConnection channel;
  io::UniqueFd lock;  // of an owner that was just started: it is let go of when that listens
};

// Two calls of one peer may arrive at once: one starts the owner, the other waits for it to listen and finds
// it.
Result<OwnerFound> find_or_start_owner(const io::RuntimeDir& dir, const std::string& session) {
  const std::filesystem::path lock_path = TRY(dir.file_of(session, "attach-lock"));
  io::UniqueFd lock = TRY(io::lock_file(lock_path));
  const std::filesystem::path socket = TRY(dir.file_of(session, "sock"));
  Result<io::ControlConnection> running = io::ControlConnection::connect(socket.string());
  if (running) return OwnerFound{std::move(*running), {}};
  io::ControlConnection started = TRY(io::start_session_owner({kSessionOwnerWord}));
  return OwnerFound{std::move(started), std::move(lock)};
}

Result<ControlReply> wait_for_end(io::ControlConnection& owner) {
  for (;;) {
    Result<io::ControlMessage> message = owner.wait();
    if (!message)
      return fail(Error::Code::kClosed,
                  "the process that held the session is gone: `isthmus cleanup` removes what "
                  "it may have left");
    Result<ControlReply> reply = decode_reply(message->payload);
    if (reply) return reply;
  }
}

// Hands the stream to the session's owner and waits for its last word.
Result<ControlReply> pass_on(const io::RuntimeDir& dir, const AttachRequest& request) {
  OwnerFound owner = TRY(find_or_start_owner(dir, request.session));
  std::vector<int> fds{STDIN_FILENO, STDOUT_FILENO};
  if (owner.lock.is_open()) fds.push_back(owner.lock.get());
  TRY(owner.channel.send(encode(request), fds));
  owner.lock.reset();
  return wait_for_end(owner.channel);
}

// An owner may be in its last moments when it is found: then the stream is another's to begin.
Result<ControlReply> pass_on_until_taken(const io::RuntimeDir& dir, const AttachRequest& request) {
  constexpr int kAttempts = 20;
  constexpr std::chrono::milliseconds kPause{150};  // an owner lingers 1.5 s at most
  for (int attempt = 1;; ++attempt) {
    Result<ControlReply> reply = pass_on(dir, request);
    if (!reply || !reply->is_not_taken || attempt == kAttempts) return reply;
    std::this_thread::sleep_for(kPause);
  }
}

// What sessions that died left behind would stand in a new one's way.
void clean_first() {
  const Result<io::RuntimeDir> dir = io::RuntimeDir::open();
  if (!dir) return;
  const io::HostApplier::CleanupReport report = io::HostApplier::cleanup(*dir);
  io::Log log{{}};
  for (const std::string& line : report.lines) log.notice("cleaned up: " + line);
  for (const Error& failure : report.failures) log.error("could not be cleaned up: " + failure.message);
}

// The session under the policy that counts: the peer's own file, or what this site says of logins without
// one.
Result<std::unique_ptr<Monitor>> open_owner(asio::io_context& loop, const AttachRequest& attach) {
  config::PeerPolicy policy;
  policy.origin = config::PolicyOrigin::kAdopted;
  std::optional<config::SitePolicy> adopt_under;
  if (attach.peer_file.empty()) {
    if (has_peer_file(attach.session))
      return fail(Error::Code::kRefused, "session " + attach.session + " is its peer file's");
    adopt_under = TRY(read_site_policy());
  } else {
    policy = TRY(read_peer_policy(attach.peer_file));
  }
  clean_first();
  return open_session(loop, OwnerSetup{.session = attach.session,
                                       .site = Site{policy, adopt_under},
                                       .dial = std::nullopt,
                                       .plan_only = false,
                                       .hold = policy.hold.value_or(config::kDefaultAttachHold),
                                       .verbosity = attach.verbosity,
                                       .progress = std::nullopt,
                                       .when_proven = nullptr});
}

}  // namespace

ExitCode run_attach(const config::AttachCommand& command) {
  if (!may_change_machine()) return ExitCode::kNotRoot;
  const io::LoginContext login = io::read_login_context();
  const Result<io::RuntimeDir> dir = io::RuntimeDir::open();
  if (!dir) {
    complain(dir.error().message);
    return ExitCode::kFailed;
  }
  const Result<Called> called = choose(command, login, *dir);
  if (!called) return refuse(called.error().message);

  AttachRequest request{called->session,   called->peer_file, login.describe(), std::nullopt,
                        command.verbosity, called->host,      std::nullopt};
  if (login.connection) request.client = login.connection->remote.address;
  if (login.connection) request.server = login.connection->local;
  const Result<ControlReply> reply = pass_on_until_taken(*dir, request);
  if (!reply) {
    complain(reply.error().message);
    return ExitCode::kFailed;
  }
  if (reply->exit_code != 0 && !reply->text.empty()) complain(reply->text);
  return static_cast<ExitCode>(reply->exit_code);
}

ExitCode run_session_owner() {
  Result<io::ControlConnection> taken = io::take_owner_channel();
  if (!taken) return ExitCode::kFailed;
  io::ControlConnection channel = std::move(*taken);
  Result<io::ControlMessage> message = channel.receive_within(std::chrono::seconds{10});
  if (!message) return ExitCode::kFailed;
  const Result<ControlRequest> request = decode_request(message->payload);
  const auto* attach = request ? std::get_if<AttachRequest>(&*request) : nullptr;
  if (attach == nullptr) return ExitCode::kFailed;
  std::optional<io::UniqueFd> until_listening;
  if (message->fds.size() > 2) {
    until_listening.emplace(std::move(message->fds.back()));
    message->fds.pop_back();
  }
  asio::io_context loop;
  Result<std::unique_ptr<Monitor>> owner = open_owner(loop, *attach);
  if (!owner) {
    // kExists: the owner before us has not gone yet.
    std::ignore = channel.send(encode(ControlReply{static_cast<int>(ExitCode::kFailed), owner.error().message,
                                                   owner.error().code == Error::Code::kExists}));
    return ExitCode::kFailed;
  }
  until_listening.reset();
  (*owner)->attach(std::move(channel), *attach, std::move(message->fds));
  return (*owner)->run();
}

}  // namespace isthmus::app
