#include "io/journal.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/guard.h"
#include "io/file_lock.h"
#include "io/fresh_file.h"
#include "io/host_change_json.h"

namespace isthmus::io {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kExtension = "journal";
// Far above what any session writes between two compactions.
constexpr std::size_t kMaxSize = 16U << 20;
constexpr std::size_t kCompactAfter = 256;
// Kept for what a session of a few days writes, where others fill the file system meanwhile.
constexpr off_t kReserved = 24 << 10;
constexpr int kLockAttempts = 50;
constexpr unsigned int kLockPauseMicroseconds = 20'000;

std::string header_line(const SessionRecord& record) {
  const Json header{
      {"journal", 1}, {"session", record.session}, {"slot", record.slot}, {"owner", record.owner}};
  return header.dump();
}

std::string change_line(const char* event, const HostChange& change) {
  return std::string{"{\""} + event + "\":" + to_json(change) + "}";
}

std::string interface_line(const std::string& interface, std::uint32_t index) {
  return Json{{"interface", interface}, {"index", index}}.dump();
}

void apply_header(const Json& line, SessionRecord& record) {
  const auto slot = line.find("slot");
  const auto owner = line.find("owner");
  if (slot != line.end() && slot->is_number_unsigned() && slot->get<std::uint64_t>() < kMaxSlots) {
    record.slot = slot->get<std::uint32_t>();
  }
  if (owner != line.end() && owner->is_number_integer()) record.owner = owner->get<pid_t>();
}

std::optional<HostChange> change_in(const Json& line, const char* event) {
  const auto found = line.find(event);
  if (found == line.end()) return std::nullopt;
  const Result<HostChange> change = parse_host_change(found->dump());
  return change ? std::optional{*change} : std::nullopt;
}

// A line that says nothing we know counts as unreadable; it takes nothing else with it.
bool apply_line(std::string_view text, SessionRecord& record) {
  const Json line = Json::parse(text, nullptr, false);
  if (!line.is_object()) return false;
  if (line.contains("journal")) {
    apply_header(line, record);
    return true;
  }
  if (line.contains("interface") && line["interface"].is_string()) {
    record.interface = line["interface"].get<std::string>();
    const auto index = line.find("index");
    if (index != line.end() && index->is_number_unsigned())
      record.interface_index = index->get<std::uint32_t>();
    return true;
  }
  if (const auto change = change_in(line, "intend")) {
    record.standing.push_back(*change);
    return true;
  }
  if (const auto change = change_in(line, "undone")) {
    std::erase(record.standing, *change);
    return true;
  }
  return change_in(line, "done").has_value();
}

Result<std::string> read_whole(int fd, const std::string& path) {
  std::string text;
  std::string chunk(65536, '\0');
  while (text.size() <= kMaxSize) {
    const ssize_t length = ::pread(fd, chunk.data(), chunk.size(), static_cast<off_t>(text.size()));
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return fail_errno(errno, "read " + path);
    if (length == 0) return text;
    text.append(chunk, 0, static_cast<std::size_t>(length));
  }
  return fail(Error::Code::kInvalid, "read " + path + ": too large to be a journal");
}

// What follows the last newline was being written when its owner died: its act had not begun.
SessionRecord parse_journal(std::string_view text, std::string session) {
  SessionRecord record;
  record.session = std::move(session);
  while (true) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return record;
    if (!apply_line(text.substr(0, end), record)) ++record.unreadable_lines;
    text.remove_prefix(end + 1);
  }
}

// A locked file at `path` that holds `text` from the moment that it can be seen there.
Result<UniqueFd> publish(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::path fresh = path;
  fresh += ".new";
  UniqueFd file = TRY(make_fresh_file(fresh));
  if (!TRY(try_lock(file.get()))) return fail(Error::Code::kExists, fresh.string() + " is locked");
  TRY(write_whole(file.get(), text, fresh));
  // A wish: not every file system can, and a full one may have room for the text alone.
  ::fallocate(file.get(), FALLOC_FL_KEEP_SIZE, 0, kReserved);
  if (::rename(fresh.c_str(), path.c_str()) != 0) return fail_errno(errno, "rename " + fresh.string());
  return file;
}

