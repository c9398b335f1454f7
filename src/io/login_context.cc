#include "io/login_context.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/guard.h"
#include "base/parse_number.h"
#include "io/ancestor_environment.h"
#include "io/login_origin.h"
#include "io/run_program.h"

namespace isthmus::io {
namespace {

constexpr std::size_t kMaxAuthInfo = 16384;

std::vector<std::string_view> words_of(std::string_view text, char separator) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(separator));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (!word.empty()) words.push_back(word);
  }
  return words;
}

Result<Endpoint> parse_endpoint(std::string_view address, std::string_view port) {
  Endpoint endpoint;
  // A link-local address carries its zone here.
  endpoint.address = TRY(IpAddress::parse(address.substr(0, address.find('%'))));
  const auto number = parse_number<std::uint16_t>(port);
  if (!number) return fail(Error::Code::kInvalid, "'" + std::string{port} + "' is no port");
  endpoint.port = *number;
  return endpoint;
}

bool is_key_word(std::string_view word) {
  constexpr std::string_view kAlso = "@.-+/=";
  return std::ranges::all_of(word, [&](char c) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return is_letter || (c >= '0' && c <= '9') || kAlso.find(c) != std::string_view::npos;
  });
}

std::optional<LoginKey> login_key(const std::string& auth_info_path) {
  const std::optional<std::string> key = public_key_in_auth_info(read_auth_info(auth_info_path));
  if (!key) return std::nullopt;
  LoginKey result{key->substr(0, key->find(' ')), ""};
  constexpr Duration kPatience = std::chrono::seconds{2};
  const Result<ProgramOutput> shown =
      run_program({"/usr/bin/ssh-keygen", "-lf", "-"}, *key + "\n", kPatience);
  if (!shown || !shown->status.is_success()) return result;
  // "256 SHA256:… comment (ED25519)"
  const std::vector<std::string_view> words = words_of(shown->output, ' ');
  if (words.size() > 1 && words[1].starts_with("SHA256:")) result.fingerprint = words[1];
  return result;
}

std::string name_of(uid_t uid) {
  const Result<InvokingUser> user = find_user(uid);
  return user ? user->name : fmt::format("uid {}", uid);
}

// The kernel's word first: a program that keeps the environment keeps what its caller wrote there.
std::string who_became_root(const LoginOrigin& origin) {
  if (origin.above) return name_of(*origin.above);
  for (const char* name : {"SUDO_USER", "DOAS_USER"}) {
    const std::string user = environment_variable(name).value_or("");
    if (!user.empty() && user != "root") return user;
  }
  if (const std::optional<std::string> text = environment_variable("PKEXEC_UID")) {
    const std::optional<uid_t> uid = parse_number<uid_t>(*text);
    // What is no number stands for nobody in particular, but not for root.
    if (!uid) return "PKEXEC_UID";
    if (*uid != 0) return name_of(*uid);
  }
  return origin.logged_in ? name_of(*origin.logged_in) : "";
}

}  // namespace

std::string read_auth_info(const std::string& path) {
  const UniqueFd place{open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  struct stat status{};
  if (!place.is_open() || fstat(place.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  if (!guard<Guard::kAuthInfoOwner>(status.st_uid == 0 || status.st_uid == geteuid())) return {};
  const std::string same = "/proc/self/fd/" + std::to_string(place.get());
  const UniqueFd file{open(same.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file.is_open()) return {};
  std::string text(kMaxAuthInfo, '\0');
  const ssize_t count = read(file.get(), text.data(), text.size());
  text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return text;
}

Result<SshConnection> parse_ssh_connection(std::string_view text) {
  const std::vector<std::string_view> words = words_of(text, ' ');
  if (words.size() != 4) return fail(Error::Code::kInvalid, "SSH_CONNECTION has two addresses and two ports");
  return SshConnection{TRY(parse_endpoint(words[0], words[1])), TRY(parse_endpoint(words[2], words[3]))};
}

std::optional<std::string> public_key_in_auth_info(std::string_view text) {
  for (const std::string_view line : words_of(text, '\n')) {
    const std::vector<std::string_view> words = words_of(line, ' ');
    const bool is_key = words.size() >= 3 && words[0] == "publickey";
    if (is_key && is_key_word(words[1]) && is_key_word(words[2]))
      return fmt::format("{} {}", words[1], words[2]);
  }
  return std::nullopt;
}

LoginContext read_login_context() {
  LoginContext context;
  context.uid = getuid();
  context.user = name_of(context.uid);
  context.is_claimed = !environment_variable("SSH_CONNECTION");
  const auto lookup = context.is_claimed ? ancestor_variable : environment_variable;

  if (const std::optional<std::string> text = lookup("SSH_CONNECTION")) {
    if (const Result<SshConnection> connection = parse_ssh_connection(*text))
      context.client = connection->client;
  }
  context.original_command = lookup("SSH_ORIGINAL_COMMAND");
  const LoginOrigin origin = read_login_origin(context.client);
  context.connection = origin.connection;
  context.became_root = who_became_root(origin);
  context.is_root_login = origin.is_root_login && context.became_root.empty();
  // Of whoever became root the variable may name anything.
  if (!context.is_claimed && context.became_root.empty()) {
    if (const auto path = environment_variable("SSH_USER_AUTH")) context.key = login_key(*path);
  }
  return context;
}

std::string LoginContext::describe() const {
  std::string text = user;
  if (!became_root.empty()) text += fmt::format(" (called by {})", became_root);
  if (client) text += " from " + client->to_string();
  if (key) text += fmt::format(" with key {} {}", key->type, key->fingerprint);
  if (client && !connection) text += " (as the caller's environment says)";
  return text;
}

}  // namespace isthmus::io
