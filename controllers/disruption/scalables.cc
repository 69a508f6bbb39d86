#include "controllers/disruption/scalables.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/errors.h"
#include "api/kinds.h"
#include "controllers/common/ownership.h"
#include "controllers/disruption/plan.h"
#include "informers/request.h"

namespace ph::controllers::disruption {
namespace {

using apps::v1::Deployment, apps::v1::ReplicaSet, apps::v1::StatefulSet;
using core::v1::ReplicationController;
using informers::OwnerView;

// Upstream takes an owner of the old group `extensions` for one of `apps`.
bool is_of(std::string_view api_version, std::string_view kind, std::string_view wanted) {
  const std::string_view group = api_version.substr(0, std::min(api_version.find('/'), api_version.size()));
  return kind == wanted && (group == "apps" || group == "extensions");
}

template <class T>
Ref<T> find_by_uid(const World& world, const ObjectKey& key, std::string_view uid) {
  Ref<T> found = world.informers.informer<T>().find(key);
  return found && found->metadata().uid() == uid ? found : nullptr;
}

// The server's default stands in every stored one.
template <class T>
Scale scale_of(const T& object) {
  return {object.metadata().uid(), object.spec().has_replicas() ? object.spec().replicas() : 1, {}};
}

// Budgets that select what `object` makes its pods of.
template <class T>
LoopBuilder::Keys budgets_of(const T& object, const World& world) {
  LoopBuilder::Keys out;
  const auto& labels = object.spec().template_().metadata().labels();
  for (const auto& budget : world.informer<PodDisruptionBudget>().list(object.metadata().namespace_())) {
    if (asks_controllers(*budget) && selector_of(*budget).matches_map(labels)) out.push_back(key_of(*budget));
  }
  return out;
}

// Nothing: there is no such document.
Task<std::optional<std::string>> document(Client& client, std::string path) {
  try {
    Client::Document found = co_await client.get_document(std::move(path), "application/json", {});
    co_return std::move(found.body);
  } catch (const api::ApiError& error) {
    if (error.code() != 404) throw;
  }
  co_return std::nullopt;
}

}  // namespace

Scalables::Scalables(const World& world) : world_(world) {
  world.informer<Deployment>();
  world.informer<ReplicaSet>();
  world.informer<StatefulSet>();
  world.informer<ReplicationController>();
}

Task<Scale> Scalables::find(OwnerView controller, std::string namespace_name) {
  Scale here = find_here(controller, namespace_name);
  if (!here.uid.empty()) co_return here;
  // That the server does not let us see a scale is an answer like any other.
  try {
    co_return co_await find_by_path(std::move(controller), std::move(namespace_name));
  } catch (const api::ApiError& error) {
    here.failure = error.what();
  }
  co_return here;
}

Scale Scalables::find_here(const OwnerView& controller, const std::string& namespace_name) const {
  const ObjectKey key{namespace_name, std::string(controller.name.view())};
  if (controller.kind == "ReplicationController" && controller.api_version == "v1") {
    const auto found = find_by_uid<ReplicationController>(world_, key, controller.uid);
    return found ? scale_of(*found) : Scale{};
  }
  if (is_of(controller.api_version, controller.kind, "StatefulSet")) {
    const auto found = find_by_uid<StatefulSet>(world_, key, controller.uid);
    return found ? scale_of(*found) : Scale{};
  }
  if (!is_of(controller.api_version, controller.kind, "ReplicaSet")) return {};
  const auto set = find_by_uid<ReplicaSet>(world_, key, controller.uid);
  if (!set) return {};
  const auto* above = controller_of(set->metadata());
  if (!above || above->kind() != "Deployment") return scale_of(*set);
  if (!is_of(above->api_version(), above->kind(), "Deployment")) return {};
  const auto deployment = find_by_uid<Deployment>(world_, {namespace_name, above->name()}, above->uid());
  return deployment ? scale_of(*deployment) : Scale{};
}

Task<Scale> Scalables::find_by_path(OwnerView controller, std::string namespace_name) {
  const std::pair<std::string, std::string> name{std::string(controller.api_version.view()), std::string(controller.kind.view())};
  for (bool is_known = known_.contains(name);; is_known = false) {
    if (!is_known) {
      const Look look = co_await look_for(name.first, name.second);
      if (!look.failure.empty()) {
        known_.erase(name);
        co_return Scale{.failure = look.failure};
      }
      known_[name] = look.path;
    }
    const Path path = known_[name];
    const std::string within = path.namespaced ? "/namespaces/" + namespace_name : std::string();
    const std::string at =
        fmt::format("{}{}/{}/{}/scale", path.root, within, path.plural, informers::percent_encoded(controller.name.view()));
    const std::optional<std::string> body = co_await document(world_.client, at);
    // A kind that has lost its scale since it was looked for answers as one whose object is gone: then it is looked for anew.
    if (!body && is_known) continue;
    if (!body) co_return Scale{};
    autoscaling::v1::Scale scale;
    api::decode_json(*body, scale);
    if (scale.metadata().uid() != controller.uid.view()) co_return Scale{};
    co_return Scale{scale.metadata().uid(), scale.spec().replicas(), {}};
  }
}

Task<Scalables::Look> Scalables::look_for(std::string api_version, std::string kind) {
  Look out;
  const auto slash = api_version.find('/');
  const std::string group = slash == std::string::npos ? std::string() : api_version.substr(0, slash);
  out.path.root = (group.empty() ? "/api/" : "/apis/") + api_version;
  const std::optional<std::string> body = co_await document(world_.client, out.path.root);
  meta::v1::APIResourceList list;
  if (body) api::decode_json(*body, list);
  for (const auto& each : list.resources()) {
    const bool is_part = each.name().find('/') != std::string::npos;
    if (is_part || each.kind() != kind) continue;
    out.path.plural = each.name();
    out.path.namespaced = each.namespaced();
    break;
  }
  if (out.path.plural.empty()) {
    out.failure = fmt::format("no matches for kind \"{}\" in version \"{}\"", kind, api_version);
    co_return out;
  }
  const std::string part = out.path.plural + "/scale";
  const bool scales = std::ranges::any_of(list.resources(), [&](const auto& each) { return each.name() == part; });
  const std::string qualified = group.empty() ? out.path.plural : out.path.plural + "." + group;
  if (!scales) out.failure = qualified + " does not implement the scale subresource";
  co_return out;
}

void watch_scalables(LoopBuilder& loop) {
  loop.watches<Deployment>(budgets_of<Deployment>)
      .watches<ReplicaSet>(budgets_of<ReplicaSet>)
      .watches<StatefulSet>(budgets_of<StatefulSet>)
      .watches<ReplicationController>(budgets_of<ReplicationController>);
}

}  // namespace ph::controllers::disruption
