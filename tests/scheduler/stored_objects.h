// StoredObjects: objects of further kinds for plugins, without a server.
#pragma once

#include <map>
#include <memory>
#include <string_view>
#include <typeindex>
#include <utility>

#include "scheduler/framework/objects.h"

namespace ph::scheduler::test {

class StoredObjects final : public ObjectSource {
 public:
  // Adds, or replaces one of the same key. Listers that were handed out before see it.
  template <class T>
  StoredObjects& put(T object) {
    const ObjectKey key = key_of(object);
    kept(typeid(T))->objects[key] = std::make_shared<const T>(std::move(object));
    ++kept(typeid(T))->changes;
    return *this;
  }
  template <class T>
  void remove(const ObjectKey& key) {
    kept(typeid(T))->objects.erase(key);
    ++kept(typeid(T))->changes;
  }

  std::shared_ptr<const AnyLister> of(std::type_index type) override { return kept(type); }

 private:
  struct Kept final : AnyLister {
    std::map<ObjectKey, informers::detail::AnyRef> objects;
    std::uint64_t changes = 0;
    std::optional<std::uint64_t> version() const override { return changes; }
    informers::detail::AnyRef find(const ObjectKey& key) const override {
      const auto found = objects.find(key);
      return found == objects.end() ? nullptr : found->second;
    }
    std::vector<informers::detail::AnyRef> list(std::string_view namespace_name) const override {
      std::vector<informers::detail::AnyRef> out;
      for (const auto& [key, object] : objects) {
        if (namespace_name.empty() || key.namespace_name == namespace_name) out.push_back(object);
      }
      return out;
    }
  };

  std::shared_ptr<Kept> kept(std::type_index type) {
    auto& kept = kinds_[type];
    if (!kept) kept = std::make_shared<Kept>();
    return kept;
  }

  std::map<std::type_index, std::shared_ptr<Kept>> kinds_;
};

}  // namespace ph::scheduler::test
