// Sums and differences of times that come from objects, and may be any: what a ph::Time or a Duration cannot hold becomes the
// farthest or longest that it can.
#pragma once

#include "base/time.h"

namespace ph::api {

inline Time later(Time from, Duration by) {
  Duration::rep sum = 0;
  if (!__builtin_add_overflow(from.time_since_epoch().count(), by.count(), &sum)) return Time(Duration(sum));
  return by > Duration::zero() ? Time::max() : Time::min();
}

inline Duration elapsed(Time from, Time to) {
  Duration::rep difference = 0;
  if (!__builtin_sub_overflow(to.time_since_epoch().count(), from.time_since_epoch().count(), &difference))
    return Duration(difference);
  return to > from ? Duration::max() : -Duration::max();
}

}  // namespace ph::api
