// namespace: empties a namespace that is being deleted, pods first, then gives up its finalizer, upon which it goes.
//
//   reads     v1 Namespace; discovery, live; the metadata of every namespaced resource: informers, and live before the finalizer goes
//   writes    every namespaced resource: deletecollection; v1 Namespace: status, finalize
//   upstream  pkg/controller/namespace
#include <map>

#include "controllers/namespace/content.h"
#include "controllers/runtime/loop.h"

namespace ph::controllers {
namespace {

using api::Resource;
using core::v1::Namespace;
using informers::Discovery;
using informers::MetadataView;

constexpr const char* kFinalizer = "kubernetes";
// Events bring the namespace back as its contents go; this is for what nobody tells.
constexpr Duration kLookAgain = 15s;
// Upstream's: by then every apiserver of several is to refuse new contents.
constexpr Duration kGrace = 5s;

bool is_pods(const Resource& resource) { return resource.plural == "pods" && resource.kind.group.empty(); }

// What a namespace may hold, pods first. Nothing while nobody knows of pods.
std::vector<api::ResourceRef> contents(const Discovery& discovery) {
  std::vector<api::ResourceRef> out;
  if (discovery.failures.contains("v1")) return out;
  for (const Discovery::Offer& offer : discovery.offers) {
    const Resource& resource = *offer.resource;
    // The two groups of events show one store.
    if (resource.plural == "events" && !resource.kind.group.empty()) continue;
    if (resource.namespaced && resource.has_verb("list") && resource.has_verb("delete")) out.push_back(offer.resource);
  }
  const auto pods = std::ranges::find_if(out, [](const api::ResourceRef& each) { return is_pods(*each); });
  if (pods != out.end()) std::rotate(out.begin(), pods, pods + 1);
  return out;
}

bool tells_of_contents(const Resource& resource) { return resource.namespaced && informers::is_collectable(resource); }

bool is_ending(const Namespace& space) {
  if (!space.metadata().has_deletion_timestamp()) return false;
  const auto& finalizers = space.spec().finalizers();
  return std::ranges::find(finalizers, kFinalizer) != finalizers.end();
}

std::string group_resource(const Resource& resource) { return resource.plural + "." + resource.kind.group; }

class Namespaces final : public Loop {
 public:
  explicit Namespaces(const World& world) : world_(world), discoverer_(world.client) {}

  Task<Outcome> reconcile(ObjectKey key) override {
    const auto cached = world_.informer<Namespace>().find(key);
    if (!cached || !is_ending(*cached)) {
      begun_.erase(key.name);
      co_return Outcome::done();
    }
    if (const Duration wait = still_to_wait(*cached); wait > Duration::zero()) co_return Outcome::again_after(wait);

    namespaces::Remaining remaining;
    const std::vector<api::ResourceRef> resources = co_await discover(remaining);
    for (const api::ResourceRef& resource : resources) {
      co_await remove_all(*resource, *cached, remaining);
      // What pods use (volumes, secrets, policies) stays until they are known to be gone.
      if (is_pods(*resource) && (!remaining.none() || !remaining.failures.empty())) break;
    }
    // Written back whole, so read live.
    std::optional<Namespace> live = co_await world_.client.find<Namespace>(key);
    if (!live || live->metadata().uid() != cached->metadata().uid() || !is_ending(*live)) co_return Outcome::done();
    if (!remaining.done()) {
      if (namespaces::set_conditions(live->mutable_status(), remaining, world_.clock.now())) {
        co_await world_.client.update_status<Namespace>(*live);
      }
      const bool failed = !remaining.failures.empty() || !remaining.undiscovered.empty();
      co_return failed ? Outcome::again() : Outcome::again_after(kLookAgain);
    }
    co_await finalize(std::move(*live));
    co_return Outcome::done();
  }

 private:
  using Objects = std::vector<Client::Metadata>;

  // Counted by ourselves, from when its end was first seen: a wall clock may say anything.
  Duration still_to_wait(const Namespace& space) {
    const Steady now = world_.clock.steady();
    Begun& begun = begun_[space.metadata().name()];
    if (begun.uid != space.metadata().uid()) begun = {space.metadata().uid(), now};
    return begun.at + kGrace - now;
  }