Result<UniqueFd> open_existing(const std::filesystem::path& path, int flags) {
  UniqueFd file{::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW)};
  if (file.is_open()) return file;
  if (errno == ENOENT) return fail(Error::Code::kNotFound, "no session " + path.stem().string() + " here");
  return fail_errno(errno, "open " + path.string());
}

bool is_at(const std::filesystem::path& path, int fd) {
  struct stat by_name{};
  struct stat by_fd{};
  return ::stat(path.c_str(), &by_name) == 0 && ::fstat(fd, &by_fd) == 0 && by_name.st_ino == by_fd.st_ino &&
         by_name.st_dev == by_fd.st_dev;
}

std::unexpected<Error> fail_alive(const SessionRecord& record) {
  return fail(Error::Code::kExists,
              "session " + record.session + " is running as process " + std::to_string(record.owner));
}

bool is_running(pid_t process) {
  return process > 0 && (::kill(process, 0) == 0 || errno != ESRCH);
}

// Takes the lock of a journal whose owner is dead. A child that the owner had just forked, and that has not
// yet become another program, holds the lock for a moment longer.
Result<void> wait_for_the_dead(int fd, const std::string& session, const std::filesystem::path& path) {
  for (int attempt = 0; attempt < kLockAttempts; ++attempt) {
    if (guard<Guard::kLiveOwner>(TRY(try_lock(fd)))) return {};
    const SessionRecord record = parse_journal(TRY(read_whole(fd, path.string())), session);
    if (is_running(record.owner)) return fail_alive(record);
    ::usleep(kLockPauseMicroseconds);
  }
  return fail(Error::Code::kExists,
              "session " + session + " is held by a process that it started: try again");
}

// Without room the file says one thing too many: whoever comes after a crash then undoes what is undone
// already, and removes nothing but ours. An undoing must not fail for that.
Result<void> unless_full(Result<void> written) {
  if (!written && written.error().os_errno == ENOSPC) return {};
  return written;
}

