#include "ppp/life_watch.h"

#include <algorithm>

namespace isthmus::ppp {

void LifeWatch::heard(Instant now) {
  heard_ = now;
  busy_since_.reset();
  echoed_.reset();
}

void LifeWatch::sent(Instant now) {
  if (!busy_since_) busy_since_ = now;
}

LifeWatch::Verdict LifeWatch::check(Instant now) {
  const Instant due = next_deadline();
  if (now < due) return Verdict::kFine;
  if (now > due + kOverslept) {
    heard(now);
    echoed_ = now;
    return Verdict::kEchoDue;
  }
  if (now >= dead_at()) return Verdict::kDead;
  echoed_ = now;
  return Verdict::kEchoDue;
}

Instant LifeWatch::next_deadline() const {
  return std::min(echo_due(), dead_at());
}

Instant LifeWatch::echo_due() const {
  const Instant idle = echoed_.value_or(heard_) + limits_.echo_interval;
  if (!busy_since_) return idle;
  return std::min(idle, std::max(*busy_since_, echoed_.value_or(*busy_since_)) + kBusyEchoInterval);
}

Instant LifeWatch::dead_at() const {
  const Instant idle = heard_ + limits_.dead_after_idle;
  return busy_since_ ? std::min(idle, *busy_since_ + limits_.dead_after_busy) : idle;
}

}  // namespace isthmus::ppp
