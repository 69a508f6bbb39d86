// Newest: an informer's copy, and ahead of it what was written a moment ago: for loops whose keys share objects, so that one key does
// not go by what another has just changed. (A key's own writes are waited for by the runtime.) Nothing hangs on it but requests that
// would be refused: writes are for the revision that was judged.
#pragma once

#include <cstdlib>
#include <map>
#include <utility>
#include <vector>

#include "controllers/runtime/loop.h"

namespace ph::controllers {

template <class T>
class Newest {
 public:
  explicit Newest(Informer<T>& informer) : informer_(informer) {}

  Ref<T> find(const ObjectKey& key) const {
    Ref<T> known = informer_.find(key);
    return known ? over(std::move(known)) : known;
  }
  std::vector<Ref<T>> by_index(std::string_view index, std::string_view value) const {
    std::vector<Ref<T>> out = informer_.by_index(index, value);
    for (Ref<T>& one : out) one = over(std::move(one));
    return out;
  }

  // What the server has stored, in answer to a write. Gives it back to go on with.
  Ref<T> note(T stored) {
    const Revision revision = revision_of(stored);
    if (informer_.revision() >= newest_) written_.clear();
    newest_ = std::max(newest_, revision);
    auto out = std::make_shared<const T>(std::move(stored));
    written_[key_of(*out)] = out;
    return out;
  }

 private:
  static Revision revision_of(const T& object) {
    return Revision{std::strtoull(object.metadata().resource_version().c_str(), nullptr, 10)};
  }
  Ref<T> over(Ref<T> known) const {
    const auto found = written_.find(key_of(*known));
    if (found == written_.end()) return known;
    const bool is_newer =
        found->second->metadata().uid() == known->metadata().uid() && revision_of(*known) < revision_of(*found->second);
    return is_newer ? found->second : known;
  }

  Informer<T>& informer_;
  std::map<ObjectKey, Ref<T>> written_;
  Revision newest_;
};

}  // namespace ph::controllers
