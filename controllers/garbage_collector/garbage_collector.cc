// garbage-collector: deletes what has lost all its owners, and carries out foreground and orphaning deletions.
//
//   reads     discovery; every resource that can be listed, watched and deleted, but events: metadata, informer; an owner that the
//             cache does not hold is looked for live before anything is deleted for its absence
//   writes    the same: delete, pinned to the UID and revision that were judged; patches of ownerReferences and finalizers
//             v1 Event: OwnerRefInvalidNamespace, about a dependent
//   upstream  pkg/controller/garbagecollector
//
// There is no graph of its own: "who are the owners" is in the object, "who are the dependents" is an index of the shared
// informers, so what is decided on is never older than the caches (docs/controllers.md).
#include <algorithm>
#include <deque>
#include <set>

#include <fmt/format.h>

#include "controllers/garbage_collector/patches.h"
#include "controllers/garbage_collector/plan.h"
#include "controllers/runtime/loop.h"
#include "informers/request.h"

namespace ph::controllers {
namespace {

using api::Resource;
using garbage_collector::Owner;
using informers::kByOwner;
using informers::MetadataView;
using informers::OwnerView;

// UIDs never come back, so absence is for good; the set is bounded all the same.
constexpr std::size_t kAbsentMax = 10'000;
// So long dependents of a kind that cannot be listed are waited for where they would be lost; and until it is looked at again.
constexpr Duration kPatience = 5min, kUnsettled = 1s;

// The queue's keys hold the kind before the namespace: "<number>|<namespace>".
ObjectKey key_of(const Kind& kind, const ObjectKey& object) {
  return {std::to_string(kind.number) + "|" + object.namespace_name, object.name};
}
ObjectKey object_of(const ObjectKey& key) { return {key.namespace_name.substr(key.namespace_name.find('|') + 1), key.name}; }
KindRef kind_of(const World& world, const ObjectKey& key) {
  return world.informers.kinds().of_number(std::stoul(key.namespace_name));
}

KindRef kind_of(const World& world, const OwnerView& owner) {
  return world.informers.kinds().of_name(owner.api_version, owner.kind);
}

ObjectKey owner_key(const Kind& kind, const OwnerView& owner, std::string_view dependents_namespace) {
  return {kind.resource->namespaced ? std::string(dependents_namespace) : std::string(), std::string(owner.name.view())};
}

struct Found {
  KindRef kind;
  Ref<MetadataView> object;
};

// All cached objects that name `uid` as an owner.
std::vector<Found> dependents_of(const World& world, std::string_view uid) {
  std::vector<Found> out;
  for (const KindRef& kind : world.informers.kinds().list()) {
    for (auto& object : kind->metadata->by_index(kByOwner, uid)) out.push_back({kind, std::move(object)});
  }
  return out;
}

// Whom a change of an object concerns: itself; owners that wait for it; and, when it goes, those that have it as an owner.
LoopBuilder::Keys concerned(const Kind& kind, const MetadataView& object, const World& world) {
  LoopBuilder::Keys keys;
  if (!object.owners.empty() || object.deletion) keys.push_back(key_of(kind, object.key()));
  for (const OwnerView& owner : object.owners) {
    const KindRef owners = kind_of(world, owner);
    if (!owners) continue;
    const ObjectKey key = owner_key(*owners, owner, object.namespace_name);
    const auto cached = owners->metadata->find(key);
    if (cached && cached->deletion) keys.push_back(key_of(*owners, key));
  }
  const auto present = kind.metadata->find(object.key());
  if (!present || present->uid != object.uid || object.deletion) {
    for (const Found& dependent : dependents_of(world, object.uid)) {
      keys.push_back(key_of(*dependent.kind, dependent.object->key()));
    }
  }
  return keys;
}

bool refers_to(const MetadataView& object, std::string_view uid, bool blocking) {
  return std::ranges::any_of(object.owners,
                             [&](const OwnerView& owner) { return owner.uid == uid && (!blocking || owner.block_deletion); });
}

class GarbageCollector final : public Loop {
 public:
  explicit GarbageCollector(const World& world) : world_(world) {}

  Task<Outcome> reconcile(ObjectKey key) override {
    const KindRef kind = kind_of(world_, key);
    const auto object = kind ? kind->metadata->find(object_of(key)) : nullptr;
    if (!object) co_return Outcome::done();

    std::vector<Owner> owners;
    if (!object->deletion) owners = co_await owners_of(kind, object);
    garbage_collector::Action action = garbage_collector::plan(*object, owners, dependents(*object));
    if (action.kind == garbage_collector::Action::OrphanDependents ||
        action.kind == garbage_collector::Action::RemoveForeground) {
      // Once that is done nobody waits any more for dependents: those of kinds that came lately count, too.
      co_await world_.informers.kinds().refresh();
      if (!world_.informers.kinds().settled(kPatience)) co_return Outcome::again_after(kUnsettled);
      action = garbage_collector::plan(*object, owners, dependents(*object));
    }
    const Outcome outcome = co_await carry_out(action, kind, object);
    const bool unknown = std::ranges::find(owners, Owner::Unknown) != owners.end();
    co_return unknown ? Outcome::again_after(5min) : outcome;
  }

