// Lister: read access to the objects of one kind beside nodes and pods: namespaces, services, volumes, claims, … A plugin takes the
// listers it needs when it is made, and so only the kinds are followed that some profile's plugins look at.
//
//   explicit VolumeZone(const PluginWorld& world) : claims_(lister_of<PersistentVolumeClaim>(world)) {}
//
// What it reads is the informer's copy, complete by the first cycle; on the scheduler's executor.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <typeindex>
#include <utility>
#include <vector>

#include "informers/informer.h"
#include "scheduler/framework/plugin.h"

namespace ph::scheduler {

// One kind's objects, without its type.
class AnyLister {
 public:
  virtual ~AnyLister() = default;
  virtual informers::detail::AnyRef find(const ObjectKey& key) const = 0;
  // Ordered by namespace, then name. "": of all namespaces.
  virtual std::vector<informers::detail::AnyRef> list(std::string_view namespace_name) const = 0;
  // As long as it is the same number the objects are the same. None: nobody counts.
  virtual std::optional<std::uint64_t> version() const { return {}; }
};

template <class T>
class Lister {
 public:
  // There are none.
  Lister() = default;
  explicit Lister(std::shared_ptr<const AnyLister> any) : any_(std::move(any)) {}

  informers::Ref<T> find(const ObjectKey& key) const {
    return any_ ? std::static_pointer_cast<const T>(any_->find(key)) : nullptr;
  }
  informers::Ref<T> find(std::string_view name) const { return find(ObjectKey{{}, std::string(name)}); }
  std::vector<informers::Ref<T>> list(std::string_view namespace_name = {}) const {
    std::vector<informers::Ref<T>> out;
    if (!any_) return out;
    auto all = any_->list(namespace_name);
    out.reserve(all.size());
    for (auto& one : all) out.push_back(std::static_pointer_cast<const T>(std::move(one)));
    return out;
  }
  std::optional<std::uint64_t> version() const { return any_ ? any_->version() : 0; }

 private:
  std::shared_ptr<const AnyLister> any_;
};

// Objects from elsewhere than informers, as tests have them. `std::type_index` is the message's.
class ObjectSource {
 public:
  virtual ~ObjectSource() = default;
  // Null: there are none of the kind.
  virtual std::shared_ptr<const AnyLister> of(std::type_index type) = 0;
};

namespace detail {

class InformerLister final : public AnyLister {
 public:
  explicit InformerLister(informers::detail::AnyInformer& informer) : informer_(informer) {}
  informers::detail::AnyRef find(const ObjectKey& key) const override { return informer_.find(key); }
  std::vector<informers::detail::AnyRef> list(std::string_view space) const override { return informer_.list(space); }
  // A deletion may be told with the revision that the object had.
  std::optional<std::uint64_t> version() const override {
    constexpr std::uint64_t kMoreThanObjects = 1 << 24;
    return informer_.revision().value * kMoreThanObjects + informer_.size();
  }

 private:
  informers::detail::AnyInformer& informer_;
};

}  // namespace detail

template <class T>
Lister<T> lister_of(const PluginWorld& world) {
  if (world.objects) return Lister<T>(world.objects->of(typeid(T)));
  if (!world.informers) return {};
  return Lister<T>(std::make_shared<detail::InformerLister>(world.informers->informer<T>().any()));
}

}  // namespace ph::scheduler
