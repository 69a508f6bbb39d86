#include "controllers/taint_eviction/plan.h"

#include <algorithm>
#include <ranges>

#include "controllers/common/disruption_target.h"

namespace ph::controllers::taint_eviction {

using core::v1::Taint, core::v1::Toleration;

namespace {

constexpr Disruption kWhy{.reason = "DeletionByTaintManager", .message = "Taint manager: deleting due to NoExecute taint"};
// A hundred years and more are for ever.
constexpr std::int64_t kForEver = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::hours(24 * 365 * 100)).count();

const Toleration* first_for(const Taint& taint, const api::Tolerations& tolerations) {
  const auto found = std::ranges::find_if(tolerations, [&](const Toleration& each) { return api::tolerates(each, taint); });
  return found == tolerations.end() ? nullptr : &*found;
}

}  // namespace

Taints no_execute(const Taints& taints) {
  Taints out;
  std::ranges::copy_if(taints, std::back_inserter(out), [](const Taint& taint) { return taint.effect() == "NoExecute"; });
  return out;
}

bool are_same(const Taints& a, const Taints& b) {
  return std::ranges::equal(a, b, [](const Taint& x, const Taint& y) {
    return x.key() == y.key() && x.value() == y.value() && x.effect() == y.effect();
  });
}

bool tolerates_all(const Taints& no_execute, const api::Tolerations& tolerations) {
  return std::ranges::all_of(no_execute, [&](const Taint& taint) { return first_for(taint, tolerations) != nullptr; });
}

std::optional<Duration> may_stay(const Taints& no_execute, const api::Tolerations& tolerations) {
  std::optional<Duration> out;
  for (const Taint& taint : no_execute) {
    const Toleration* toleration = first_for(taint, tolerations);
    if (!toleration) return Duration::zero();
    if (!toleration->has_toleration_seconds() || toleration->toleration_seconds() >= kForEver) continue;
    const Duration time = std::chrono::seconds(std::max<std::int64_t>(toleration->toleration_seconds(), 0));
    out = std::min(out.value_or(time), time);
  }
  return out;
}

std::optional<std::string> disruption_patch(const core::v1::Pod& pod, Time now) {
  return controllers::disruption_patch(pod, kWhy, now);
}

}  // namespace ph::controllers::taint_eviction
