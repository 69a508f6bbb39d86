// What the rounds of one write hand on: what they lost to, and the turns they have to wait for.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/object.h"
#include "apiserver/rest/lines.h"
#include "apiserver/storage/store.h"
#include "base/soon.h"

namespace ph::apiserver {

// Belongs to one write. The lines outlive it; it outlives the waits. Dropping it gives up its places.
class Race {
 public:
  explicit Race(Lines& lines) : lines_(lines) {}

  std::set<std::string> refused;  // keys other than the object's own that made earlier rounds fail
  Revision admitted_at;           // what the caches showed when admission was last asked

  // At the begin of a round that reads the object: the turn for its key, if there is a line before it.
  Soon<> turn_of(std::string_view prefix, const ObjectKey& key);
  // Before anything else is read that the round demands: the turns for all keys that earlier rounds were held up at.
  Soon<> turns();
  // Whether others have the turn for one of these keys. Then the round must not be committed, and the next one waits for it.
  bool must_wait(const std::vector<Precondition>& wanted);
  // A commit was refused for a key that is not the object's own; `changes`: it would have written it, too. Only then is there a
  // line to stand in: whoever looks at a key is in nobody's way, and what was to be absent belongs to somebody.
  void lost(const Precondition& wanted, bool changes);
  // The round is over: whoever stands behind goes on.
  void leave() { places_.clear(); }

 private:
  Task<void> stand_in_line();

  Lines& lines_;
  std::set<std::string> keys_;  // to stand in line for
  std::vector<Lines::Place> places_;
};

}  // namespace ph::apiserver
