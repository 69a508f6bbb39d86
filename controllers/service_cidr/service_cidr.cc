// service-cidr: says that a range of service addresses is ready, and keeps a deleted one until no service has an address of it alone.
//
//   reads     networking.k8s.io/v1 ServiceCIDR, IPAddress   informers
//   writes    networking.k8s.io/v1 ServiceCIDR              patch: its finalizer, pinned to the UID
//                                                           apply of the status, as service-cidr-controller: condition Ready
//             v1 Event                                      about ranges: KubernetesServiceCIDRError
//   upstream  pkg/controller/servicecidrs
#include <nlohmann/json.hpp>

#include "api/times.h"
#include "controllers/common/apply.h"
#include "controllers/common/protection.h"
#include "controllers/service_cidr/plan.h"

namespace ph::controllers {
namespace {

using nlohmann::json;
using service_cidr::IPAddress;
using service_cidr::ServiceCIDR;

json status_of(const meta::v1::Condition& condition) {
  const json one = {{"type", condition.type()},
                    {"status", condition.status()},
                    {"reason", condition.reason()},
                    {"message", condition.message()},
                    {"lastTransitionTime", api::rfc3339(api::to_time(condition.last_transition_time()))}};
  return {{"status", {{"conditions", json::array({one})}}}};
}

class ServiceCidrs final : public Loop {
 public:
  explicit ServiceCidrs(const World& world)
      : client_(world.client),
        clock_(world.clock),
        events_(world.events),
        ranges_(world.informer<ServiceCIDR>()),
        addresses_(world.informer<IPAddress>()) {}

  Task<Outcome> reconcile(ObjectKey key) override {
    const Ref<ServiceCIDR> range = ranges_.find(key);
    if (!range) co_return Outcome::done();
    const Protection protection = protection_of(range->metadata(), service_cidr::kFinalizer);
    if (range->metadata().has_deletion_timestamp()) {
      if (protection != Protection::Leaving) co_return Outcome::done();
      if (!service_cidr::may_go(*range, ranges_.list(), addresses_.list())) {
        co_await tell(range, service_cidr::waiting_for_addresses(clock_.now()));
        co_return Outcome::done();
      }
      const Time due = api::to_time(range->metadata().deletion_timestamp()) + service_cidr::kGrace;
      if (due > clock_.now()) co_return Outcome::again_at(due);
      co_await patch_finalizer(*range, "$deleteFromPrimitiveList/finalizers");
      co_return Outcome::done();
    }
    if (protection == Protection::Lacks && !co_await patch_finalizer(*range, "finalizers")) co_return Outcome::done();
    co_await tell(range, service_cidr::ready(clock_.now()));
    co_return Outcome::done();
  }

 private:
  // Whether it was carried out. A range that is another brings its own key.
  Task<bool> patch_finalizer(const ServiceCIDR& range, const char* directive) {
    const json metadata = {{"uid", range.metadata().uid()}, {directive, json::array({service_cidr::kFinalizer})}};
    Patch patch = Patch::strategic(json{{"metadata", metadata}}.dump());
    patch.pinned = true;
    co_return co_await client_.try_patch<ServiceCIDR>(key_of(range), std::move(patch)) == Patched::Yes;
  }

  Task<void> tell(Ref<ServiceCIDR> range, meta::v1::Condition condition) {
    if (service_cidr::says(*range, condition)) co_return;
    const Applied applied = co_await apply(client_, *range, service_cidr::kManager, status_of(condition), "status");
    co_await seen(ranges_, applied);
    if (!applied.refusal || is_of_another(*applied.refusal)) co_return;
    if (condition.status() == "True") {
      events_.warning(informers::reference_to(*range), "KubernetesServiceCIDRError",
                      "The ServiceCIDR Status can not be set to Ready=True");
    }
    throw *applied.refusal;
  }

  static bool is_of_another(const api::ApiError& refusal) {
    return refusal.code() == 404 || refusal.code() == 409 || refusal.code() == 422;
  }

  Client& client_;
  const Clock& clock_;
  EventRecorder& events_;
  Informer<ServiceCIDR>& ranges_;
  Informer<IPAddress>& addresses_;
};

// Its own key, and those of ranges that wait for another to be there, or may have to stay with it.
LoopBuilder::Keys concerned(const ServiceCIDR& range, const World& world) {
  LoopBuilder::Keys out{key_of(range)};
  for (const Ref<ServiceCIDR>& other : world.informers.informer<ServiceCIDR>().list()) {
    const bool waits = other->metadata().has_deletion_timestamp() && other->metadata().name() != range.metadata().name();
    if (waits && service_cidr::overlap(range, *other)) out.push_back(key_of(*other));
  }
  return out;
}

// Ranges that a new address keeps, or one that is gone lets go.
LoopBuilder::Keys kept_by(const IPAddress& address, const World& world) {
  LoopBuilder::Keys out;
  if (!service_cidr::is_given(address)) return out;
  for (const Ref<ServiceCIDR>& range : world.informers.informer<ServiceCIDR>().list()) {
    if (range->metadata().has_deletion_timestamp() && service_cidr::contains(*range, address)) out.push_back(key_of(*range));
  }
  return out;
}

}  // namespace

void service_cidr_loop(LoopBuilder& loop) {
  loop.watches<ServiceCIDR>(concerned).watches<IPAddress>(kept_by).with<ServiceCidrs>();
}

}  // namespace ph::controllers
