#include "io/sysctl_ledger.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "io/file_lock.h"
#include "io/fresh_file.h"
#include "io/journal.h"

namespace isthmus::io {
namespace {

using Json = nlohmann::json;

struct Entry {
  std::string original;
  std::string ours;
  std::vector<std::string> holders;
  std::map<std::string, std::string> parts;  // what the kernel sets along with it, as it was
};
using Entries = std::map<std::string, Entry, std::less<>>;

std::optional<Entry> entry_from(const Json& json) {
  if (!json.is_object() || !json.contains("original") || !json.contains("ours")) return std::nullopt;
  const Json holders = json.value("holders", Json::array());
  if (!json["original"].is_string() || !json["ours"].is_string() || !holders.is_array()) return std::nullopt;
  Entry entry{json["original"].get<std::string>(), json["ours"].get<std::string>(), {}, {}};
  for (const Json& holder : holders) {
    if (!holder.is_string()) return std::nullopt;
    entry.holders.push_back(holder.get<std::string>());
  }
  const Json parts = json.value("parts", Json::object());
  for (const auto& [key, value] : parts.items()) {
    if (value.is_string()) entry.parts[key] = value.get<std::string>();
  }
  return entry;
}

// The ledger's file, locked from load to destruction.
class LockedLedger {
 public:
  static Result<LockedLedger> load(const RuntimeDir& dir) {
    LockedLedger ledger{TRY(lock_file(dir.path() / "sysctls.lock")), dir.path() / "sysctls"};
    std::ifstream in(ledger.path_);
    if (!in) return ledger;
    std::ostringstream text;
    text << in.rdbuf();
    const Json json = Json::parse(text.str(), nullptr, false);
    if (!json.is_object()) return ledger.fail_damaged();
    for (const auto& [key, value] : json.items()) {
      const auto entry = entry_from(value);
      if (!entry) return ledger.fail_damaged();
      ledger.entries.emplace(key, *entry);
    }
    return ledger;
  }

  // The old or the new content is there whenever we die.
  [[nodiscard]] Result<void> save() const {
    Json json = Json::object();
    for (const auto& [key, entry] : entries) {
      json[key] = {{"original", entry.original},
                   {"ours", entry.ours},
                   {"holders", entry.holders},
                   {"parts", entry.parts}};
    }
    const std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace) + '\n';
    std::filesystem::path fresh = path_;
    fresh += ".new";
    Result<void> saved = replace_file(path_, fresh, text);
    if (!saved && saved.error().os_errno == ENOSPC) return overwrite(text);
    return saved;
  }

  Entries entries;

 private:
  LockedLedger(UniqueFd lock, std::filesystem::path path) : lock_(std::move(lock)), path_(std::move(path)) {}

  [[nodiscard]] std::unexpected<Error> fail_damaged() const {
    return fail(Error::Code::kInvalid, path_.string() + " is damaged: it should say which sysctls are ours");
  }

  // Where there is no room for another file: what is given up takes no more than it had. JSON ends in any
  // number of spaces, so that one write is all that must not be cut short.
  [[nodiscard]] Result<void> overwrite(std::string text) const {
    const UniqueFd file{::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW)};
    struct stat status{};
    const bool is_there = file.is_open() && fstat(file.get(), &status) == 0;
    const auto size = static_cast<std::size_t>(status.st_size);
    if (!is_there || text.size() > size) return fail_errno(ENOSPC, "write " + path_.string());
    text.resize(size, ' ');
    if (::pwrite(file.get(), text.data(), size, 0) != status.st_size)
      return fail_errno(errno, "write " + path_.string());
    return {};
  }

  UniqueFd lock_;
  std::filesystem::path path_;
};

// IPv6's `all.forwarding` writes through to every interface, and so would its restoring: what an interface
// had of its own would be lost.
std::map<std::string, std::string> parts_of(const Sysctl& sysctl, const std::string& key) {
  std::map<std::string, std::string> parts;
  const Result<std::filesystem::path> path = sysctl.path_of(key);
  if (key != "net.ipv6.conf.all.forwarding" || !path) return parts;
  std::error_code error;
  for (const auto& directory :
       std::filesystem::directory_iterator(path->parent_path().parent_path(), error)) {
    std::string name = directory.path().filename().string();
    if (name == "all") continue;
    std::ranges::replace(name, '.', '/');
    const std::string part = "net.ipv6.conf." + name + ".forwarding";
    const Result<std::string> value = sysctl.read(part);
    if (value) parts[part] = *value;
  }
  return parts;
}