  // As it is now: of a kind that was overlooked the objects would be left behind.
  Task<std::vector<api::ResourceRef>> discover(namespaces::Remaining& remaining) {
    try {
      const auto discovery = co_await discoverer_.look();
      remaining.undiscovered = namespaces::undiscovered(*discovery);
      co_return contents(*discovery);
    } catch (const api::ApiError& error) {
      remaining.undiscovered = error.what();
      co_return std::vector<api::ResourceRef>();
    }
  }

  // Asks for the deletion of all of one resource, and counts what is there afterwards, by the server's word: a namespace
  // that goes while the cache does not know of an object would leave the object behind.
  Task<void> remove_all(const Resource& resource, const Namespace& around, namespaces::Remaining& remaining) {
    const std::string space = around.metadata().name();
    try {
      std::optional<Objects> left = co_await list(resource, space);
      if (!left) co_return;
      const bool fresh = std::ranges::any_of(*left, [](const auto& object) { return !object.metadata.has_deletion_timestamp(); });
      if (fresh) {
        co_await check(around);
        co_await remove(resource, space, std::move(*left));
        left = co_await list(resource, space);
        if (!left) co_return;
      }
      for (const auto& object : *left) {
        ++remaining.objects[group_resource(resource)];
        for (const std::string& finalizer : object.metadata.finalizers()) ++remaining.finalizers[finalizer];
      }
    } catch (const api::ApiError& error) {
      remaining.failures.push_back(error.what());
    }
  }

  // Nothing when the kind has just vanished, or what discovery says of it is not so.
  Task<std::optional<Objects>> list(const Resource& resource, std::string space) {
    Revision revision;
    try {
      co_return co_await world_.client.list_metadata(resource, {.namespace_name = space}, revision);
    } catch (const api::ApiError& error) {
      if (error.code() != 404 && error.code() != 405) throw;
      co_return std::nullopt;
    }
  }

  // Contents are named by their namespace's name alone. Somebody else may have seen this one off, and a user made another.
  Task<void> check(const Namespace& around) {
    const std::optional<Namespace> live = co_await world_.client.find<Namespace>(key_of(around));
    if (live && live->metadata().uid() == around.metadata().uid() && is_ending(*live)) co_return;
    throw std::runtime_error("the namespace " + around.metadata().name() + " is gone, or has been made again");
  }

  Task<void> remove(const Resource& resource, std::string space, Objects objects) {
    if (resource.has_verb("deletecollection")) {
      co_await world_.client.remove_collection(resource, space, DeleteOptions::background());
      co_return;
    }
    // Services have no collection delete.
    for (const auto& object : objects) {
      co_await world_.client.remove_object(resource, {space, object.metadata.name()},
                                           DeleteOptions::background(object.metadata.uid()));
    }
  }

  Task<void> finalize(Namespace space) {
    auto& finalizers = *space.mutable_spec()->mutable_finalizers();
    finalizers.erase(std::remove(finalizers.begin(), finalizers.end(), kFinalizer), finalizers.end());
    Namespace answer;
    co_await world_.client.update_message(space, "finalize", answer);
  }

  struct Begun {
    std::string uid;
    Steady at{};
  };

  const World& world_;
  informers::Discoverer discoverer_;
  std::map<std::string, Begun> begun_;  // when the end of a namespace was first seen, by its name
};

}  // namespace

void namespace_loop(LoopBuilder& loop) {
  loop.reconciles<Namespace>(is_ending);
  loop.watches_kinds(tells_of_contents, [](const Kind&, const MetadataView& object, const World& world) -> LoopBuilder::Keys {
    const ObjectKey space{{}, std::string(object.namespace_name.view())};
    const auto found = world.informer<Namespace>().find(space);
    if (!found || !is_ending(*found)) return {};
    return {space};
  });
  loop.with<Namespaces>();
}

}  // namespace ph::controllers
