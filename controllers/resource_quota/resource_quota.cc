// resourcequota: counts what there is, and tells it in every quota's status.
//
//   reads     v1 ResourceQuota, Pod (views), Service, PersistentVolumeClaim, resource.k8s.io/v1 ResourceClaim   informers
//             every other namespaced resource that can be made, listed, watched and deleted, but events: metadata, informers
//   writes    v1 ResourceQuota   status, under the revision it was judged at
//   upstream  pkg/controller/resourcequota
//
// What is made is charged by admission (apiserver/admission/resource_quota.cc); what goes, or uses less, brings the quotas of its
// namespace, and every quota is counted anew once in a period.
#include <algorithm>
#include <set>

#include "api/kinds.h"
#include "controllers/resource_quota/plan.h"
#include "controllers/runtime/options.h"

namespace ph::controllers {
namespace {

namespace quota = api::quota;
using core::v1::PersistentVolumeClaim, core::v1::Service;
using quota::ResourceQuota;
using resource_quota::Tally;
using resources::v1::ResourceClaim;

bool is_countable(const api::Resource& resource) {
  const auto has = [&](const char* verb) { return resource.has_verb(verb); };
  return resource.namespaced && has("create") && has("list") && has("watch") && has("delete") && resource.plural != "events";
}

// Kinds whose objects have more to them than their number, and informers of their own.
bool is_numbered(const api::Resource& resource) {
  return is_countable(resource) && quota::is_only_numbered(resource.kind.group, resource.plural);
}

class ResourceQuotas final : public Loop {
 public:
  explicit ResourceQuotas(const World& world)
      : world_(world),
        period_(world.options->resource_quota_sync_period),
        quotas_(world.informer<ResourceQuota>()),
        pods_(world.informer<PodView>()),
        services_(world.informer<Service>()),
        volume_claims_(world.informer<PersistentVolumeClaim>()),
        device_claims_(world.informer<ResourceClaim>()) {}

  Task<Outcome> reconcile(ObjectKey key) override {
    Ref<ResourceQuota> found = quotas_.find(key);
    if (!found) {
      unsure_.erase(key);
      co_return Outcome::done();
    }
    core::v1::ResourceQuotaStatus status = resource_quota::status_of(*found, tallies(*found));
    // Where it gives something back: either something is gone, or the caches have not seen yet what was charged, and it would be used
    // twice. And what was made before the status told of a limit was charged to nobody: it may have been overlooked.
    if (resource_quota::gives_back(*found, status) || unsure_.contains(key)) {
      co_await catch_up(found);
      found = quotas_.find(key);
      if (!found) co_return Outcome::done();
      status = resource_quota::status_of(*found, tallies(*found));
    }
    // Whatever comes of the write, the limits hold from it on.
    if (resource_quota::limits_more(*found, status)) unsure_.insert(key);
    else unsure_.erase(key);
    if (!resource_quota::same(*found, status)) {
      ResourceQuota changed = *found;
      *changed.mutable_status() = std::move(status);
      co_await world_.client.try_update_status<ResourceQuota>(std::move(changed));
    }
    co_return Outcome::again_after(period_);
  }

 private:
  std::vector<Tally> tallies(const ResourceQuota& quota) const {
    const std::string& space = quota.metadata().namespace_();
    const Time now = world_.clock.now();
    std::vector<Tally> out;
    out.push_back(resource_quota::tally_pods(quota, limits(quota, *pods_counted_) ? pods_.list(space) : Pods(), now));
    out.push_back(tally(quota, *services_counted_, services_, now));
    out.push_back(tally(quota, *volume_claims_counted_, volume_claims_, now));
    out.push_back(tally(quota, *device_claims_counted_, device_claims_, now));
    for (const KindRef& kind : world_.informers.kinds().list()) {
      if (!is_numbered(*kind->resource) || !kind->metadata->synced()) continue;
      const auto counted = quota::counted(kind->resource->kind.group, kind->resource->plural);
      if (limits(quota, *counted)) {
        out.push_back(resource_quota::tally_number(quota, *counted, kind->metadata->list(space).size()));
      }
    }
    return out;
  }

  static bool limits(const ResourceQuota& quota, const quota::Counted& counted) {
    return std::ranges::any_of(quota.spec().hard(), [&](const auto& limit) { return counted.counts(limit.first); });
  }

  template <class T>
  Tally tally(const ResourceQuota& quota, const quota::Counted& counted, const Informer<T>& objects, Time now) const {
    const auto list = limits(quota, counted) ? objects.list(quota.metadata().namespace_()) : std::vector<Ref<T>>();
    return resource_quota::tally(quota, counted, list, now);
  }

