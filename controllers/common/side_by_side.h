// Requests that do not hang on each other.
#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <vector>

#include "base/sync.h"

namespace ph::controllers {

// Runs them all, so many at once. One that fails keeps none of the others; the first failure, or null.
inline Task<std::exception_ptr> side_by_side(std::vector<Task<void>> tasks, std::size_t at_once = 20) {
  std::exception_ptr out;
  for (std::size_t at = 0; at < tasks.size(); at += at_once) {
    std::vector<Task<void>> some;
    for (std::size_t i = at; i < std::min(tasks.size(), at + at_once); ++i) some.push_back(std::move(tasks[i]));
    const std::vector<Outcome_<void>> results = co_await all(std::move(some));
    for (const Outcome_<void>& each : results) {
      if (each.error && !out) out = each.error;
    }
  }
  co_return out;
}

}  // namespace ph::controllers