  // Seen to end: nobody need be asked.
  void ended(const MetadataView& object) override {
    if (!dependents_of(world_, object.uid).empty()) remember_absent(object.uid);
  }

 private:
  std::vector<garbage_collector::Dependent> dependents(const MetadataView& object) const {
    std::vector<garbage_collector::Dependent> out;
    for (const Found& dependent : dependents_of(world_, object.uid)) {
      out.push_back({.blocks = refers_to(*dependent.object, object.uid, true),
                     .is_waiting = dependent.object->deletion && dependent.object->has_finalizer("foregroundDeletion")});
    }
    return out;
  }

  Task<std::vector<Owner>> owners_of(KindRef kind, Ref<MetadataView> object) {
    std::vector<Owner> out;
    for (const OwnerView& owner : object->owners) out.push_back(co_await state_of(owner, kind, object));
    co_return out;
  }

  Task<Owner> state_of(OwnerView owner, KindRef dependents_kind, Ref<MetadataView> object) {
    const std::string uid(owner.uid.view());
    const KindRef kind = kind_of(world_, owner);
    // A cluster-wide object cannot have an owner within a namespace: it could be any of that name.
    const bool is_misplaced = kind && kind->resource->namespaced && !dependents_kind->resource->namespaced;
    if (is_misplaced) {
      if (is_elsewhere(*kind, uid)) tell_misplaced(owner, *dependents_kind, *object);
      co_return Owner::Unknown;
    }
    if (!kind) co_return absent_.contains(uid) ? Owner::Absent : Owner::Unknown;
    const ObjectKey key = owner_key(*kind, owner, object->namespace_name);
    const auto cached = kind->metadata->find(key);
    if (cached && owner.uid == cached->uid) {
      co_return cached->deletion && cached->has_finalizer("foregroundDeletion") ? Owner::Waiting : Owner::Solid;
    }
    if (kind->resource->namespaced && is_elsewhere(*kind, uid)) tell_misplaced(owner, *dependents_kind, *object);
    if (absent_.contains(uid)) co_return Owner::Absent;
    // The cache may not have seen a new owner yet, and a delete cannot be undone.
    const auto live = co_await look_for(kind->resource, key);
    if (!live) co_return Owner::Unknown;
    if (live->uid() != uid) {
      remember_absent(uid);
      co_return Owner::Absent;
    }
    const auto& finalizers = live->finalizers();
    const bool foreground = std::ranges::find(finalizers, "foregroundDeletion") != finalizers.end();
    co_return live->has_deletion_timestamp() && foreground ? Owner::Waiting : Owner::Solid;
  }

  // Whether an object that was not found where its dependent is has been seen in another namespace. What is known to be nowhere is not
  // looked for.
  bool is_elsewhere(const Kind& kind, const std::string& uid) {
    if (elsewhere_.contains(uid)) return true;
    if (absent_.contains(uid)) return false;
    const auto all = kind.metadata->list();
    if (std::ranges::none_of(all, [&](const auto& each) { return each->uid == uid; })) return false;
    if (elsewhere_.size() >= kAbsentMax) elsewhere_.clear();
    elsewhere_.insert(uid);
    return true;
  }

  // Once of each: an owner of another namespace owns nothing.
  void tell_misplaced(const OwnerView& owner, const Kind& kind, const MetadataView& object) {
    if (told_.size() >= kAbsentMax) told_.clear();
    if (!told_.insert(fmt::format("{}/{}", object.uid, owner.uid.view())).second) return;
    core::v1::ObjectReference about;
    about.set_api_version(kind.resource->kind.api_version());
    about.set_kind(kind.resource->kind.kind);
    about.set_namespace_(std::string(object.namespace_name.view()));
    about.set_name(object.name);
    about.set_uid(object.uid);
    world_.events.warning(about, "OwnerRefInvalidNamespace",
                          fmt::format("ownerRef [{}/{}, namespace: {}, name: {}, uid: {}] does not exist in namespace \"{}\"",
                                      owner.api_version.view(), owner.kind.view(), object.namespace_name.view(),
                                      owner.name.view(), owner.uid.view(), object.namespace_name.view()));
  }

