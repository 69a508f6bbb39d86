// garbage-collector: deletes what has lost all its owners, and carries out foreground and orphaning deletions.
//
//   reads     every resource that can be listed, watched and deleted, but events: metadata, informer; an owner that the
//             cache does not hold is looked for live before anything is deleted for its absence
//   writes    the same: delete, pinned to the UID and revision that were judged; patches of ownerReferences and finalizers
//   upstream  pkg/controller/garbagecollector
//
// There is no graph of its own: "who are the owners" is in the object, "who are the dependents" is an index of the shared
// informers, so what is decided on is never older than the caches (docs/controllers.md).
#include <deque>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "controllers/garbage_collector/plan.h"
#include "controllers/runtime/loop.h"

namespace ph::controllers {
namespace {

using api::Resource;
using gc::Owner;
using informers::MetadataView;
using informers::OwnerView;

constexpr const char* kByOwner = "owner";
// UIDs never come back, so absence is for good; the set is bounded all the same.
constexpr std::size_t kAbsentMax = 10'000;

// The resources under collection, by what names them in owner references and in keys.
class Resources {
 public:
  static const Resources& all() {
    static const Resources resources;
    return resources;
  }
  const std::vector<const Resource*>& list() const { return list_; }
  // Of an owner reference; null when nobody knows the kind.
  const Resource* of_kind(std::string_view api_version, std::string_view kind) const {
    const auto found = by_kind_.find(std::string(api_version) + "/" + std::string(kind));
    return found == by_kind_.end() ? nullptr : found->second;
  }
  const Resource* of_key(const ObjectKey& key) const { return list_.at(std::stoul(key.namespace_name)); }

  // The queue's keys hold the resource before the namespace: "<number>|<namespace>".
  ObjectKey key_of(const Resource& resource, const ObjectKey& object) const {
    return {std::to_string(numbers_.at(&resource)) + "|" + object.namespace_name, object.name};
  }
  static ObjectKey object_of(const ObjectKey& key) { return {key.namespace_name.substr(key.namespace_name.find('|') + 1), key.name}; }

