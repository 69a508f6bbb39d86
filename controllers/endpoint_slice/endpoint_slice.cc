// endpointslice: keeps, for every service with a selector, slices of the addresses of its pods.
//
//   reads     v1 Service, v1 Node, discovery/v1 EndpointSlice, v1 Pod (views)   informers
//   writes    discovery/v1 EndpointSlice                                       create, update, delete
//             v1 Event                                                         FailedToUpdateEndpointSlices,
//                                                                              TopologyAwareHintsEnabled, …Disabled
//   upstream  pkg/controller/endpointslice
#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "controllers/common/services.h"
#include "controllers/endpoint_slice/hints.h"
#include "controllers/endpoint_slice/metrics.h"
#include "controllers/endpoint_slice/plan.h"
#include "controllers/runtime/options.h"
#include "informers/node_view.h"
#include "informers/packed.h"

namespace ph::controllers {
namespace {

using core::v1::Service;
using discovery::v1::EndpointSlice;
using informers::NodeView;
using PackedSlice = informers::Packed<EndpointSlice>;

constexpr const char* kByService = "service";
constexpr const char* kByHints = "zone hints";  // of services: kWanted, or nothing
constexpr const char* kWanted = "wanted";
// Between two looks at a service some of whose pods are on unknown nodes; the time doubles.
constexpr Duration kPatienceFirst = 1s, kPatienceMost = 1000s;

bool is_ours(const PackedSlice& slice) { return slice.label(endpoint_slice::kManagedByLabel) == endpoint_slice::kManagedBy; }

std::string service_of(const PackedSlice& slice) { return std::string(slice.label(endpoint_slice::kServiceLabel).value_or("")); }

std::vector<endpoint_slice::NodeFacts> facts_of_all(const Informer<NodeView>& nodes) {
  std::vector<endpoint_slice::NodeFacts> out;
  for (const auto& node : nodes.list()) out.push_back(endpoint_slice::facts_of(*node));
  return out;
}

// A service made again under its name is another one: the slices of the old one are not its own.
bool is_owned_by(const EndpointSlice& slice, const Service& service) {
  return std::ranges::any_of(slice.metadata().owner_references(),
                             [&](const auto& owner) { return owner.uid() == service.metadata().uid(); });
}

class EndpointSlices final : public Loop {
 public:
  explicit EndpointSlices(const World& world)
      : client_(world.client),
        clock_(world.clock),
        events_(world.events),
        batches_(world.options->endpoint_slice_updates_batch_period),
        max_per_slice_(world.options->max_endpoints_per_slice),
        services_(world.informer<Service>()),
        pods_(world.informer<PodView>()),
        nodes_(world.informer<NodeView>()),
        slices_(world.informer<PackedSlice>()),
        metrics_(world.metrics) {
    index_by_selection(services_, pods_);
    slices_.add_index(kByService, [](const PackedSlice& slice) -> std::vector<std::string> {
      return {std::string(slice.namespace_name) + "/" + service_of(slice)};
    });
    services_.add_index(kByHints, [](const Service& service) -> std::vector<std::string> {
      if (!endpoint_slice::wants_zone_hints(service)) return {};
      return {kWanted};
    });
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    const auto service = services_.find(key);
    // The slices of a service that is gone go with their owner.
    if (!service || service->metadata().has_deletion_timestamp() || !has_endpoints(*service)) {
      forget(key);
      co_return Outcome::done();
    }
    const Duration early = batches_.wait(key, service->metadata().resource_version(), clock_.steady());
    if (early > Duration::zero()) co_return Outcome::again_after(early);

    const std::vector<Ref<PodView>> pods = selected_by(*service, pods_);
    const std::optional<Time> trigger = trigger_times_.take(*service, pods);
    const auto types = endpoint_slice::address_types(*service);
    const std::vector<EndpointSlice> all = slices_of(*service);
    endpoint_slice::EndpointSliceMetrics::Service counted{.traffic_distribution = service->spec().traffic_distribution()};
    std::vector<std::string> left_out;
    for (const std::string& type : types) {
      auto desired = endpoint_slice::desired(*service, pods, type, [this](std::string_view node) { return zone_of(node); });
      const auto slices = of_type(type, *service, all);
      endpoint_slice::Plan plan = endpoint_slice::reconcile(*service, type, desired.groups, slices, max_per_slice_);
      add_hints(*service, type, pods, plan);
      metrics_.tally(counted, desired.groups, slices, plan, max_per_slice_);
      // Of a service of two families it is said once.
      if (left_out.empty()) left_out = texts_of(*service, desired.without_node);
      co_await carry_out(std::move(plan), trigger);
    }
    metrics_.looked_at(key, std::move(counted));
    co_await remove_others(*service, types, all);
    co_return tell_left_out(*service, left_out);
  }

