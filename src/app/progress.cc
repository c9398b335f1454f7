#include "app/progress.h"

#include <fmt/format.h>

namespace isthmus::app {
namespace {

constexpr Duration kSignInterval = std::chrono::seconds{3};

}  // namespace

void Progress::step(Instant now, const std::string& name, const std::string& text) {
  line(fmt::format("  {:<10} {:<60} {:>8}", name, text, seconds_text(now - last_)));
  last_ = now;
  last_sign_ = now;
}

void Progress::detail(const std::string& text) {
  line(fmt::format("  {:<10} {}", "", text));
}

void Progress::line(const std::string& text) {
  output_.write("", text);
}

Instant Progress::still_waiting(Instant now, const std::string& what) {
  if (!last_sign_) last_sign_ = begin_;
  if (now - *last_sign_ < kSignInterval) return *last_sign_ + kSignInterval;
  line(fmt::format("  {:<10} waiting for {} for {}", "…", what, seconds_text(now - last_)));
  last_sign_ = now;
  return now + kSignInterval;
}

std::string seconds_text(Duration duration) {
  return fmt::format("{:.2f} s", std::chrono::duration<double>(duration).count());
}

std::string milliseconds_text(Duration duration) {
  return fmt::format("{:.2f} ms", std::chrono::duration<double, std::milli>(duration).count());
}

}  // namespace isthmus::app
