#include "config/split_words.h"

namespace isthmus::config {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// One word from `text` on, which begins with no blank.
Result<std::string> take_word(std::string_view& text, const std::string& what) {
  std::string word;
  char quote = '\0';
  while (!text.empty() && (quote != '\0' || !is_blank(text.front()))) {
    const char c = text.front();
    text.remove_prefix(1);
    const bool escapes = c == '\\' && quote != '\'' && !text.empty();
    if (escapes) {
      word += text.front();
      text.remove_prefix(1);
    } else if (c == quote) {
      quote = '\0';
    } else if (quote == '\0' && (c == '\'' || c == '"')) {
      quote = c;
    } else {
      word += c;
    }
  }
  if (quote != '\0') return fail(Error::Code::kInvalid, what + ": a quote is not closed");
  return word;
}

}  // namespace

Result<std::vector<std::string>> split_words(std::string_view text, const std::string& what) {
  constexpr std::size_t kMaxText = 4096;
  if (text.size() > kMaxText || text.contains('\0'))
    return fail(Error::Code::kInvalid, what + ": too long, or with a NUL");
  std::vector<std::string> words;
  while (true) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    if (text.empty()) break;
    words.push_back(TRY(take_word(text, what)));
  }
  if (words.empty() || words.front().empty())
    return fail(Error::Code::kInvalid, what + ": it names no program");
  if (words.front().front() == '-')
    return fail(Error::Code::kInvalid, what + ": a program cannot begin with '-'");
  return words;
}

}  // namespace isthmus::config
