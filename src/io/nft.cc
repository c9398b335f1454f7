#include "io/nft.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "io/run_program.h"

namespace isthmus::io {
namespace {

constexpr Duration kNftTimeout = std::chrono::seconds{20};
// What tells our tables from somebody else's of the same name.
constexpr std::string_view kMark = "comment \"made by isthmus\"";

Result<std::string> nft_path() {
  for (const char* path : {"/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft"}) {
    if (::access(path, X_OK) == 0) return path;
  }
  return fail(Error::Code::kUnsupported, "nft is not installed: apt install nftables");
}

Result<ProgramOutput> run_nft(std::vector<std::string> arguments, std::string_view input) {
  arguments.insert(arguments.begin(), TRY(nft_path()));
  return run_program(arguments, input, kNftTimeout);
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

std::unexpected<Error> fail_nft(const std::string& what, const ProgramOutput& output) {
  const std::string reason = output.errors.empty() ? output.status.to_string() : first_line(output.errors);
  return fail(Error::Code::kSystem, what + ": nft says: " + reason);
}

Result<void> run_script(const std::string& script, const std::string& what) {
  const ProgramOutput output = TRY(run_nft({"-f", "-"}, script));
  if (!output.status.is_success()) return fail_nft(what, output);
  return {};
}

Result<void> check_name(const std::string& name) {
  const bool is_good =
      !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
      });
  if (is_good) return {};
  return fail(Error::Code::kInvalid, "\"" + name + "\" cannot be the name of our nft table");
}

enum class Holder : std::uint8_t { kNobody, kUs, kOthers };

struct Found {
  Holder holder = Holder::kNobody;
  std::string listing;
};

Result<Found> look_for(const std::string& name) {
  TRY(check_name(name));
  ProgramOutput output = TRY(run_nft({"--stateless", "list", "table", "inet", name}, ""));
  if (output.status.is_success()) {
    const bool is_ours = output.output.find(kMark) != std::string::npos;
    return Found{is_ours ? Holder::kUs : Holder::kOthers, std::move(output.output)};
  }
  if (output.errors.find("No such file or directory") != std::string::npos) return Found{};
  return fail_nft("look for nft table inet " + name, output);
}

}  // namespace

Result<void> Nft::apply(const NftTableChange& table) {
  std::string script;
  switch (TRY(look_for(table.name)).holder) {
    case Holder::kOthers:
      return fail(Error::Code::kExists, "nft table inet " + table.name + " is there already, not from us");
    case Holder::kUs:
      script = "delete table inet " + table.name + "\n";
      break;
    case Holder::kNobody:
      break;
  }
  // `create` and not `add`: a table that appears between our look and this fails the transaction.
  // It comes without its chains: nft 1.0.6 leaves those in a block of `create table` out, and says nothing.
  script += "create table inet " + table.name + " { " + std::string{kMark} + "; }\n";
  script += "table inet " + table.name + " {\n" + table.body + "\n}\n";
  return run_script(script, "make nft table inet " + table.name);
}

Result<void> Nft::remove(const std::string& name) {
  if (TRY(look_for(name)).holder != Holder::kUs) return {};
  return run_script("delete table inet " + name + "\n", "delete nft table inet " + name);
}

Result<std::optional<std::string>> Nft::listing(const std::string& name) {
  Found found = TRY(look_for(name));
  if (found.holder != Holder::kUs) return std::nullopt;
  return std::move(found.listing);
}

Result<std::string> Nft::list_ruleset_json() {
  ProgramOutput output = TRY(run_nft({"-j", "list", "ruleset"}, ""));
  if (!output.status.is_success()) return fail_nft("list the nft ruleset", output);
  return std::move(output.output);
}

}  // namespace isthmus::io