 private:
  std::optional<std::string> zone_of(std::string_view node_name) const {
    const auto node = nodes_.find({{}, std::string(node_name)});
    if (!node) return std::nullopt;
    return std::string(node->label("topology.kubernetes.io/zone").value_or(""));
  }

  void add_hints(const Service& service, const std::string& type, const std::vector<Ref<PodView>>& pods,
                 endpoint_slice::Plan& plan) {
    const bool had_hints = with_hints_.contains(key_of(service));
    if (endpoint_slice::wants_zone_hints(service)) {
      const auto hinted = endpoint_slice::hint_by_zones(plan, endpoint_slice::zone_shares(facts_of_all(nodes_)), type);
      if (hinted.done) with_hints_.insert(key_of(service));
      else with_hints_.erase(key_of(service));
      if (!hinted.done) return tell_anew(service, type, pods, hinted.told);
      if (!had_hints) tell(service, endpoint_slice::hints_enabled(type));
      return;
    }
    if (had_hints) tell(service, endpoint_slice::hints_disabled(type));
    with_hints_.erase(key_of(service));
    endpoint_slice::hint_by_distribution(plan, service);
  }

  void tell(const Service& service, const endpoint_slice::Told& told) {
    told_.erase(key_of(service));
    const auto about = informers::reference_to(service);
    if (told.is_warning) events_.warning(about, told.reason, told.message);
    else events_.normal(about, told.reason, told.message);
  }

  // Once for each state of the service and its pods, not with every look at it.
  void tell_anew(const Service& service, const std::string& type, const std::vector<Ref<PodView>>& pods,
                 const endpoint_slice::Told& told) {
    std::string state = told.message + service.metadata().resource_version();
    for (const Ref<PodView>& pod : pods) {
      state += fmt::format("|{} {:d}{:d} {}", pod->uid, pod->ready, pod->deletion.has_value(), fmt::join(pod->pod_ips, ","));
    }
    std::size_t& last = told_[key_of(service)][type];
    const std::size_t now = std::hash<std::string>()(state);
    if (std::exchange(last, now) != now) {
      const auto about = informers::reference_to(service);
      events_.warning(about, told.reason, told.message);
    }
  }

  static std::vector<std::string> texts_of(const Service& service, const std::vector<Ref<PodView>>& left_out) {
    std::vector<std::string> out;
    for (const Ref<PodView>& pod : left_out) {
      out.push_back(fmt::format("skipping Pod {} for Service {}: Node {} Not Found", pod->name, key_of(service).text(),
                                pod->node_name.view()));
    }
    return out;
  }

  // A node that comes brings no key: its pods' services are looked at again later and later.
  Outcome tell_left_out(const Service& service, const std::vector<std::string>& left_out) {
    if (left_out.empty()) {
      patience_.erase(key_of(service));
      return Outcome::done();
    }
    const std::string text = left_out.size() == 1 ? left_out.front() : fmt::format("[{}]", fmt::join(left_out, ", "));
    events_.warning(informers::reference_to(service), "FailedToUpdateEndpointSlices",
                    fmt::format("Error updating Endpoint Slices for Service {}: {}", key_of(service).text(), text));
    Duration& patience = patience_[key_of(service)];
    patience = patience == Duration::zero() ? kPatienceFirst : std::min(2 * patience, kPatienceMost);
    return Outcome::again_after(patience);
  }

  void forget(const ObjectKey& key) {
    metrics_.forget(key);
    trigger_times_.forget(key);
    batches_.forget(key);
    with_hints_.erase(key);
    told_.erase(key);
    patience_.erase(key);
  }

  // All of that service's name that are ours and stay.
  std::vector<EndpointSlice> slices_of(const Service& service) const {
    std::vector<EndpointSlice> out;
    for (const auto& slice : slices_.by_index(kByService, key_of(service).text())) {
      if (is_ours(*slice) && !slice->deletion) out.push_back(slice->whole());
    }
    return out;
  }