  // Everything that the quota limits, up to what the server has now.
  Task<void> catch_up(Ref<ResourceQuota> quota) {
    if (limits(*quota, *pods_counted_)) co_await pods_.catch_up();
    if (limits(*quota, *services_counted_)) co_await services_.catch_up();
    if (limits(*quota, *volume_claims_counted_)) co_await volume_claims_.catch_up();
    if (limits(*quota, *device_claims_counted_)) co_await device_claims_.catch_up();
    const std::vector<KindRef> kinds = world_.informers.kinds().list();
    for (const KindRef& kind : kinds) {
      if (!is_numbered(*kind->resource) || !kind->metadata->synced()) continue;
      const auto counted = quota::counted(kind->resource->kind.group, kind->resource->plural);
      if (limits(*quota, *counted)) co_await kind->metadata->catch_up();
    }
  }

  using Pods = std::vector<Ref<PodView>>;

  const World& world_;
  std::set<ObjectKey> unsure_;  // quotas that began to limit something, and were not counted since
  const Duration period_;
  Informer<ResourceQuota>& quotas_;
  Informer<PodView>& pods_;
  Informer<Service>& services_;
  Informer<PersistentVolumeClaim>& volume_claims_;
  Informer<ResourceClaim>& device_claims_;
  const std::unique_ptr<quota::Counted> pods_counted_ = quota::counted("", "pods");
  const std::unique_ptr<quota::Counted> services_counted_ = quota::counted("", "services");
  const std::unique_ptr<quota::Counted> volume_claims_counted_ = quota::counted("", "persistentvolumeclaims");
  const std::unique_ptr<quota::Counted> device_claims_counted_ = quota::counted("resource.k8s.io", "resourceclaims");
};

// Quotas of the namespace that limit something of the kind.
LoopBuilder::Keys quotas_of(std::string_view space, const quota::Counted& counted, const World& world) {
  LoopBuilder::Keys out;
  for (const auto& each : world.informer<ResourceQuota>().list(space)) {
    const bool limits = std::ranges::any_of(each->spec().hard(), [&](const auto& limit) { return counted.counts(limit.first); });
    if (limits) out.push_back(key_of(*each));
  }
  return out;
}

std::vector<LoopBuilder::Wake> wakes_of(LoopBuilder::Keys keys) {
  std::vector<LoopBuilder::Wake> out;
  for (ObjectKey& key : keys) out.push_back({std::move(key), {}});
  return out;
}

// A pod that is gone, or has come to its end.
std::vector<LoopBuilder::Wake> freed_by_pod(const PodView* before, const PodView* after, const World& world) {
  static const std::unique_ptr<quota::Counted> counted = quota::counted("", "pods");
  if (!before) return {};
  const Time now = world.clock.now();
  const auto counts = [&](const PodView& pod) {
    return quota::pod_counts(pod.phase.view(), pod.deletion, pod.deletion_grace_seconds, now);
  };
  if (after && !(counts(*before) && !counts(*after))) return {};
  return wakes_of(quotas_of(before->namespace_name.view(), *counted, world));
}

// One that is gone, or uses another amount than before.
template <class T>
std::vector<LoopBuilder::Wake> freed(const T* before, const T* after, const World& world) {
  const api::Resource& resource = *api::Scheme::builtin().resource(api::schema_of<T>());
  static const std::unique_ptr<quota::Counted> counted = quota::counted(resource.kind.group, resource.plural);
  if (!before) return {};
  const Time now = world.clock.now();
  if (after && counted->usage(*before, now) == counted->usage(*after, now)) return {};
  return wakes_of(quotas_of(before->metadata().namespace_(), *counted, world));
}

}  // namespace

void resource_quota_loop(LoopBuilder& loop) {
  loop.reconciles_changes<ResourceQuota>([](const ResourceQuota* before, const ResourceQuota* after) -> std::optional<Duration> {
        if (!resource_quota::is_changed(before, after)) return std::nullopt;
        return Duration::zero();
      })
      .watches_changes<PodView>(freed_by_pod)
      .watches_changes<Service>(freed<Service>)
      .watches_changes<PersistentVolumeClaim>(freed<PersistentVolumeClaim>)
      .watches_changes<ResourceClaim>(freed<ResourceClaim>)
      .watches_ends_of_kinds(is_numbered,
                             [](const Kind& kind, const informers::MetadataView& object, const World& world) {
                               const auto counted = quota::counted(kind.resource->kind.group, kind.resource->plural);
                               return quotas_of(object.namespace_name.view(), *counted, world);
                             })
      .with<ResourceQuotas>();
}

}  // namespace ph::controllers
