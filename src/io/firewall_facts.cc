#include "io/firewall_facts.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "io/run_program.h"

namespace isthmus::io {
namespace {

using nlohmann::json;
using Verdict = FirewallRule::Verdict;

constexpr Duration kPatience = std::chrono::seconds{5};

// A member of an object, or null: what another version of nft leaves out is no error.
const json& member(const json& object, const char* name) {
  static const json kNull;
  const auto found = object.is_object() ? object.find(name) : object.end();
  return found == object.end() ? kNull : *found;
}

std::string text_of(const json& value) {
  return value.is_string() ? value.get<std::string>() : std::string{};
}

// A string or a set of strings; nullopt for ranges, named sets and whatever else may stand there.
std::optional<std::vector<std::string>> names_in(const json& value) {
  const json& set = value.is_object() ? member(value, "set") : value;
  std::vector<std::string> names;
  if (set.is_string() && !text_of(set).starts_with('@')) return std::vector{text_of(set)};
  if (!set.is_array() || set.empty()) return std::nullopt;
  for (const json& name : set) {
    if (!name.is_string()) return std::nullopt;
    names.push_back(text_of(name));
  }
  return names;
}

bool holds(const json& value, std::string_view wanted) {
  if (value.is_string()) return value.get<std::string>() == wanted;
  if (value.is_object()) return holds(member(value, "set"), wanted);
  return value.is_array() &&
         std::ranges::any_of(value, [&](const json& item) { return holds(item, wanted); });
}

void read_match(const json& match, FirewallRule& rule) {
  const std::string op = text_of(member(match, "op"));
  const json& left = member(match, "left");
  const json& right = member(match, "right");
  const std::string key = text_of(member(member(left, "meta"), "key"));
  const bool is_input = key == "iifname" || key == "iif";
  const bool is_output = key == "oifname" || key == "oif";
  const auto names = names_in(right);
  if ((is_input || is_output) && names && (op == "==" || op == "!=")) {
    (is_input ? rule.input : rule.output) = {*names, op == "!="};
    return;
  }
  // We ask for new connections.
  const bool is_of_new =
      text_of(member(member(left, "ct"), "key")) == "state" && op != "!=" && holds(right, "new");
  if (!is_of_new) rule.is_conditional = true;
}

void read_xt(const json& xt, FirewallRule& rule) {
  if (text_of(member(xt, "type")) == "match") rule.is_conditional = true;
  if (!xt.is_object()) rule.is_conditional = true;  // older nft tells nothing
  if (text_of(member(xt, "name")) == "REJECT") rule.verdict = Verdict::kReject;
}

void read_statement(const std::string& kind, const json& value, FirewallRule& rule) {
  if (kind == "match") return read_match(value, rule);
  if (kind == "xt") return read_xt(value, rule);
  if (kind == "accept") rule.verdict = Verdict::kAccept;
  if (kind == "drop") rule.verdict = Verdict::kDrop;
  if (kind == "reject") rule.verdict = Verdict::kReject;
  if (kind == "return") rule.verdict = Verdict::kReturn;
  if (kind == "jump" || kind == "goto") {
    rule.verdict = kind == "jump" ? Verdict::kJump : Verdict::kGoto;
    rule.target = text_of(member(value, "target"));
  }
  // These let a rule apply to some packets only.
  if (kind == "limit" || kind == "quota" || kind == "ct count" || kind == "vmap") rule.is_conditional = true;
}

FirewallRule read_rule(const json& object) {
  FirewallRule rule;
  const json& statements = member(object, "expr");
  if (!statements.is_array()) return rule;
  for (const json& statement : statements) {
    if (!statement.is_object()) continue;
    for (const auto& [kind, value] : statement.items()) read_statement(kind, value, rule);
  }
  return rule;
}

FirewallChain read_chain(const json& object) {
  const json& priority = member(object, "prio");
  return {text_of(member(object, "family")),
          text_of(member(object, "table")),
          text_of(member(object, "name")),
          text_of(member(object, "hook")),
          priority.is_number_integer() ? priority.get<int>() : 0,
          text_of(member(object, "policy")) == "drop",
          false,
          {}};
}

FirewallChain* find_chain(FirewallFacts& facts, std::string_view family, std::string_view table,
                          std::string_view name) {
  const auto found = std::ranges::find_if(facts.chains, [&](const FirewallChain& chain) {
    return chain.name == name && chain.table == table && chain.family == family;
  });
  return found == facts.chains.end() ? nullptr : &*found;
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream{line};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

void set_target(FirewallRule& rule, const std::string& target, bool is_goto) {
  rule.target = target;
  rule.verdict = is_goto ? Verdict::kGoto : Verdict::kJump;
  if (target == "ACCEPT") rule.verdict = Verdict::kAccept;
  if (target == "DROP") rule.verdict = Verdict::kDrop;
  if (target == "REJECT") rule.verdict = Verdict::kReject;
  if (target == "RETURN") rule.verdict = Verdict::kReturn;
  const bool is_builtin = rule.verdict != Verdict::kJump && rule.verdict != Verdict::kGoto;
  if (is_builtin) rule.target.clear();
}

FirewallRule::InterfaceMatch interface_match(std::string name, bool is_negated) {
  if (name.ends_with('+')) name.back() = '*';
  return {{std::move(name)}, is_negated};
}

// "-A FORWARD -i eth0 ! -o eth1 -m conntrack --ctstate NEW -j ACCEPT", without its first two words.
FirewallRule read_saved_rule(const std::vector<std::string>& words) {
  FirewallRule rule;
  bool is_negated = false;
  for (std::size_t i = 2; i < words.size(); ++i) {
    const std::string& word = words[i];
    const std::string value = i + 1 < words.size() ? words[i + 1] : "";
    if (word == "!") {
      is_negated = true;
      continue;
    }
    if (word == "-j" || word == "-g") {
      set_target(rule, value, word == "-g");
      return rule;  // what follows belongs to the target
    }
    if (word == "-i") rule.input = interface_match(value, is_negated);
    if (word == "-o") rule.output = interface_match(value, is_negated);
    const bool is_interface = word == "-i" || word == "-o";
    if (!is_interface) rule.is_conditional = true;
    i += is_interface ? 1 : 0;
    is_negated = false;
  }
  return rule;
}

// Targets that are extensions (LOG, MARK, …) and no chains let the packet go on.
void forget_unknown_targets(FirewallFacts& facts) {
  for (FirewallChain& chain : facts.chains) {
    for (FirewallRule& rule : chain.rules) {
      const bool is_known =
          rule.target.empty() || find_chain(facts, chain.family, chain.table, rule.target) != nullptr;
      if (!is_known) rule = FirewallRule{};
    }
  }
}

bool has_legacy_tables(const std::string& proc_file) {
  std::ifstream names{proc_file};
  std::string name;
  while (names >> name) {
    if (name == "filter") return true;
  }
  return false;
}

void add_legacy(FirewallListing& listing, const std::string& program) {
  const Result<ProgramOutput> saved = run_program({program, "-t", "filter"}, "", kPatience);
  const bool is_read = saved && saved->status.is_success();
  listing.legacy.push_back(is_read ? saved->output : std::string{});
  listing.has_unreadable_legacy = listing.has_unreadable_legacy || !is_read;
}

}  // namespace

Result<FirewallFacts> parse_nft_ruleset(std::string_view text) {
  const json document = json::parse(text, nullptr, false);
  const json& entries = member(document, "nftables");
  if (!entries.is_array()) return fail(Error::Code::kInvalid, "nft -j list ruleset: no JSON as expected");
  FirewallFacts facts;
  for (const json& entry : entries) {
    const json& chain = member(entry, "chain");
    if (chain.is_object()) facts.chains.push_back(read_chain(chain));
  }
  for (const json& entry : entries) {
    const json& rule = member(entry, "rule");
    FirewallChain* chain = find_chain(facts, text_of(member(rule, "family")), text_of(member(rule, "table")),
                                      text_of(member(rule, "chain")));
    if (chain != nullptr) chain->rules.push_back(read_rule(rule));
  }
  return facts;
}

FirewallFacts parse_iptables_save(std::string_view text, std::string_view family) {
  FirewallFacts facts;
  std::string table;
  std::istringstream lines{std::string{text}};
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> words = words_of(line);
    if (words.empty()) continue;
    if (line.starts_with('*')) table = line.substr(1);
    if (line.starts_with(':') && words.size() > 1) {
      const std::string name = words[0].substr(1);
      const bool is_forward = name == "FORWARD" && table == "filter";
      facts.chains.push_back(
          {std::string{family}, table, name, is_forward ? "forward" : "", 0, words[1] == "DROP", true, {}});
    }
    if (words[0] != "-A" || words.size() < 2) continue;
    FirewallChain* chain = find_chain(facts, family, table, words[1]);
    if (chain != nullptr) chain->rules.push_back(read_saved_rule(words));
  }
  forget_unknown_targets(facts);
  return facts;
}

Result<FirewallListing> read_firewall_listing() {
  const Result<ProgramOutput> listed = run_program({"nft", "-j", "list", "ruleset"}, "", kPatience);
  if (!listed && listed.error().code == Error::Code::kNotFound)
    return fail(Error::Code::kUnsupported, "nft is not installed (apt install nftables)");
  if (!listed) return std::unexpected(listed.error());
  if (!listed->status.is_success())
    return fail(Error::Code::kRefused, "nft -j list ruleset: " + listed->errors);
  FirewallListing listing{.nft = listed->output, .legacy = {}};
  const bool has_v4 = has_legacy_tables("/proc/net/ip_tables_names");
  const bool has_v6 = has_legacy_tables("/proc/net/ip6_tables_names");
  if (has_v4) add_legacy(listing, "iptables-legacy-save");
  if (has_v6 && !has_v4) listing.legacy.emplace_back();
  if (has_v6) add_legacy(listing, "ip6tables-legacy-save");
  return listing;
}

Result<FirewallFacts> parse_firewall_listing(const FirewallListing& listing) {
  FirewallFacts facts = TRY(parse_nft_ruleset(listing.nft));
  facts.has_unreadable_legacy = listing.has_unreadable_legacy;
  for (std::size_t i = 0; i < listing.legacy.size(); ++i) {
    FirewallFacts legacy = parse_iptables_save(listing.legacy[i], i == 0 ? "ip" : "ip6");
    std::ranges::move(legacy.chains, std::back_inserter(facts.chains));
  }
  return facts;
}

}  // namespace isthmus::io