  // The metadata of what has that name, empty when nothing has; nothing at all when nobody answers for the kind. A list tells these
  // apart, where a read of the one object says 404 to both; and that nobody answers says nothing of the objects.
  Task<std::optional<meta::v1::ObjectMeta>> look_for(api::ResourceRef resource, ObjectKey key) {
    informers::ListOptions options;
    options.namespace_name = key.namespace_name;
    options.field_selector = "metadata.name=" + key.name;
    Revision revision;
    try {
      const auto list = co_await world_.client.list_metadata(*resource, std::move(options), revision);
      const auto found = std::ranges::find(list, key.name, [](const auto& each) { return each.metadata.name(); });
      co_return found == list.end() ? meta::v1::ObjectMeta() : found->metadata;
    } catch (const api::ApiError& error) {
      if (error.code() != 404) throw;
      co_return std::nullopt;
    }
  }

  void remember_absent(const std::string& uid) {
    if (!absent_.insert(uid).second) return;
    absent_order_.push_back(uid);
    if (absent_order_.size() <= kAbsentMax) return;
    absent_.erase(absent_order_.front());
    absent_order_.pop_front();
  }

  // What is gone needs no patch: what became of one is passed over.
  Task<Outcome> carry_out(garbage_collector::Action action, KindRef kind, Ref<MetadataView> object) {
    const std::string uid = object->uid;
    switch (action.kind) {
      case garbage_collector::Action::Nothing: co_return Outcome::done();
      case garbage_collector::Action::DropOwners:
        co_await drop_owners(kind, object, std::move(action.uids));
        co_return Outcome::done();
      case garbage_collector::Action::UnblockThenDelete:
        co_await unblock(kind, object);
        co_return Outcome::again();  // the delete is pinned to the revision that this made
      case garbage_collector::Action::Delete: co_return co_await remove(kind, object, action.policy);
      case garbage_collector::Action::OrphanDependents:
        for (const Found& dependent : dependents_of(world_, uid)) co_await drop_owners(dependent.kind, dependent.object, {uid});
        co_await world_.client.try_patch_metadata(*kind->resource, object->key(),
                                                  Patch::merge(garbage_collector::without_finalizer(*object, "orphan")));
        co_return Outcome::done();
      case garbage_collector::Action::RemoveForeground:
        co_await world_.client.try_patch_metadata(
            *kind->resource, object->key(), Patch::merge(garbage_collector::without_finalizer(*object, "foregroundDeletion")));
        co_return Outcome::done();
    }
    co_return Outcome::done();
  }

  Task<Outcome> remove(KindRef kind, Ref<MetadataView> object, std::string policy) {
    DeleteOptions options;
    options.uid = object->uid;
    options.resource_version = to_string(object->revision);
    options.propagation = std::move(policy);
    const Removed removed = co_await world_.client.remove_object(*kind->resource, object->key(), options);
    // Changed: it may have a new owner. The change is on its way to the cache and brings the key; until then, patience.
    co_return removed == Removed::Changed ? Outcome::again() : Outcome::done();
  }

  Task<void> drop_owners(KindRef kind, Ref<MetadataView> object, std::vector<std::string> uids) {
    if (garbage_collector::merges_by_keys(*kind->resource)) {
      co_await world_.client.try_patch_metadata(*kind->resource, object->key(),
                                                Patch::strategic(garbage_collector::drop_owners(object->uid, uids)));
    } else if (const auto live = co_await live_one(kind, object)) {
      co_await world_.client.try_patch_metadata(*kind->resource, object->key(),
                                                Patch::merge(garbage_collector::owners_without(*live, uids)));
    }
  }

  Task<void> unblock(KindRef kind, Ref<MetadataView> object) {
    if (garbage_collector::merges_by_keys(*kind->resource)) {
      co_await world_.client.try_patch_metadata(*kind->resource, object->key(),
                                                Patch::strategic(garbage_collector::unblock_owners(*object)));
    } else if (const auto live = co_await live_one(kind, object)) {
      co_await world_.client.try_patch_metadata(*kind->resource, object->key(),
                                                Patch::merge(garbage_collector::owners_unblocked(*live)));
    }
  }

  // A list that is replaced as a whole is read live: the view has not all of it.
  Task<std::optional<meta::v1::ObjectMeta>> live_one(KindRef kind, Ref<MetadataView> object) {
    const auto live = co_await world_.client.find_metadata(*kind->resource, object->key());
    if (!live || live->metadata.uid() != object->uid) co_return std::nullopt;
    co_return live->metadata;
  }

  const World& world_;
  std::set<std::string, std::less<>> absent_;
  std::deque<std::string> absent_order_;
  std::set<std::string, std::less<>> elsewhere_;  // owners that were seen in another namespace than a dependent
  std::set<std::string> told_;                    // dependents and such owners of theirs
};

}  // namespace

void garbage_collector_loop(LoopBuilder& loop) {
  loop.watches_kinds(informers::is_collectable, concerned);
  loop.with<GarbageCollector>();
}

}  // namespace ph::controllers