 private:
  Resources() {
    for (const Resource& resource : api::Scheme::builtin().resources()) {
      if (resource.plural == "events") continue;
      if (!resource.has_verb("list") || !resource.has_verb("watch") || !resource.has_verb("delete")) continue;
      numbers_.emplace(&resource, list_.size());
      list_.push_back(&resource);
      by_kind_.emplace(resource.kind.api_version() + "/" + resource.kind.kind, &resource);
    }
  }
  std::vector<const Resource*> list_;
  std::map<const Resource*, std::size_t> numbers_;
  std::map<std::string, const Resource*, std::less<>> by_kind_;
};

ObjectKey owner_key(const Resource& owner_resource, const OwnerView& owner, std::string_view dependents_namespace) {
  return {owner_resource.namespaced ? std::string(dependents_namespace) : std::string(), std::string(owner.name.view())};
}

struct Found {
  const Resource* resource = nullptr;
  Ref<MetadataView> object;
};

// All cached objects that name `uid` as an owner.
std::vector<Found> dependents_of(const World& world, std::string_view uid) {
  std::vector<Found> out;
  for (const Resource* resource : Resources::all().list()) {
    for (auto& object : world.informers.metadata(*resource).by_index(kByOwner, uid)) out.push_back({resource, std::move(object)});
  }
  return out;
}

// Whom a change of an object concerns: itself; owners that wait for it; and, when it goes, those that have it as an owner.
LoopBuilder::Keys concerned(const Resource& resource, const MetadataView& object, const World& world) {
  const Resources& resources = Resources::all();
  LoopBuilder::Keys keys;
  if (!object.owners.empty() || object.deletion) keys.push_back(resources.key_of(resource, object.key()));
  for (const OwnerView& owner : object.owners) {
    const Resource* kind = resources.of_kind(owner.api_version, owner.kind);
    if (!kind) continue;
    const ObjectKey key = owner_key(*kind, owner, object.namespace_name);
    const auto cached = world.informers.metadata(*kind).find(key);
    if (cached && cached->deletion) keys.push_back(resources.key_of(*kind, key));
  }
  const auto present = world.informers.metadata(resource).find(object.key());
  if (!present || present->uid != object.uid || object.deletion) {
    for (const Found& dependent : dependents_of(world, object.uid)) {
      keys.push_back(resources.key_of(*dependent.resource, dependent.object->key()));
    }
  }
  return keys;
}

bool refers_to(const MetadataView& object, std::string_view uid, bool blocking) {
  return std::ranges::any_of(object.owners, [&](const OwnerView& owner) {
    return owner.uid == uid && (!blocking || owner.block_deletion);
  });
}

std::string drop_owners_patch(std::string_view uid, const std::vector<std::string>& owners) {
  nlohmann::json list = nlohmann::json::array();
  for (const std::string& owner : owners) list.push_back({{"$patch", "delete"}, {"uid", owner}});
  return nlohmann::json{{"metadata", {{"uid", uid}, {"ownerReferences", std::move(list)}}}}.dump();
}

std::string unblock_patch(const MetadataView& object) {
  nlohmann::json list = nlohmann::json::array();
  for (const OwnerView& owner : object.owners) list.push_back({{"uid", owner.uid.view()}, {"blockOwnerDeletion", false}});
  return nlohmann::json{{"metadata", {{"uid", object.uid}, {"ownerReferences", std::move(list)}}}}.dump();
}

// A list is replaced as a whole: the revision keeps a finalizer that came meanwhile.
std::string without_finalizer_patch(const MetadataView& object, std::string_view finalizer) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& each : object.finalizers) {
    if (each != finalizer) list.push_back(each.view());
  }
  return nlohmann::json{{"metadata", {{"resourceVersion", to_string(object.revision)}, {"finalizers", std::move(list)}}}}.dump();
}

class GarbageCollector final : public Loop {
 public:
  explicit GarbageCollector(const World& world) : world_(world) {
    for (const Resource* resource : Resources::all().list()) {
      world_.informers.metadata(*resource).add_index(kByOwner, [](const MetadataView& object) {
        std::vector<std::string> uids;
        for (const OwnerView& owner : object.owners) uids.emplace_back(owner.uid.view());
        return uids;
      });
    }
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    const Resource& resource = *Resources::all().of_key(key);
    const auto object = world_.informers.metadata(resource).find(Resources::object_of(key));
    if (!object) co_return Outcome::done();

    std::vector<Owner> owners;
    if (!object->deletion) owners = co_await owners_of(resource, object);
    std::vector<gc::Dependent> dependents;
    const auto found = dependents_of(world_, object->uid);
    for (const Found& dependent : found) {
      dependents.push_back({.blocks = refers_to(*dependent.object, object->uid, true),
                            .is_waiting = dependent.object->deletion && dependent.object->has_finalizer("foregroundDeletion")});
    }
    const gc::Action action = gc::plan(*object, owners, dependents);
    const Outcome outcome = co_await carry_out(action, resource, object, found);
    const bool unknown = std::ranges::find(owners, Owner::Unknown) != owners.end();
    co_return unknown ? Outcome::again_after(5min) : outcome;
  }

 private:
  Task<std::vector<Owner>> owners_of(const Resource& resource, Ref<MetadataView> object) {
    std::vector<Owner> out;
    for (const OwnerView& owner : object->owners) out.push_back(co_await state_of(owner, resource, object));
    co_return out;
  }