std::vector<std::string> session_names(const RuntimeDir& dir) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path(), error)) {
    const std::filesystem::path& path = entry.path();
    if (path.extension() != "." + std::string{kExtension}) continue;
    if (is_session_name(path.stem().string())) names.push_back(path.stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<SessionRecord> read_one(const RuntimeDir& dir, const std::string& session) {
  const std::filesystem::path path = TRY(dir.file_of(session, kExtension));
  while (true) {
    const UniqueFd file = TRY(open_existing(path, O_RDONLY));
    SessionRecord record = parse_journal(TRY(read_whole(file.get(), path.string())), session);
    // Whoever is about to undo a dead session holds its lock too.
    record.is_alive = TRY(is_locked(file.get())) && is_running(record.owner);
    // A living owner that renewed the file meanwhile holds the lock of the new one.
    if (record.is_alive || is_at(path, file.get())) return record;
  }
}

Result<std::uint32_t> lowest_free_slot(const RuntimeDir& dir) {
  std::set<std::uint32_t> taken;
  for (const SessionRecord& record : TRY(Journal::read_all(dir))) taken.insert(record.slot);
  for (std::uint32_t slot = 0; slot < kMaxSlots; ++slot) {
    if (!taken.contains(slot)) return slot;
  }
  return fail(Error::Code::kRefused, "there are " + std::to_string(kMaxSlots) +
                                         " sessions already: end one, or run `isthmus cleanup`");
}

}  // namespace

Result<Journal> Journal::create(const RuntimeDir& dir, std::string_view session) {
  const std::filesystem::path path = TRY(dir.file_of(session, kExtension));
  const UniqueFd directory_lock = TRY(lock_file(dir.path() / "lock"));
  const Result<SessionRecord> existing = read_one(dir, std::string{session});
  if (existing && existing->is_alive) return fail_alive(*existing);
  if (existing) {
    return fail(Error::Code::kExists, "session " + std::string{session} + " was left by process " +
                                          std::to_string(existing->owner) + ": run `isthmus cleanup`");
  }
  if (existing.error().code != Error::Code::kNotFound) return std::unexpected(existing.error());

  SessionRecord record;
  record.session = session;
  record.slot = TRY(lowest_free_slot(dir));
  record.owner = ::getpid();
  record.is_alive = true;
  UniqueFd file = TRY(publish(path, header_line(record) + "\n"));
  return Journal{path, std::move(file), std::move(record)};
}

Result<Journal> Journal::adopt(const RuntimeDir& dir, std::string_view session) {
  const std::filesystem::path path = TRY(dir.file_of(session, kExtension));
  UniqueFd file = TRY(open_existing(path, O_RDWR | O_APPEND));
  TRY(wait_for_the_dead(file.get(), std::string{session}, path));
  SessionRecord record = parse_journal(TRY(read_whole(file.get(), path.string())), std::string{session});
  // Its owner may have ended, or renewed the file, between our open and our lock.
  if (!is_at(path, file.get()))
    return fail(Error::Code::kNotFound, "session " + record.session + " has ended");
  record.owner = ::getpid();
  record.is_alive = true;
  Journal journal{path, std::move(file), std::move(record)};
  // Also rids the file of a line that was cut short.
  TRY(journal.compact());
  return journal;
}

Result<std::vector<Journal>> Journal::adopt_orphans(const RuntimeDir& dir) {
  std::vector<Journal> orphans;
  for (const std::string& session : session_names(dir)) {
    Result<Journal> journal = adopt(dir, session);
    if (journal) {
      orphans.push_back(std::move(*journal));
      continue;
    }
    const Error::Code code = journal.error().code;
    if (code != Error::Code::kExists && code != Error::Code::kNotFound)
      return std::unexpected(journal.error());
  }
  return orphans;
}

Result<std::vector<SessionRecord>> Journal::read_all(const RuntimeDir& dir) {
  std::vector<SessionRecord> records;
  for (const std::string& session : session_names(dir)) {
    Result<SessionRecord> record = read_one(dir, session);
    if (record) records.push_back(std::move(*record));
    if (!record && record.error().code != Error::Code::kNotFound) return std::unexpected(record.error());
  }
  return records;
}

Result<void> Journal::intend(const HostChange& change) {
  TRY(append(change_line("intend", change)));
  record_.standing.push_back(change);
  return {};
}

Result<void> Journal::mark_done(const HostChange& change) {
  return unless_full(append(change_line("done", change)));
}

Result<void> Journal::mark_undone(const HostChange& change) {
  TRY(unless_full(append(change_line("undone", change))));
  std::erase(record_.standing, change);
  if (lines_ > kCompactAfter + 4 * record_.standing.size()) return compact();
  return {};
}

Result<void> Journal::name_interface(const std::string& interface, std::uint32_t index) {
  TRY(append(interface_line(interface, index)));
  record_.interface = interface;
  record_.interface_index = index;
  return {};
}

Result<void> Journal::remove() {
  CHECK(record_.standing.empty());
  if (::unlink(path_.c_str()) != 0 && errno != ENOENT) return fail_errno(errno, "remove " + path_.string());
  return {};
}

Result<void> Journal::append(const std::string& line) {
  const off_t end = ::lseek(file_.get(), 0, SEEK_END);
  Result<void> written = write_whole(file_.get(), line + "\n", path_);
  if (written) {
    ++lines_;
    return {};
  }
  // Half a line would take the next one with it.
  if (end < 0 || ::ftruncate(file_.get(), end) != 0) TRY(compact());
  return written;
}

// Leaves out what was undone, so that a link that comes and goes for months does
// not grow it.
Result<void> Journal::compact() {
  std::string text = header_line(record_) + "\n";
  if (!record_.interface.empty()) text += interface_line(record_.interface, record_.interface_index) + "\n";
  for (const HostChange& change : record_.standing) text += change_line("intend", change) + "\n";
  file_ = TRY(publish(path_, text));
  lines_ = 0;
  return {};
}

}  // namespace isthmus::io
