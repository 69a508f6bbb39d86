#include "apiserver/bootstrap/bootstrap.h"

#include "api/codec.h"
#include "api/errors.h"
#include "api/flows.h"
#include "api/times.h"
#include "apiserver/bootstrap/policy.h"
#include "apiserver/bootstrap/reconcile.h"
#include "base/sync.h"

namespace ph::apiserver {

namespace {

Identity self() { return {.name = "system:apiserver", .uid = {}, .groups = {"system:masters"}, .extra = {}}; }

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

void add_config_maps(std::vector<std::unique_ptr<Message>>& out, const BootstrapOptions& options, Time now) {
  core::v1::ConfigMap authentication;
  authentication.mutable_metadata()->set_name("extension-apiserver-authentication");
  authentication.mutable_metadata()->set_namespace_("kube-system");
  if (!options.client_ca.empty()) (*authentication.mutable_data())["client-ca-file"] = options.client_ca;
  out.push_back(boxed(std::move(authentication)));

  // Since when the use of old-style token secrets is noted: the first start.
  core::v1::ConfigMap tracking;
  tracking.mutable_metadata()->set_name("kube-apiserver-legacy-service-account-token-tracking");
  tracking.mutable_metadata()->set_namespace_("kube-system");
  (*tracking.mutable_data())["since"] = api::rfc3339(now).substr(0, 10);
  out.push_back(boxed(std::move(tracking)));
}

// Puts a changed object in place of the one it was read from.
Task<void> replace(ApiServer& server, std::unique_ptr<Message> object) {
  const api::Resource& resource = *server.reader().resource(api::schema_of(*object));
  const meta::v1::ObjectMeta& metadata = api::metadata(*object);
  HttpRequest request;
  request.method = "PUT";
  request.target = "/apis/" + resource.kind.api_version();
  if (resource.namespaced) request.target += "/namespaces/" + metadata.namespace_();
  request.target += "/" + resource.plural + "/" + metadata.name();
  request.headers.add("Content-Type", "application/vnd.kubernetes.protobuf");
  request.headers.add("Accept", "application/vnd.kubernetes.protobuf");
  request.headers.add("User-Agent", "kube-apiserver");
  request.body = api::encode_envelope(*object);
  request.peer.identity = self();
  const HttpResponse response = co_await server.handle(std::move(request));
  // Another server of the same version has changed it at the same moment: what it wrote is as good.
  if (response.status >= 400 && response.status != 409 && response.status != 404) {
    throw api::internal("cannot reconcile " + resource.plural + " " + metadata.name());
  }
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
  add_config_maps(create, options, clock.now());
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
  for (auto& object : update) tasks.push_back(replace(server, std::move(object)));
  co_await run_all(std::move(tasks));
}

}  // namespace ph::apiserver
