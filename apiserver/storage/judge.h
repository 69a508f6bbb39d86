// How a transaction is judged: the same for every store that keeps its own state.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/storage/store.h"
#include "base/assert.h"

namespace ph::apiserver {

// Whether a key last changed at `modified` (nothing: it is not there) is as the precondition wants it.
inline bool holds(const Precondition& wanted, std::optional<Revision> modified) {
  switch (wanted.kind) {
    case Precondition::Kind::Absent: return !modified;
    case Precondition::Kind::Exists: return modified.has_value();
    case Precondition::Kind::AtRevision: return modified == wanted.revision;
  }
  return false;
}

// The first precondition that does not hold. `modified_of(key)` gives the key's last change, if it is there.
template <class ModifiedOf>
std::optional<std::size_t> first_unmet(const std::vector<Precondition>& wanted, ModifiedOf modified_of) {
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!holds(wanted[i], modified_of(wanted[i].key))) return i;
  }
  return std::nullopt;
}

// One revision of a key is one state: a transaction that names a key twice is a fault of its author.
inline void assert_distinct_keys(const Transaction& transaction) {
  if (transaction.mutations.size() < 2) return;
  std::vector<std::string_view> keys;
  for (const Mutation& mutation : transaction.mutations) keys.push_back(mutation.key);
  std::ranges::sort(keys);
  PH_ASSERT(std::ranges::adjacent_find(keys) == keys.end());
}

}  // namespace ph::apiserver
