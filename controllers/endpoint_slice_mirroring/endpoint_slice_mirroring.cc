// endpointslicemirroring: shows the Endpoints that somebody keeps by hand, of services without a selector, as slices, which are all
// that those who balance load read.
//
//   reads     v1 Endpoints, v1 Service, discovery/v1 EndpointSlice   informers
//   writes    discovery/v1 EndpointSlice                             create, update, delete
//             v1 Event                                               InvalidIPAddress, TooManyAddressesToMirror
//   upstream  pkg/controller/endpointslicemirroring
#include <fmt/format.h>

#include "controllers/common/services.h"
#include "controllers/endpoint_slice/plan.h"
#include "controllers/endpoint_slice_mirroring/plan.h"
#include "controllers/runtime/options.h"
#include "informers/packed.h"

namespace ph::controllers {
namespace {

using core::v1::Endpoints, core::v1::Service;
using discovery::v1::EndpointSlice;
namespace mirroring = endpoint_slice_mirroring;
using PackedEndpoints = informers::Packed<Endpoints>;
using PackedSlice = informers::Packed<EndpointSlice>;

constexpr const char* kByEndpoints = "mirrored";

// The Endpoints that a slice of ours mirrors.
LoopBuilder::Keys endpoints_of(const PackedSlice& slice) {
  const std::string_view name = slice.label(endpoint_slice::kServiceLabel).value_or("");
  if (name.empty() || slice.label(endpoint_slice::kManagedByLabel) != mirroring::kManagedBy) return {};
  return {{std::string(slice.namespace_name), std::string(name)}};
}

class EndpointSliceMirroring final : public Loop {
 public:
  explicit EndpointSliceMirroring(const World& world)
      : client_(world.client),
        clock_(world.clock),
        events_(world.events),
        batches_(world.options->mirroring_endpoint_slice_updates_batch_period),
        max_per_subset_(world.options->mirroring_max_endpoints_per_subset),
        endpoints_(world.informer<PackedEndpoints>()),
        services_(world.informer<Service>()),
        slices_(world.informer<PackedSlice>()) {
    slices_.add_index(kByEndpoints, [](const PackedSlice& slice) {
      std::vector<std::string> out;
      for (const ObjectKey& key : endpoints_of(slice)) out.push_back(key.text());
      return out;
    });
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    const Ref<Service> service = services_.find(key);
    if (!service) batches_.forget(key);
    const Duration early =
        service ? batches_.wait(key, service->metadata().resource_version(), clock_.steady()) : Duration::zero();
    if (early > Duration::zero()) co_return Outcome::again_after(early);
    std::vector<EndpointSlice> existing;
    for (const auto& slice : slices_.by_index(kByEndpoints, key.text())) {
      if (!slice->deletion) existing.push_back(slice->whole());
    }
    const Ref<PackedEndpoints> packed = endpoints_.find(key);
    const std::optional<Endpoints> endpoints = packed ? std::optional(packed->whole()) : std::nullopt;
    mirroring::Plan plan;
    if (is_mirrored(key, endpoints)) {
      plan = mirroring::plan(*endpoints, std::move(existing), max_per_subset_);
      tell(*endpoints, plan);
      if (endpoints->metadata().has_deletion_timestamp()) plan.create.clear();
    } else {
      plan.remove = std::move(existing);
    }
    co_await carry_out(std::move(plan));
    co_return Outcome::done();
  }

 private:
  bool is_mirrored(const ObjectKey& key, const std::optional<Endpoints>& endpoints) const {
    if (!endpoints || !mirroring::may_be_mirrored(*endpoints)) return false;
    const Ref<Service> service = services_.find(key);
    return service && service->spec().selector().empty();
  }

  void tell(const Endpoints& endpoints, const mirroring::Plan& plan) {
    const auto about = informers::reference_to(endpoints);
    if (plan.invalid > 0) {
      events_.warning(about, "InvalidIPAddress",
                      fmt::format("Skipped {} invalid IP addresses when mirroring to EndpointSlices", plan.invalid));
    }
    if (plan.skipped > plan.invalid) {
      events_.warning(
          about, "TooManyAddressesToMirror",
          fmt::format("A max of {} addresses can be mirrored to EndpointSlices per Endpoints subset. {} addresses were skipped",
                      max_per_subset_, plan.skipped));
    }
  }

  Task<void> carry_out(mirroring::Plan plan) {
    for (EndpointSlice& slice : plan.create) {
      const auto created = co_await client_.try_create<EndpointSlice>(std::move(slice));
      if (created.refusal && created.made != Made::NamespaceEnding) throw *created.refusal;
    }
    // Ours alone, and few: the whole object, under the revision it was judged at.
    for (EndpointSlice& slice : plan.update) co_await client_.update<EndpointSlice>(std::move(slice));
    for (const EndpointSlice& slice : plan.remove) {
      co_await client_.remove<EndpointSlice>(key_of(slice), DeleteOptions::background(slice.metadata().uid()));
    }
  }

  Client& client_;
  const Clock& clock_;
  EventRecorder& events_;
  ChangeBatches batches_;
  const int max_per_subset_;
  Informer<PackedEndpoints>& endpoints_;
  Informer<Service>& services_;
  Informer<PackedSlice>& slices_;
};

}  // namespace

void endpoint_slice_mirroring_loop(LoopBuilder& loop) {
  loop.watches_changes<PackedEndpoints>([](const PackedEndpoints* before, const PackedEndpoints* after, const World& world) {
        const Duration period = world.options->mirroring_endpoint_slice_updates_batch_period;
        return std::vector<LoopBuilder::Wake>{{(after ? after : before)->key(), period}};
      })
      .reconciles<PackedEndpoints>()
      .reconciles<Service>()
      .watches<PackedSlice>([](const PackedSlice& slice, const World&) { return endpoints_of(slice); })
      .event_source("endpoint-slice-mirroring-controller")
      .with<EndpointSliceMirroring>();
}

}  // namespace ph::controllers
