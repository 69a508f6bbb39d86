// The `kubernetes` service, how pods find the apiserver, and the range its address is from.
// Upstream: pkg/controlplane/controller/kubernetesservice, …/defaultservicecidr
#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/kinds.h"
#include "api/object.h"
#include "api/patch/apply.h"
#include "api/sorted.h"
#include "api/times.h"
#include "apiserver/registry/service_numbers.h"
#include "apiserver/rest/body.h"
#include "apiserver/rest/managers.h"
#include "apiserver/rest/write.h"
#include "apiserver/upkeep/upkeep.h"

namespace ph::apiserver {
namespace {

using core::v1::Endpoints;
using core::v1::Service;
using discovery::v1::EndpointSlice;
using networking::v1::ServiceCIDR;

constexpr Duration kInterval = 10s;
constexpr int kPort = 443;
constexpr const char* kName = "kubernetes";
constexpr const char* kNamespace = "default";
// Applies the status of the range, under this name as upstream's does.
constexpr const char* kRangeManager = "kubernetes-service-cidr-controller";

template <class T>
std::unique_ptr<T> named() {
  auto object = std::make_unique<T>();
  object->mutable_metadata()->set_name(kName);
  object->mutable_metadata()->set_namespace_(kNamespace);
  return object;
}

std::unique_ptr<Service> make_service(const ServerOptions& options) {
  auto service = named<Service>();
  auto& labels = *service->mutable_metadata()->mutable_labels();
  labels["component"] = "apiserver";
  labels["provider"] = "kubernetes";
  auto& spec = *service->mutable_spec();
  spec.set_type("ClusterIP");
  spec.set_session_affinity("None");
  spec.set_cluster_ip(IpRange::parse_all(options.service_cidr).front().text(1));
  auto& port = *spec.add_ports();
  port.set_name("https");
  port.set_protocol("TCP");
  port.set_port(kPort);
  port.mutable_target_port()->set_int_val(options.advertise_port);
  return service;
}

std::unique_ptr<Endpoints> make_endpoints(const ServerOptions& options) {
  auto endpoints = named<Endpoints>();
  (*endpoints->mutable_metadata()->mutable_labels())["endpointslice.kubernetes.io/skip-mirror"] = "true";
  auto& subset = *endpoints->add_subsets();
  subset.add_addresses()->set_ip(options.advertise_address);
  auto& port = *subset.add_ports();
  port.set_name("https");
  port.set_port(options.advertise_port);
  port.set_protocol("TCP");
  return endpoints;
}

std::unique_ptr<EndpointSlice> make_slice(const ServerOptions& options) {
  auto slice = named<EndpointSlice>();
  (*slice->mutable_metadata()->mutable_labels())["kubernetes.io/service-name"] = kName;
  slice->set_address_type("IPv4");
  auto& endpoint = *slice->add_endpoints();
  endpoint.add_addresses(options.advertise_address);
  endpoint.mutable_conditions()->set_ready(true);
  auto& port = *slice->add_ports();
  port.set_name("https");
  port.set_port(options.advertise_port);
  port.set_protocol("TCP");
  return slice;
}

// Brings the object back to what it should be, keeping its metadata.
template <class T>
Task<void> keep(Core& core, std::unique_ptr<T> wanted) {
  Served& served = core.of(api::schema_of<T>());
  if (!served.cache->find(std::string(kNamespace) + "/" + kName)) {
    co_await ensure_object(core, std::move(wanted));
    co_return;
  }
  api::Object defaulted(std::move(wanted));
  set_defaults(defaulted);
  const Make make = [&](const api::Object& stored) -> api::Object {
    const T& expected = defaulted.as<T>();
    auto object = std::make_unique<T>(expected);
    *object->mutable_metadata() = stored.as<T>().metadata();
    for (const auto* label : sorted(expected.metadata().labels())) {
      (*object->mutable_metadata()->mutable_labels())[label->first] = label->second;
    }
    return object;
  };
  co_await update_object(core, served, {kNamespace, kName}, UpdateKind::Main, make, own_request());
}

bool is_ready(const ServiceCIDR& range) {
  return std::ranges::any_of(range.status().conditions(), [](const auto& condition) { return condition.type() == "Ready"; });
}

// The range the server was started with. One that is there already, with whatever in it, was told to be so.
Task<void> keep_range(Core& core) {
  Served& served = core.of(api::schema_of<ServiceCIDR>());
  if (!served.cache->find(kName)) {
    auto range = std::make_unique<ServiceCIDR>();
    range->mutable_metadata()->set_name(kName);
    for (const IpRange& each : IpRange::parse_all(core.options.service_cidr)) range->mutable_spec()->add_cidrs(each.cidr());
    co_await ensure_object(core, std::move(range));
  }
  const EntryRef entry = served.cache->find(kName);
  if (!entry || is_ready(decode_entry(*served.resource, *entry).as<ServiceCIDR>())) co_return;
  const nlohmann::json condition = {{"type", "Ready"},
                                    {"status", "True"},
                                    {"reason", ""},
                                    {"message", "Kubernetes default Service CIDR is ready"},
                                    {"lastTransitionTime", api::rfc3339(core.now())}};
  const nlohmann::json config = {{"apiVersion", served.resource->kind.api_version()},
                                 {"kind", served.resource->kind.kind},
                                 {"metadata", {{"name", kName}}},
                                 {"status", {{"conditions", nlohmann::json::array({condition})}}}};
  const api::Application application{
      .config = &config, .manager = kRangeManager, .subresource = "status", .force = true, .reset = {}};
  const api::AsVersion as_version = versions_of(core, core.find(served.resource->kind.group, "v1", served.resource->plural));
  const Make make = [&](const api::Object& stored) -> api::Object {
    if (is_ready(stored.as<ServiceCIDR>())) return std::make_unique<ServiceCIDR>(stored.as<ServiceCIDR>());
    return api::apply(*served.resource->schema, &stored, application, as_version, core.now());
  };
  // Whose the fields are is told by the object that is made.
  WriteRequest request = own_request();
  request.manager.clear();
  co_await update_object(core, served, {{}, kName}, UpdateKind::Status, make, std::move(request));
}

// Services from before there were objects that say whose an address is.
Task<void> show_owners(Core& core) {
  const Snapshot snapshot = core.of(api::schema_of<Service>()).cache->snapshot();
  for (const EntryRef& entry : *snapshot.entries) {
    const api::Object object = decode_entry(*core.resource(api::schema_of<Service>()), *entry);
    const Service& service = object.as<Service>();
    for (const std::string& address : cluster_ips(service)) co_await ensure_object(core, ip_address_of(address, service));
  }
}

Task<void> keep_once(Core& core) {
  if (!core.cache(*core.resource(api::schema_of<Service>()))->find(std::string(kNamespace) + "/" + kName)) {
    co_await ensure_object(core, make_service(core.options));
  }
  co_await keep_range(core);
  if (core.options.advertise_address.empty()) co_return;
  co_await keep(core, make_endpoints(core.options));
  co_await keep(core, make_slice(core.options));
}

}  // namespace

WriteRequest own_request() {
  WriteRequest request;
  request.user = {.name = "system:apiserver", .groups = {"system:masters"}};
  request.manager = "kube-apiserver";
  request.admit = false;
  return request;
}

Task<void> ensure_object(Core& core, api::Object object) {
  Served& served = core.of(object.schema());
  if (served.cache->find(object.key().text())) co_return;
  set_defaults(object);
  try {
    co_await create_object(core, served, std::move(object), own_request());
  } catch (const api::ApiError& error) {
    if (!error.is("AlreadyExists")) throw;
  }
}

Task<void> keep_kubernetes_service(Core& core) {
  bool shown = false;
  for (;;) {
    try {
      if (!shown) co_await show_owners(core);
      shown = true;
      co_await keep_once(core);
    } catch (const api::ApiError& error) {
      core.log.warning("the kubernetes service could not be kept", "error", error.what());
    }
    co_await sleep_for(kInterval);
  }
}

}  // namespace ph::apiserver
