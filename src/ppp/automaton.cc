#include "ppp/automaton.h"

#include <algorithm>

namespace isthmus::ppp {

// Never defined: the table is parsed by the compiler alone, and reaching this call stops the compilation.
[[noreturn]] void misspelt_cell();

namespace {

constexpr std::array<std::string_view, kActs> kActNames = {"tlu", "tld", "tls", "tlf", "irc", "zrc", "scr",
                                                           "sca", "scn", "str", "sta", "scj", "ser"};
constexpr std::array<std::string_view, kStates> kStateNames = {"Initial",  "Starting", "Closed",   "Stopped",
                                                               "Closing",  "Stopping", "Req-Sent", "Ack-Rcvd",
                                                               "Ack-Sent", "Opened"};
constexpr std::array<std::string_view, kEvents> kEventNames = {"Up",   "Down", "Open", "Close", "TO+", "TO-",
                                                               "RCR+", "RCR-", "RCA",  "RCN",   "RTR", "RTA",
                                                               "RUC",  "RXJ+", "RXJ-", "RXR"};
constexpr std::string_view kFootnotes = " prx";

using Row = std::array<std::string_view, kStates>;

// RFC 1661 section 4.1, both halves of the table side by side.
// clang-format off
constexpr std::array<Row, kEvents> kTable = {{
  // Initial  Starting     Closed       Stopped            Closing  Stopping  Req-Sent      Ack-Rcvd      Ack-Sent      Opened
  {  "2",     "irc,scr/6", "-",         "-",               "-",     "-",      "-",          "-",          "-",          "-"             },  // Up
  {  "-",     "-",         "0",         "tls/1",           "0",     "1",      "1",          "1",          "1",          "tld/1"         },  // Down
  {  "tls/1", "1",         "irc,scr/6", "3r",              "5r",    "5r",     "6",          "7",          "8",          "9r"            },  // Open
  {  "0",     "tlf/0",     "2",         "2",               "4",     "4",      "irc,str/4",  "irc,str/4",  "irc,str/4",  "tld,irc,str/4" },  // Close

  {  "-",     "-",         "-",         "-",               "str/4", "str/5",  "scr/6",      "scr/6",      "scr/8",      "-"             },  // TO+
  {  "-",     "-",         "-",         "-",               "tlf/2", "tlf/3",  "tlf/3p",     "tlf/3p",     "tlf/3p",     "-"             },  // TO-

  {  "-",     "-",         "sta/2",     "irc,scr,sca/8",   "4",     "5",      "sca/8",      "sca,tlu/9",  "sca/8",      "tld,scr,sca/8" },  // RCR+
  {  "-",     "-",         "sta/2",     "irc,scr,scn/6",   "4",     "5",      "scn/6",      "scn/7",      "scn/6",      "tld,scr,scn/6" },  // RCR-
  {  "-",     "-",         "sta/2",     "sta/3",           "4",     "5",      "irc/7",      "scr/6x",     "irc,tlu/9",  "tld,scr/6x"    },  // RCA
  {  "-",     "-",         "sta/2",     "sta/3",           "4",     "5",      "irc,scr/6",  "scr/6x",     "irc,scr/8",  "tld,scr/6x"    },  // RCN

  {  "-",     "-",         "sta/2",     "sta/3",           "sta/4", "sta/5",  "sta/6",      "sta/6",      "sta/6",      "tld,zrc,sta/5" },  // RTR
  {  "-",     "-",         "2",         "3",               "tlf/2", "tlf/3",  "6",          "6",          "8",          "tld,scr/6"     },  // RTA

  {  "-",     "-",         "scj/2",     "scj/3",           "scj/4", "scj/5",  "scj/6",      "scj/7",      "scj/8",      "scj/9"         },  // RUC
  {  "-",     "-",         "2",         "3",               "4",     "5",      "6",          "6",          "8",          "9"             },  // RXJ+
  {  "-",     "-",         "tlf/2",     "tlf/3",           "tlf/2", "tlf/3",  "tlf/3",      "tlf/3",      "tlf/3",      "tld,irc,str/5" },  // RXJ-

  {  "-",     "-",         "2",         "3",               "4",     "5",      "6",          "7",          "8",          "ser/9"         },  // RXR
}};
// clang-format on

consteval Act act_named(std::string_view word) {
  for (std::size_t act = 0; act < kActs; ++act)
    if (kActNames.at(act) == word) return static_cast<Act>(act);
  misspelt_cell();
}

consteval Transition parse_cell(std::string_view cell) {
  Transition out;
  if (cell == "-") return out;
  out.legal = true;
  const std::size_t slash = cell.find('/');
  std::string_view actions = slash == std::string_view::npos ? std::string_view{} : cell.substr(0, slash);
  while (!actions.empty()) {
    const std::size_t comma = std::min(actions.find(','), actions.size());
    out.listed.at(out.count++) = act_named(actions.substr(0, comma));
    actions.remove_prefix(std::min(comma + 1, actions.size()));
  }
  const std::string_view target = slash == std::string_view::npos ? cell : cell.substr(slash + 1);
  out.next = static_cast<State>(target.at(0) - '0');
  if (target.size() > 1) out.footnote = static_cast<Footnote>(kFootnotes.find(target.at(1)));
  return out;
}

consteval auto parse_table() {
  std::array<std::array<Transition, kStates>, kEvents> out;
  for (std::size_t event = 0; event < kEvents; ++event)
    for (std::size_t state = 0; state < kStates; ++state)
      out.at(event).at(state) = parse_cell(kTable.at(event).at(state));
  return out;
}

constexpr auto kTransitions = parse_table();

}  // namespace

bool Transition::has(Act act) const {
  return std::ranges::find(actions(), act) != actions().end();
}

const Transition& transition(State state, Event event) {
  return kTransitions[static_cast<std::size_t>(event)][static_cast<std::size_t>(state)];
}

std::string to_string(const Transition& cell) {
  if (!cell.legal) return "-";
  std::string out;
  for (const Act act : cell.actions()) {
    if (!out.empty()) out += ',';
    out += kActNames[static_cast<std::size_t>(act)];
  }
  if (!out.empty()) out += '/';
  out += static_cast<char>('0' + static_cast<int>(cell.next));
  if (cell.footnote != Footnote::kNone) out += kFootnotes[static_cast<std::size_t>(cell.footnote)];
  return out;
}

std::string_view name(State state) {
  return kStateNames[static_cast<std::size_t>(state)];
}
std::string_view name(Event event) {
  return kEventNames[static_cast<std::size_t>(event)];
}

}  // namespace isthmus::ppp