// The interface, and its keys with it, may go at any moment: then there is nothing to put back.
Result<void> write_if_there(const Sysctl& sysctl, const std::string& key, const std::string& value) {
  Result<void> written = sysctl.write(key, value);
  if (!written && written.error().code == Error::Code::kNotFound) return {};
  return written;
}

// Puts the original value back unless somebody has set another one since.
Result<void> restore(const Sysctl& sysctl, const std::string& key, const Entry& entry) {
  const Result<std::string> current = sysctl.read(key);
  if (!current) {
    const bool is_gone = current.error().code == Error::Code::kNotFound;
    return is_gone ? Result<void>{} : std::unexpected(current.error());
  }
  if (*current != entry.ours || entry.original == entry.ours) return {};
  const std::map<std::string, std::string> before = parts_of(sysctl, key);
  TRY(write_if_there(sysctl, key, entry.original));
  for (const auto& [part, value] : before) {
    const auto own = entry.parts.find(part);
    // Whoever has changed one of them since meant it.
    const bool is_of_all = value == entry.ours;
    const std::string& wanted = !is_of_all || own == entry.parts.end() ? value : own->second;
    const bool is_new = is_of_all && own == entry.parts.end();
    if (!is_new && sysctl.read(part) != wanted) TRY(write_if_there(sysctl, part, wanted));
  }
  return {};
}

bool is_held_by_others(const Entry& entry, std::string_view session) {
  return std::any_of(entry.holders.begin(), entry.holders.end(),
                     [&](const std::string& holder) { return holder != session; });
}

}  // namespace

Result<void> SysctlLedger::acquire(std::string_view session, const SysctlChange& change) const {
  LockedLedger ledger = TRY(LockedLedger::load(dir_));
  const std::string current = TRY(sysctl_.read(change.key));
  auto found = ledger.entries.find(change.key);
  if (found == ledger.entries.end()) {
    found = ledger.entries.emplace(change.key, Entry{current, change.value, {}, {}}).first;
    if (current != change.value) found->second.parts = parts_of(sysctl_, change.key);
  }
  Entry& entry = found->second;
  if (entry.ours != change.value && is_held_by_others(entry, session)) {
    return fail(Error::Code::kExists, "set " + change.key + " to " + change.value + ": session " +
                                          entry.holders.front() + " needs it at " + entry.ours);
  }
  // Somebody has set it since, or the interface is a new one: that is what there is to come back to.
  if (current != entry.ours) entry.original = current;
  entry.ours = change.value;
  if (std::find(entry.holders.begin(), entry.holders.end(), session) == entry.holders.end()) {
    entry.holders.emplace_back(session);
  }
  TRY(ledger.save());

  if (current == change.value) return {};
  Result<void> written = sysctl_.write(change.key, change.value);
  if (written) return {};
  std::erase(entry.holders, session);
  if (entry.holders.empty()) ledger.entries.erase(found);
  TRY(ledger.save());
  return written;
}

Result<void> SysctlLedger::release(std::string_view session, std::string_view key) const {
  LockedLedger ledger = TRY(LockedLedger::load(dir_));
  const auto found = ledger.entries.find(key);
  if (found == ledger.entries.end()) return {};
  Entry& entry = found->second;
  std::erase(entry.holders, session);
  if (!entry.holders.empty()) return ledger.save();
  // The value first: if we die in between, the next release finds that it is not ours any more.
  TRY(restore(sysctl_, found->first, entry));
  ledger.entries.erase(found);
  return ledger.save();
}

Result<std::vector<std::string>> SysctlLedger::release_orphans() const {
  LockedLedger ledger = TRY(LockedLedger::load(dir_));
  // Read under the lock: a session has its journal before it can become a holder.
  std::vector<std::string> sessions;
  for (const SessionRecord& record : TRY(Journal::read_all(dir_))) sessions.push_back(record.session);
  std::vector<std::string> released;
  for (auto& [key, entry] : ledger.entries) {
    std::erase_if(entry.holders, [&](const std::string& holder) {
      return std::find(sessions.begin(), sessions.end(), holder) == sessions.end();
    });
    if (!entry.holders.empty()) continue;
    TRY(restore(sysctl_, key, entry));
    released.push_back(key);
  }
  for (const std::string& key : released) ledger.entries.erase(key);
  TRY(ledger.save());
  return released;
}

}  // namespace isthmus::io
