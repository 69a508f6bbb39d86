// What differs between two lists of entries.
#pragma once

#include <functional>

#include "apiserver/cache/entries.h"

namespace ph::apiserver {

struct EntryChanges {
  // Tells of each key, in order, that has another entry in `after` than in `before`: null where there is none. What the lists share is
  // told by its address, and costs a look at it. Threads: any.
  static void visit(const EntryList& before, const EntryList& after,
                    const std::function<void(const Entry* before, const Entry* after)>& changed);
};

}  // namespace ph::apiserver
