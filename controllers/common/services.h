// What the loops that tell the endpoints of services share: which services have endpoints of our making, which pods they select, and
// when what they tell has changed (upstream: k8s.io/endpointslice, util and trigger_time_tracker).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/runtime/loop.h"

namespace ph::controllers {

inline constexpr const char* kTriggerTime = "endpoints.kubernetes.io/last-change-trigger-time";
inline constexpr const char* kHeadlessLabel = "service.kubernetes.io/headless";

// A service with a selector, that is not another name for somebody.
bool has_endpoints(const core::v1::Service& service);
bool selects(const core::v1::Service& service, const PodView& pod);
// What the two functions below find their way by. Added by every loop that calls them.
void index_by_selection(Informer<core::v1::Service>& services, Informer<PodView>& pods);
// Those of `pods` that it selects, in their order.
std::vector<Ref<PodView>> selected_by(const core::v1::Service& service, const Informer<PodView>& pods);
// Services whose endpoints a change of the pod may change.
LoopBuilder::Keys services_of(const PodView& pod, const World& world);
// The same of a change, gathered for so long.
std::vector<LoopBuilder::Wake> services_woken(const PodView* before, const PodView* after, const World& world, Duration period);

// The batch periods of the flags --…-updates-batch-period: what changes within one is told together. A change of the service itself is
// told at once.
class ChangeBatches {
 public:
  explicit ChangeBatches(Duration period) : period_(period) {}
  // How long `service` is to wait before it is looked at; zero: it is looked at now. `version` is its own, as it is now.
  Duration wait(const ObjectKey& service, std::string_view version, Steady now);
  void forget(const ObjectKey& service) { looks_.erase(service); }

 private:
  struct Look {
    std::string version;
    Steady at;
  };
  const Duration period_;
  std::map<ObjectKey, Look> looks_;  // the last one
};

bool is_ipv6(std::string_view address);
// The pod's own address of that type ("IPv4", "IPv6"); empty when it has none.
std::string address_of(const PodView& pod, std::string_view type);
// The number a service port leads to on this pod; 0 when the pod has no port of that name.
std::int32_t target_number(const core::v1::ServicePort& port, const PodView& pod);
// The name under which DNS is to know the pod behind the service; empty: none.
std::string hostname_of(const core::v1::Service& service, const PodView& pod);

// What made somebody look at a service: the annotation by which others measure how long that took.
class TriggerTimes {
 public:
  // The first of the changes of the service and of its pods' readiness that was not told before; the service's own creation when
  // nothing was told of it yet. Nothing: something else has changed.
  std::optional<Time> take(const core::v1::Service& service, const std::vector<Ref<PodView>>& pods);
  void forget(const ObjectKey& service) { known_.erase(service); }

 private:
  struct Seen {
    Time service;
    std::map<std::string, Time, std::less<>> pods;  // by name, their last transition from or to ready
  };
  std::map<ObjectKey, Seen> known_;
};

// Sets the annotation, or takes it away: an old one would tell of another change.
void set_trigger_time(meta::v1::ObjectMeta* metadata, const std::optional<Time>& time);

}  // namespace ph::controllers
