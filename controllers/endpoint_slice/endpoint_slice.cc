// endpointslice: keeps, for every service with a selector, slices of the addresses of its pods.
//
//   reads     v1 Service, v1 Node, discovery/v1 EndpointSlice, v1 Pod (views)   informers
//   writes    discovery/v1 EndpointSlice                                       create, update, delete
//   upstream  pkg/controller/endpointslice
#include "api/sorted.h"
#include "api/times.h"
#include "controllers/endpoint_slice/metrics.h"
#include "controllers/endpoint_slice/plan.h"
#include "controllers/runtime/loop.h"

namespace ph::controllers {
namespace {

using core::v1::Node;
using core::v1::Service;
using discovery::v1::EndpointSlice;

constexpr int kEndpointsPerSliceMax = 100;
constexpr const char* kByService = "service";
constexpr const char* kTriggerTime = "endpoints.kubernetes.io/last-change-trigger-time";

bool is_ours(const EndpointSlice& slice) {
  const auto& labels = slice.metadata().labels();
  const auto found = labels.find(endpoint_slice::kManagedByLabel);
  return found != labels.end() && found->second == endpoint_slice::kManagedBy;
}

std::string service_of(const EndpointSlice& slice) {
  const auto& labels = slice.metadata().labels();
  const auto found = labels.find(endpoint_slice::kServiceLabel);
  return found == labels.end() ? std::string() : found->second;
}

// A service made again under its name is another one: the slices of the old one are not its own.
bool is_owned_by(const EndpointSlice& slice, const Service& service) {
  return std::ranges::any_of(slice.metadata().owner_references(),
                             [&](const auto& owner) { return owner.uid() == service.metadata().uid(); });
}

bool has_endpoints(const Service& service) {
  return service.spec().type() != "ExternalName" && !service.spec().selector().empty();
}

bool selects(const Service& service, const PodView& pod) {
  for (const auto* term : sorted(service.spec().selector())) {
    if (pod.label(term->first) != term->second) return false;
  }
  return true;
}

class EndpointSlices final : public Loop {
 public:
  explicit EndpointSlices(const World& world)
      : client_(world.client),
        clock_(world.clock),
        services_(world.informer<Service>()),
        pods_(world.informer<PodView>()),
        nodes_(world.informer<Node>()),
        slices_(world.informer<EndpointSlice>()),
        metrics_(world.metrics) {
    slices_.add_index(kByService, [](const EndpointSlice& slice) -> std::vector<std::string> {
      return {slice.metadata().namespace_() + "/" + service_of(slice)};
    });
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    const auto service = services_.find(key);
    // The slices of a service that is gone go with their owner.
    if (!service || service->metadata().has_deletion_timestamp() || !has_endpoints(*service)) {
      metrics_.forget(key);
      co_return Outcome::done();
    }

    std::vector<Ref<PodView>> selected;
    for (auto& pod : pods_.list(key.namespace_name)) {
      if (selects(*service, *pod)) selected.push_back(std::move(pod));
    }
    const auto types = endpoint_slice::address_types(*service);
    endpoint_slice::EndpointSliceMetrics::Service counted{.traffic_distribution = service->spec().traffic_distribution()};
    for (const std::string& type : types) {
      const auto groups = endpoint_slice::desired(*service, selected, type, [this](std::string_view node) { return zone_of(node); });
      const auto slices = existing(*service, type);
      endpoint_slice::Plan plan = endpoint_slice::reconcile(*service, type, groups, slices, kEndpointsPerSliceMax);
      metrics_.tally(counted, groups, slices, plan, kEndpointsPerSliceMax);
      co_await carry_out(std::move(plan));
    }
    metrics_.looked_at(key, std::move(counted));
    co_await remove_others(*service, types);
    co_return Outcome::done();
  }

 private:
  std::string zone_of(std::string_view node_name) const {
    const auto node = nodes_.find({{}, std::string(node_name)});
    if (!node) return {};
    const auto& labels = node->metadata().labels();
    const auto zone = labels.find("topology.kubernetes.io/zone");
    return zone == labels.end() ? std::string() : zone->second;
  }

  std::vector<EndpointSlice> existing(const Service& service, std::string_view type) const {
    std::vector<EndpointSlice> out;
    for (const auto& slice : slices_.by_index(kByService, key_of(service).text())) {
      if (!is_ours(*slice) || !is_owned_by(*slice, service)) continue;
      if (slice->address_type() == type && !slice->metadata().has_deletion_timestamp()) out.push_back(*slice);
    }
    return out;
  }

  Task<void> carry_out(endpoint_slice::Plan plan) {
    const std::string now = api::rfc3339(clock_.now());
    for (EndpointSlice& slice : plan.create) {
      (*slice.mutable_metadata()->mutable_annotations())[kTriggerTime] = now;
      co_await client_.create<EndpointSlice>(slice);
    }
    for (EndpointSlice& slice : plan.update) {
      (*slice.mutable_metadata()->mutable_annotations())[kTriggerTime] = now;
      // Ours alone, and few: the whole object, under the revision it was judged at.
      co_await client_.update<EndpointSlice>(slice);
    }
    for (const EndpointSlice& slice : plan.remove) {
      co_await client_.remove<EndpointSlice>(key_of(slice), DeleteOptions::background(slice.metadata().uid()));
    }
  }

  // Those of an address family the service has lost, and of an earlier service of its name.
  Task<void> remove_others(const Service& service, std::vector<std::string> types) {
    for (const auto& slice : slices_.by_index(kByService, key_of(service).text())) {
      if (!is_ours(*slice) || slice->metadata().has_deletion_timestamp()) continue;
      const bool stays = is_owned_by(*slice, service) && std::ranges::find(types, slice->address_type()) != types.end();
      if (!stays) co_await client_.remove<EndpointSlice>(key_of(*slice), DeleteOptions::background(slice->metadata().uid()));
    }
  }

  Client& client_;
  const Clock& clock_;
  Informer<Service>& services_;
  Informer<PodView>& pods_;
  Informer<Node>& nodes_;
  Informer<EndpointSlice>& slices_;
  endpoint_slice::EndpointSliceMetrics metrics_;
};

LoopBuilder::Keys services_of(const PodView& pod, const World& world) {
  LoopBuilder::Keys keys;
  for (const auto& service : world.informer<Service>().list(pod.namespace_name)) {
    if (has_endpoints(*service) && selects(*service, pod)) keys.push_back(key_of(*service));
  }
  return keys;
}

}  // namespace

void endpoint_slice_loop(LoopBuilder& loop) {
  loop.reconciles<Service>(has_endpoints)
      .watches<PodView>(services_of)
      .watches<EndpointSlice>([](const EndpointSlice& slice, const World&) -> LoopBuilder::Keys {
        if (!is_ours(slice) || service_of(slice).empty()) return {};
        return {{slice.metadata().namespace_(), service_of(slice)}};
      })
      .reads<Node>()
      .with<EndpointSlices>();
}

}  // namespace ph::controllers