  Task<Owner> state_of(OwnerView owner, const Resource& resource, Ref<MetadataView> object) {
    const Resource* kind = Resources::all().of_kind(owner.api_version, owner.kind);
    // A cluster-wide object cannot have an owner within a namespace: it could be any of that name.
    if (!kind || (kind->namespaced && !resource.namespaced)) co_return Owner::Unknown;
    const ObjectKey key = owner_key(*kind, owner, object->namespace_name);
    const auto cached = world_.informers.metadata(*kind).find(key);
    if (cached && owner.uid == cached->uid) {
      co_return cached->deletion && cached->has_finalizer("foregroundDeletion") ? Owner::Waiting : Owner::Solid;
    }
    const std::string uid(owner.uid.view());
    if (absent_.contains(uid)) co_return Owner::Absent;
    // The cache may not have seen a new owner yet, and a delete cannot be undone.
    const auto live = co_await world_.client.find_metadata(*kind, key);
    if (!live || live->metadata.uid() != uid) {
      remember_absent(uid);
      co_return Owner::Absent;
    }
    const auto& finalizers = live->metadata.finalizers();
    const bool foreground = std::ranges::find(finalizers, "foregroundDeletion") != finalizers.end();
    co_return live->metadata.has_deletion_timestamp() && foreground ? Owner::Waiting : Owner::Solid;
  }

  void remember_absent(const std::string& uid) {
    if (!absent_.insert(uid).second) return;
    absent_order_.push_back(uid);
    if (absent_order_.size() <= kAbsentMax) return;
    absent_.erase(absent_order_.front());
    absent_order_.pop_front();
  }

  Task<Outcome> carry_out(gc::Action action, const Resource& resource, Ref<MetadataView> object, std::vector<Found> dependents) {
    switch (action.kind) {
      case gc::Action::Nothing:
        co_return Outcome::done();
      case gc::Action::DropOwners:
        co_await patch(resource, object->key(), Patch::strategic(drop_owners_patch(object->uid, action.uids)));
        co_return Outcome::done();
      case gc::Action::UnblockThenDelete:
        co_await patch(resource, object->key(), Patch::strategic(unblock_patch(*object)));
        co_return Outcome::again();  // the delete is pinned to the revision that this made
      case gc::Action::Delete:
        co_return co_await remove(resource, object, action.policy);
      case gc::Action::OrphanDependents:
        for (const Found& dependent : dependents) {
          co_await patch(*dependent.resource, dependent.object->key(),
                         Patch::strategic(drop_owners_patch(dependent.object->uid, {object->uid})));
        }
        co_await patch(resource, object->key(), Patch::merge(without_finalizer_patch(*object, "orphan")));
        co_return Outcome::done();
      case gc::Action::RemoveForeground:
        co_await patch(resource, object->key(), Patch::merge(without_finalizer_patch(*object, "foregroundDeletion")));
        co_return Outcome::done();
    }
    co_return Outcome::done();
  }

  Task<Outcome> remove(const Resource& resource, Ref<MetadataView> object, std::string policy) {
    DeleteOptions options;
    options.uid = object->uid;
    options.resource_version = to_string(object->revision);
    options.propagation = std::move(policy);
    const Removed removed = co_await world_.client.remove_object(resource, object->key(), options);
    // Changed: it may have a new owner. The change is on its way to the cache and brings the key; until then, patience.
    co_return removed == Removed::Changed ? Outcome::again() : Outcome::done();
  }

  // What is gone needs no patch.
  Task<void> patch(const Resource& resource, ObjectKey key, Patch change) {
    try {
      co_await world_.client.patch_metadata(resource, std::move(key), std::move(change));
    } catch (const api::ApiError& error) {
      if (error.code() != 404) throw;
    }
  }

  const World& world_;
  std::set<std::string, std::less<>> absent_;
  std::deque<std::string> absent_order_;
};

}  // namespace

void garbage_collector(LoopBuilder& loop) {
  for (const Resource* resource : Resources::all().list()) {
    loop.watches_metadata(*resource, [resource](const MetadataView& object, const World& world) {
      return concerned(*resource, object, world);
    });
  }
  loop.with<GarbageCollector>();
}

}  // namespace ph::controllers
