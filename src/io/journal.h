// What a session has changed on this machine, written before it is done, so that anybody can undo it after a
// crash. One file a session; its owner holds its lock while it lives.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/runtime_dir.h"
#include "io/unique_fd.h"
#include "net/host_change.h"

namespace isthmus::io {

// What a journal says, for `status`.
struct SessionRecord {
  std::string session;
  std::uint32_t slot = 0;
  std::string interface;  // empty before the TUN was made
  std::uint32_t interface_index = 0;
  pid_t owner = 0;
  bool is_alive = false;
  std::vector<HostChange> standing;  // intended or done and not undone, oldest first
  std::size_t unreadable_lines = 0;  // damage: what they said cannot be undone
};

class Journal {
 public:
  // A new journal with the lowest free slot. kExists if the session has a journal, whether its owner lives
  // (the message names the process) or has died (adopt() and undo it first); kRefused if all slots are taken.
  static Result<Journal> create(const RuntimeDir& dir, std::string_view session);
  // Takes over the journal of a session whose owner is dead. kExists if it lives, kNotFound if there is none.
  static Result<Journal> adopt(const RuntimeDir& dir, std::string_view session);
  static Result<std::vector<Journal>> adopt_orphans(const RuntimeDir& dir);
  // Reads all, takes nothing.
  static Result<std::vector<SessionRecord>> read_all(const RuntimeDir& dir);

  [[nodiscard]] const std::string& session() const { return record_.session; }
  [[nodiscard]] std::uint32_t slot() const { return record_.slot; }
  [[nodiscard]] const std::string& interface() const { return record_.interface; }
  // Tells it from a later one of the same name; 0 if unknown.
  [[nodiscard]] std::uint32_t interface_index() const { return record_.interface_index; }
  // Intended or done and not undone, oldest first.
  [[nodiscard]] const std::vector<HostChange>& standing() const { return record_.standing; }
  [[nodiscard]] std::size_t unreadable_lines() const { return record_.unreadable_lines; }

  // Before and after an act: a change is standing from intend() until mark_undone().
  [[nodiscard]] Result<void> intend(const HostChange& change);
  [[nodiscard]] Result<void> mark_done(const HostChange& change);
  [[nodiscard]] Result<void> mark_undone(const HostChange& change);
  [[nodiscard]] Result<void> name_interface(const std::string& interface, std::uint32_t index);

  // Removes the file; nothing may be standing.
  [[nodiscard]] Result<void> remove();

 private:
  Journal(std::filesystem::path path, UniqueFd file, SessionRecord record)
      : path_(std::move(path)), file_(std::move(file)), record_(std::move(record)) {}
  Result<void> append(const std::string& line);
  Result<void> compact();

  std::filesystem::path path_;
  UniqueFd file_;  // locked
  SessionRecord record_;
  std::size_t lines_ = 0;  // since the last compaction
};

}  // namespace isthmus::io
