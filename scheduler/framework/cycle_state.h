// CycleState: what one attempt to place one pod knows. Plugins hand what they computed from one extension point to the
// next here, each under its own name, in types of its own:
//
//   struct WantedPorts { std::vector<HostPort> ports; };
//   state.put(this, WantedPorts{…});                      // pre_filter, once a pod
//   const auto& wanted = state.get<WantedPorts>(this);    // filter, once a node
//
// What another plugin has put is found with that plugin in place of `this`.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "scheduler/cluster/pod_info.h"

namespace ph::scheduler {

class Plugin;

class CycleState {
 public:
  explicit CycleState(PodRef pod) : pod_(std::move(pod)) {}

  // The pod that is placed, as numbers.
  const PodInfo& pod() const { return *pod_; }
  const PodRef& shared_pod() const { return pod_; }

  // Until when something is known: what is of use only as long as a node is looked for is forgotten when one is found.
  enum class Until : bool { Bound, Placed };
  template <class T>
  void put(const Plugin* owner, T value, Until until = Until::Bound) {
    std::shared_ptr<T> entry = std::make_shared<T>(std::move(value));
    if (Slot* slot = find_slot(owner, id<T>())) {
      slot->value = std::move(entry);
      return;
    }
    slots_.push_back({owner, id<T>(), std::move(entry),
                      [](const void* from) -> std::shared_ptr<void> { return std::make_shared<T>(*static_cast<const T*>(from)); },
                      until});
  }
  // A node is found.
  void placed() {
    std::erase_if(slots_, [](const Slot& slot) { return slot.until == Until::Placed; });
  }
  // Null: nobody put one.
  template <class T>
  const T* find(const Plugin* owner) const {
    const Slot* slot = find_slot(owner, id<T>());
    return slot ? static_cast<const T*>(slot->value.get()) : nullptr;
  }
  template <class T>
  const T& get(const Plugin* owner) const {
    const T* found = find<T>(owner);
    PH_ASSERT(found != nullptr);
    return *found;
  }
  // For add_pod and remove_pod.
  template <class T>
  T& edit(const Plugin* owner) {
    return const_cast<T&>(get<T>(owner));
  }

  // A deep copy, to try things on.
  CycleState clone() const {
    CycleState out(*this);
    for (Slot& slot : out.slots_) slot.value = slot.copy(slot.value.get());
    return out;
  }

  // Plugins that said Skip in pre_filter or pre_score: their filter or score is not asked for this pod.
  void skip_filter(const Plugin* plugin) { no_filter_.push_back(plugin); }
  void skip_score(const Plugin* plugin) { no_score_.push_back(plugin); }
  // … and those that have nothing to do before the binding.
  void skip_pre_bind(const Plugin* plugin) { no_pre_bind_.push_back(plugin); }
  bool filters(const Plugin* plugin) const { return std::ranges::find(no_filter_, plugin) == no_filter_.end(); }
  bool scores(const Plugin* plugin) const { return std::ranges::find(no_score_, plugin) == no_score_.end(); }
  bool pre_binds(const Plugin* plugin) const { return std::ranges::find(no_pre_bind_, plugin) == no_pre_bind_.end(); }

  // Of this attempt it is measured how long each plugin takes; filters on some of the nodes.
  void measure_plugins() {
    measured_ = true;
    measured_nodes_ = kMeasuredNodes;
  }
  bool measures_plugins() const { return measured_; }
  bool measures_node() const { return measured_nodes_ > 0 && measured_nodes_-- > 0; }

 private:
  using TypeId = const void*;
  template <class T>
  static TypeId id() {
    static constexpr char kTag = 0;
    return &kTag;
  }
  struct Slot {
    const Plugin* owner;
    TypeId type;
    std::shared_ptr<void> value;
    std::shared_ptr<void> (*copy)(const void*);
    Until until;
  };

  CycleState(const CycleState&) = default;
  const Slot* find_slot(const Plugin* owner, TypeId type) const {
    for (const Slot& slot : slots_) {
      if (slot.owner == owner && slot.type == type) return &slot;
    }
    return nullptr;
  }
  Slot* find_slot(const Plugin* owner, TypeId type) { return const_cast<Slot*>(std::as_const(*this).find_slot(owner, type)); }

  PodRef pod_;
  std::vector<Slot> slots_;
  std::vector<const Plugin*> no_filter_, no_score_, no_pre_bind_;
  static constexpr int kMeasuredNodes = 8;
  bool measured_ = false;
  mutable int measured_nodes_ = 0;

 public:
  CycleState(CycleState&&) = default;
  CycleState& operator=(CycleState&&) = default;
};

}  // namespace ph::scheduler
