// Assumed: a lister that runs ahead of the API: what a cycle has decided of an object counts at once, until the API shows a newer
// state of it, or the decision is taken back.
#pragma once

#include <cstdlib>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/revision.h"
#include "scheduler/framework/objects.h"

namespace ph::scheduler {

template <class T>
Revision revision_of(const T& object) {
  return Revision{std::strtoull(object.metadata().resource_version().c_str(), nullptr, 10)};
}

template <class T>
class Assumed {
 public:
  explicit Assumed(Lister<T> lister) : lister_(std::move(lister)) {}

  // As the API has it.
  informers::Ref<T> in_api(const ObjectKey& key) const { return lister_.find(key); }
  informers::Ref<T> find(const ObjectKey& key) const { return over(key, lister_.find(key)); }
  std::vector<informers::Ref<T>> list() const {
    std::vector<informers::Ref<T>> out = lister_.list();
    if (assumed_.empty()) return out;
    for (auto& one : out) one = over(key_of(*one), std::move(one));
    return out;
  }

  // `object` is a changed copy of what `find` gave.
  void assume(informers::Ref<T> object) { assumed_[key_of(*object)] = std::move(object); }
  void take_back(const ObjectKey& key) { assumed_.erase(key); }
  std::size_t size() const { return assumed_.size(); }

 private:
  informers::Ref<T> over(const ObjectKey& key, informers::Ref<T> known) const {
    const auto found = assumed_.find(key);
    if (found == assumed_.end()) return known;
    if (known && known->metadata().uid() == found->second->metadata().uid() &&
        revision_of(*known) <= revision_of(*found->second)) {
      return found->second;
    }
    assumed_.erase(found);  // the API has gone on
    return known;
  }

  Lister<T> lister_;
  mutable std::map<ObjectKey, informers::Ref<T>> assumed_;
};

}  // namespace ph::scheduler
