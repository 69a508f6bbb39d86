#include "apiserver/bootstrap/bootstrap.h"

#include "api/codec.h"
#include "api/errors.h"
#include "api/flows.h"
#include "api/times.h"
#include "apiserver/bootstrap/policy.h"
#include "apiserver/bootstrap/put_object.h"
#include "apiserver/bootstrap/reconcile.h"
#include "base/sync.h"

namespace ph::apiserver {

namespace {

template <class T>
std::unique_ptr<Message> boxed(T object) {
  return std::make_unique<T>(std::move(object));
}

void add_namespaces(std::vector<std::unique_ptr<Message>>& out) {
  for (const char* name : {"kube-system", "kube-public", "kube-node-lease", "default"}) {
    core::v1::Namespace space;
    space.mutable_metadata()->set_name(name);
    out.push_back(boxed(std::move(space)));
  }
}

void add_priority_classes(std::vector<std::unique_ptr<Message>>& out) {
  struct System {
    const char *name, *description;
    std::int32_t value;
  };
  static constexpr System kSystem[] = {
      {"system-node-critical", "Used for system critical pods that must not be moved from their current node.", 2000001000},
      {"system-cluster-critical",
       "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.", 2000000000},
  };
  for (const System& system : kSystem) {
    scheduling::v1::PriorityClass priority;
    priority.mutable_metadata()->set_name(system.name);
    priority.set_value(system.value);
    priority.set_description(system.description);
    priority.set_preemption_policy("PreemptLowerPriority");
    out.push_back(boxed(std::move(priority)));
  }
}

void add_config_maps(std::vector<std::unique_ptr<Message>>& out, Time now) {
  // Since when the use of old-style token secrets is noted: the first start.
  core::v1::ConfigMap tracking;
  tracking.mutable_metadata()->set_name("kube-apiserver-legacy-service-account-token-tracking");
  tracking.mutable_metadata()->set_namespace_("kube-system");
  (*tracking.mutable_data())["since"] = api::rfc3339(now).substr(0, 10);
  out.push_back(boxed(std::move(tracking)));
}

// Collects what has to be written of one kind: new objects, and existing ones that lack something.
template <class T>
void plan(ObjectReader& reader, std::vector<T> expected, std::vector<std::unique_ptr<Message>>& create,
          std::vector<std::unique_ptr<Message>>& update) {
  for (T& wanted : expected) {
    std::unique_ptr<T> existing = reader.read<T>(key_of(wanted));
    if (!existing) create.push_back(boxed(std::move(wanted)));
    else if (reconcile(*existing, wanted)) update.push_back(std::move(existing));
  }
}

// Side by side, so that the store writes them together.
Task<void> run_all(std::vector<Task<void>> tasks) {
  for (auto& outcome : co_await all(std::move(tasks))) {
    if (outcome.error) std::rethrow_exception(outcome.error);
  }
}

}  // namespace

Task<void> bootstrap_cluster(ApiServer& server, const Clock& clock, BootstrapOptions options) {
  std::vector<std::unique_ptr<Message>> create, update;
  add_namespaces(create);
  add_priority_classes(create);
  add_config_maps(create, clock.now());
  Policy policy = bootstrap_policy();
  plan(server.reader(), std::move(policy.cluster_roles), create, update);
  plan(server.reader(), std::move(policy.cluster_role_bindings), create, update);
  plan(server.reader(), std::move(policy.roles), create, update);
  plan(server.reader(), std::move(policy.role_bindings), create, update);

  for (const auto* list : {&api::mandatory_flow_schemas(), &api::suggested_flow_schemas()})
    plan(server.reader(), *list, create, update);
  for (const auto* list : {&api::mandatory_priority_levels(), &api::suggested_priority_levels()}) {
    plan(server.reader(), *list, create, update);
  }

  std::vector<Task<void>> tasks;
  for (auto& object : create) tasks.push_back(server.ensure(std::move(object)));
  for (auto& object : update) tasks.push_back(put_object(server, std::move(object)));
  tasks.push_back(publish_authentication_trust(server, clock, std::move(options.trust)));
  co_await run_all(std::move(tasks));
}

}  // namespace ph::apiserver
