// RFC 1661 section 4.1, all 160 cells, against a transcript of the RFC's two half tables that was typed apart
// from the code.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "ppp/automaton.h"

namespace isthmus::ppp {
namespace {

constexpr auto kTranscript = "tests/conformance/rfc1661_section_4_1.txt";

using Cells = std::map<std::string, std::string>;  // by state

// By event. Each half begins with a line that names its states.
std::map<std::string, Cells> read_transcript() {
  std::map<std::string, Cells> rows;
  std::ifstream file(kTranscript);
  EXPECT_TRUE(file.is_open()) << kTranscript << " not found: run from the root of the repository";
  std::vector<std::string> states;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string head;
    if (!(words >> head) || head == "#") continue;
    if (head == "Events") states.clear();
    std::size_t column = 0;
    for (std::string word; words >> word; ++column) {
      if (head == "Events") {
        states.push_back(word);
      } else {
        rows[head][states.at(column)] = word;
      }
    }
  }
  return rows;
}

TEST(Rfc1661Section41, EveryCellOfTheTableIsTheRfcs) {
  std::map<std::string, Cells> rows = read_transcript();
  ASSERT_EQ(rows.size(), kEvents);
  std::size_t cells = 0;
  for (std::size_t e = 0; e < kEvents; ++e) {
    const Event event = static_cast<Event>(e);
    Cells& row = rows[std::string(name(event))];
    ASSERT_EQ(row.size(), kStates) << name(event);
    for (std::size_t s = 0; s < kStates; ++s, ++cells) {
      const State state = static_cast<State>(s);
      EXPECT_EQ(to_string(transition(state, event)), row[std::string(name(state))])
          << name(event) << " in " << name(state);
    }
  }
  EXPECT_EQ(cells, 160U);
}

TEST(Rfc1661Section41, RestartTimerRunsWhereTheTableHasTimeouts) {
  for (std::size_t s = 0; s < kStates; ++s) {
    const State state = static_cast<State>(s);
    EXPECT_EQ(has_restart_timer(state), transition(state, Event::kToPlus).legal) << name(state);
    EXPECT_EQ(has_restart_timer(state), transition(state, Event::kToMinus).legal) << name(state);
  }
}

TEST(Rfc1661Section41, NoPacketIsAnEventBeforeTheLowerLayerIsUp) {
  for (std::size_t e = static_cast<std::size_t>(Event::kRcrPlus); e < kEvents; ++e) {
    EXPECT_FALSE(transition(State::kInitial, static_cast<Event>(e)).legal);
    EXPECT_FALSE(transition(State::kStarting, static_cast<Event>(e)).legal);
  }
}

}  // namespace
}  // namespace isthmus::ppp
