// namespace: empties a namespace that is being deleted, pods first, then gives up its finalizer, upon which it goes.
//
//   reads     v1 Namespace; the metadata of every namespaced resource: informers, and a live look before the finalizer goes
//   writes    every namespaced resource: deletecollection; v1 Namespace: status, finalize
//   upstream  pkg/controller/namespace
#include "controllers/namespace/content.h"
#include "controllers/runtime/loop.h"

namespace ph::controllers {
namespace {

using api::Resource;
using core::v1::Namespace;
using informers::MetadataView;

constexpr const char* kFinalizer = "kubernetes";
// Events bring the namespace back as its contents go; this is for what nobody tells.
constexpr Duration kLookAgain = 15s;

const std::vector<const Resource*>& contents() {
  static const std::vector<const Resource*> list = [] {
    std::vector<const Resource*> out;
    for (const Resource& resource : api::Scheme::builtin().resources()) {
      // The two groups of events show one store.
      if (resource.plural == "events" && !resource.kind.group.empty()) continue;
      if (resource.namespaced && resource.has_verb("list") && resource.has_verb("watch") && resource.has_verb("delete")) {
        out.push_back(&resource);
      }
    }
    return out;
  }();
  return list;
}

const Resource& pods() { return *api::Scheme::builtin().resource("", "v1", "pods"); }

bool is_ending(const Namespace& space) {
  if (!space.metadata().has_deletion_timestamp()) return false;
  const auto& finalizers = space.spec().finalizers();
  return std::ranges::find(finalizers, kFinalizer) != finalizers.end();
}

std::string group_resource(const Resource& resource) { return resource.plural + "." + resource.kind.group; }

class Namespaces final : public Loop {
 public:
  explicit Namespaces(const World& world) : world_(world) {}

  Task<Outcome> reconcile(ObjectKey key) override {
    const auto cached = world_.informer<Namespace>().find(key);
    if (!cached || !is_ending(*cached)) co_return Outcome::done();

    // Pods go first: what they use (volumes, secrets, policies) stays until they are known to be gone.
    ns::Remaining remaining;
    co_await remove_all(pods(), *cached, remaining);
    if (remaining.none() && remaining.failures.empty()) {
      for (const Resource* resource : contents()) {
        if (resource != &pods()) co_await remove_all(*resource, *cached, remaining);
      }
    }
    // Written back whole, so read live.
    std::optional<Namespace> live = co_await world_.client.find<Namespace>(key);
    if (!live || live->metadata().uid() != cached->metadata().uid() || !is_ending(*live)) co_return Outcome::done();
    if (!remaining.none() || !remaining.failures.empty()) {
      if (ns::set_conditions(live->mutable_status(), remaining, world_.clock.now())) {
        co_await world_.client.update_status<Namespace>(*live);
      }
      co_return remaining.failures.empty() ? Outcome::again_after(kLookAgain) : Outcome::again();
    }
    co_await finalize(std::move(*live));
    co_return Outcome::done();
  }

 private:
  // Asks for the deletion of all of one resource, and counts what is there afterwards, by the server's word: a namespace
  // that goes while the cache does not know of an object would leave the object behind.
  Task<void> remove_all(const Resource& resource, const Namespace& around, ns::Remaining& remaining) {
    const std::string space = around.metadata().name();
    try {
      Revision revision;
      auto left = co_await world_.client.list_metadata(resource, {.namespace_name = space}, revision);
      const bool fresh = std::ranges::any_of(left, [](const auto& object) { return !object.metadata.has_deletion_timestamp(); });
      if (fresh) {
        co_await check(around);
        co_await remove(resource, space);
        left = co_await world_.client.list_metadata(resource, {.namespace_name = space}, revision);
      }
      for (const auto& object : left) {
        ++remaining.objects[group_resource(resource)];
        for (const std::string& finalizer : object.metadata.finalizers()) ++remaining.finalizers[finalizer];
      }
    } catch (const api::ApiError& error) {
      remaining.failures.push_back(error.what());
    }
  }

  // Contents are named by their namespace's name alone. Somebody else may have seen this one off, and a user made another.
  Task<void> check(const Namespace& around) {
    const std::optional<Namespace> live = co_await world_.client.find<Namespace>(key_of(around));
    if (live && live->metadata().uid() == around.metadata().uid() && is_ending(*live)) co_return;
    throw std::runtime_error("the namespace " + around.metadata().name() + " is gone, or has been made again");
  }

  Task<void> remove(const Resource& resource, std::string space) {
    if (resource.has_verb("deletecollection")) {
      co_await world_.client.remove_collection(resource, space, DeleteOptions::background());
      co_return;
    }
    // Services have no collection delete.
    Revision revision;
    for (const auto& object : co_await world_.client.list_metadata(resource, {.namespace_name = space}, revision)) {
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

  const World& world_;
};

}  // namespace

void namespace_loop(LoopBuilder& loop) {
  loop.reconciles<Namespace>(is_ending);
  for (const Resource* resource : contents()) {
    loop.watches_metadata(*resource, [](const MetadataView& object, const World& world) -> LoopBuilder::Keys {
      const ObjectKey space{{}, std::string(object.namespace_name.view())};
      const auto found = world.informer<Namespace>().find(space);
      if (!found || !is_ending(*found)) return {};
      return {space};
    });
  }
  loop.with<Namespaces>();
}

}  // namespace ph::controllers
