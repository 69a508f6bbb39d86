#include "apiserver/rest/race.h"

#include <algorithm>

namespace ph::apiserver {

Soon<> Race::turn_of(std::string_view prefix, const ObjectKey& key) {
  if (lines_.empty() && keys_.empty()) return {};
  std::string own = std::string(prefix) + key.text();
  if (!lines_.has(own) && !keys_.contains(own)) return {};
  keys_.insert(std::move(own));
  return turns();
}

Soon<> Race::turns() {
  if (keys_.empty() || !places_.empty()) return {};
  return stand_in_line();
}

// All at once and in their order: two writes never wait for each other.
Task<void> Race::stand_in_line() {
  for (const std::string& key : keys_) {
    places_.push_back(lines_.join(key));
    co_await places_.back().turn();
  }
}

bool Race::must_wait(const std::vector<Precondition>& wanted) {
  if (lines_.empty()) return false;
  const auto others_turn = [this](const Precondition& one) {
    const bool mine = !places_.empty() && keys_.contains(one.key);
    return !mine && lines_.has(one.key);
  };
  const auto found = std::ranges::find_if(wanted, others_turn);
  if (found == wanted.end()) return false;
  keys_.insert(found->key);
  return true;
}

void Race::lost(const Precondition& wanted, bool changes) {
  refused.insert(wanted.key);
  if (changes && wanted.kind == Precondition::Kind::AtRevision) keys_.insert(wanted.key);
}

}  // namespace ph::apiserver