  static std::vector<EndpointSlice> of_type(std::string_view type, const Service& service,
                                            const std::vector<EndpointSlice>& all) {
    std::vector<EndpointSlice> out;
    for (const EndpointSlice& slice : all) {
      if (slice.address_type() == type && is_owned_by(slice, service)) out.push_back(slice);
    }
    return out;
  }

  Task<void> carry_out(endpoint_slice::Plan plan, std::optional<Time> trigger) {
    for (EndpointSlice& slice : plan.create) {
      set_trigger_time(slice.mutable_metadata(), trigger);
      const auto created = co_await client_.try_create<EndpointSlice>(slice);
      if (created.refusal && created.made != Made::NamespaceEnding) throw *created.refusal;
    }
    for (EndpointSlice& slice : plan.update) {
      set_trigger_time(slice.mutable_metadata(), trigger);
      // Ours alone, and few: the whole object, under the revision it was judged at.
      co_await client_.update<EndpointSlice>(slice);
    }
    for (const EndpointSlice& slice : plan.remove) {
      co_await client_.remove<EndpointSlice>(key_of(slice), DeleteOptions::background(slice.metadata().uid()));
    }
  }

  // Those of an address family the service has lost, and of an earlier service of its name.
  Task<void> remove_others(const Service& service, std::vector<std::string> types, const std::vector<EndpointSlice>& all) {
    for (const EndpointSlice& slice : all) {
      const bool stays = is_owned_by(slice, service) && std::ranges::find(types, slice.address_type()) != types.end();
      if (!stays) co_await client_.remove<EndpointSlice>(key_of(slice), DeleteOptions::background(slice.metadata().uid()));
    }
  }

  Client& client_;
  const Clock& clock_;
  EventRecorder& events_;
  ChangeBatches batches_;
  const int max_per_slice_;
  Informer<Service>& services_;
  Informer<PodView>& pods_;
  Informer<NodeView>& nodes_;
  Informer<PackedSlice>& slices_;
  endpoint_slice::EndpointSliceMetrics metrics_;
  TriggerTimes trigger_times_;
  std::map<ObjectKey, Duration> patience_;                        // with services that have pods on unknown nodes
  std::set<ObjectKey> with_hints_;                                // services whose endpoints were given zones
  std::map<ObjectKey, std::map<std::string, std::size_t>> told_;  // why others were not: a hash of the state, by address type
};

// Nodes change all the time in what concerns nobody. Services whose endpoints would bear too much for the zones as they are now are
// looked at.
std::vector<LoopBuilder::Wake> overloaded_by(const NodeView* before, const NodeView* after, const World& world) {
  const auto facts = [](const NodeView* node) { return node ? endpoint_slice::facts_of(*node) : endpoint_slice::NodeFacts(); };
  if (facts(before) == facts(after)) return {};
  std::vector<LoopBuilder::Wake> out;
  std::optional<endpoint_slice::ZoneShares> shares;
  for (const auto& service : world.informer<Service>().by_index(kByHints, kWanted)) {
    if (!has_endpoints(*service)) continue;
    if (!shares) shares = endpoint_slice::zone_shares(facts_of_all(world.informer<NodeView>()));
    std::map<std::string, std::vector<EndpointSlice>> by_type;
    for (const auto& slice : world.informer<PackedSlice>().by_index(kByService, key_of(*service).text())) {
      if (is_ours(*slice)) {
        EndpointSlice whole = slice->whole();
        by_type[whole.address_type()].push_back(std::move(whole));
      }
    }
    const bool is_overloaded = std::ranges::any_of(by_type, [&](const auto& slices) {
      return endpoint_slice::is_overloaded(endpoint_slice::hints_by_zone(slices.second), *shares);
    });
    if (is_overloaded) out.push_back({key_of(*service), {}});
  }
  return out;
}

}  // namespace

void endpoint_slice_loop(LoopBuilder& loop) {
  loop.reconciles<Service>(has_endpoints)
      .watches_changes<PodView>([](const PodView* before, const PodView* after, const World& world) {
        return services_woken(before, after, world, world.options->endpoint_slice_updates_batch_period);
      })
      .watches_changes<NodeView>(overloaded_by)
      .watches<PackedSlice>([](const PackedSlice& slice, const World&) -> LoopBuilder::Keys {
        if (!is_ours(slice) || service_of(slice).empty()) return {};
        return {{std::string(slice.namespace_name), service_of(slice)}};
      })
      .event_source("endpoint-slice-controller")
      .with<EndpointSlices>();
}

}  // namespace ph::controllers
