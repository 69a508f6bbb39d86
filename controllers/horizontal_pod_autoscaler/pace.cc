#include "controllers/horizontal_pod_autoscaler/pace.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>

namespace ph::controllers::horizontal_pod_autoscaler {
namespace {

using autoscaling::v2::HPAScalingPolicy, autoscaling::v2::HPAScalingRules;
using Moments = std::vector<History::Moment>;

constexpr std::int32_t kMost = std::numeric_limits<std::int32_t>::max();

std::int32_t clamped(std::int64_t replicas) { return static_cast<std::int32_t>(std::clamp<std::int64_t>(replicas, 0, kMost)); }
std::int32_t clamped(double replicas) {
  if (!(replicas > 0)) return 0;
  return replicas >= double{kMost} ? kMost : static_cast<std::int32_t>(replicas);
}

struct Windows {
  Duration up{}, down{};
};

Windows windows_of(const HorizontalPodAutoscaler& autoscaler, Duration downscale_window) {
  if (!autoscaler.spec().has_behavior()) return {{}, downscale_window};
  const auto& behavior = autoscaler.spec().behavior();
  const HPAScalingRules& down = behavior.scale_down();
  return {std::chrono::seconds(behavior.scale_up().stabilization_window_seconds()),
          down.has_stabilization_window_seconds() ? std::chrono::seconds(down.stabilization_window_seconds()) : downscale_window};
}

// Within what was proposed lately: not above the least of the window for more, not below the most of that for fewer.
std::int32_t stabilized(const Moments& proposals, const Windows& windows, std::int32_t current, std::int32_t proposed,
                        Steady now) {
  std::int32_t up = proposed, down = proposed;
  for (const History::Moment& each : proposals) {
    if (each.at > now - windows.up) up = std::min(up, each.replicas);
    if (each.at > now - windows.down) down = std::max(down, each.replicas);
  }
  return std::min(std::max(current, up), down);
}

// Without a behavior there is a window for fewer alone, and who wants more gets it.
std::int32_t stabilized_plainly(const Moments& proposals, Duration window, std::int32_t proposed, Steady now) {
  std::int32_t most = proposed;
  for (const History::Moment& each : proposals) {
    if (each.at >= now - window) most = std::max(most, each.replicas);
  }
  return most;
}

void note_proposal(Moments& proposals, const Windows& windows, std::int32_t proposed, Steady now) {
  const Duration longest = std::max(windows.up, windows.down);
  std::erase_if(proposals, [&](const History::Moment& each) { return each.at < now - longest; });
  proposals.push_back({proposed, now});
}

std::int64_t changed_since(const Moments& changes, Steady since) {
  std::int64_t sum = 0;
  for (const History::Moment& each : changes) sum += each.at > since ? each.replicas : 0;
  return sum;
}

// What one policy allows, from how many there were when its period began.
std::int32_t allowed(const HPAScalingPolicy& policy, const History& history, std::int32_t current, bool more, Steady now) {
  const Steady since = now - std::chrono::seconds(policy.period_seconds());
  const std::int64_t start = current - changed_since(history.added, since) + changed_since(history.taken, since);
  const std::int64_t value = policy.value();
  if (policy.type() == "Pods") return clamped(more ? start + value : start - value);
  const double part = static_cast<double>(value) / 100, from = static_cast<double>(start);
  // Rounded up where there are to be more: of one pod half a pod more is one.
  return more ? clamped(std::ceil(from * (1 + part))) : clamped(from * (1 - part));
}

// As far as the policies let it go at once.
std::int32_t policy_limit(const HPAScalingRules& rules, const History& history, std::int32_t current, bool more, Steady now) {
  if (rules.select_policy() == "Disabled") return current;
  const bool boldest = rules.select_policy() != "Min";
  std::optional<std::int32_t> limit;
  for (const HPAScalingPolicy& policy : rules.policies()) {
    const std::int32_t one = allowed(policy, history, current, more, now);
    if (!limit) limit = one;
    // The boldest of those for fewer is the one that leaves the fewest.
    limit = boldest == more ? std::max(*limit, one) : std::min(*limit, one);
  }
  if (!limit) return current;
  return more ? std::max(*limit, current) : std::min(*limit, current);
}

struct Limited {
  std::int32_t replicas = 0;
  const char* reason = "DesiredWithinRange";
  const char* message = "the desired count is within the acceptable range";
};

constexpr const char* kTooFast = "the desired replica count is increasing faster than the maximum scale rate";
constexpr const char* kTooMany = "the desired replica count is more than the maximum replica count";
constexpr const char* kTooFastDown = "the desired replica count is decreasing faster than the maximum scale rate";
constexpr const char* kTooFew = "the desired replica count is less than the minimum replica count";

Limited at_most(std::int32_t wanted, Range range, std::int32_t rate_limit) {
  const bool by_rate = range.most > rate_limit;
  const std::int32_t most = by_rate ? rate_limit : range.most;
  if (wanted <= most) return {wanted};
  return by_rate ? Limited{most, "ScaleUpLimit", kTooFast} : Limited{most, "TooManyReplicas", kTooMany};
}

Limited at_least(std::int32_t wanted, Range range, std::int32_t rate_limit) {
  const bool by_rate = range.least < rate_limit;
  const std::int32_t least = by_rate ? rate_limit : range.least;
  if (wanted >= least) return {wanted};
  return by_rate ? Limited{least, "ScaleDownLimit", kTooFastDown} : Limited{least, "TooFewReplicas", kTooFew};
}

Limited limited(const HorizontalPodAutoscaler& autoscaler, const History& history, std::int32_t current, std::int32_t wanted,
                Steady now) {
  const Range range = range_of(autoscaler);
  if (!autoscaler.spec().has_behavior()) {
    if (wanted < range.least) return {range.least, "TooFewReplicas", kTooFew};
    // Lest a wrong metric makes many at once.
    return at_most(wanted, range, clamped(std::max<std::int64_t>(2 * std::int64_t{current}, 4)));
  }
  const auto& behavior = autoscaler.spec().behavior();
  if (wanted > current) {
    return at_most(wanted, range, policy_limit(behavior.scale_up(), history, current, true, now));
  }
  if (wanted < current) {
    return at_least(wanted, range, policy_limit(behavior.scale_down(), history, current, false, now));
  }
  return {wanted};
}

std::int32_t longest_period(const HPAScalingRules& rules) {
  std::int32_t longest = 0;
  for (const HPAScalingPolicy& policy : rules.policies()) longest = std::max(longest, policy.period_seconds());
  return longest;
}

}  // namespace

Range range_of(const HorizontalPodAutoscaler& autoscaler) {
  const auto& spec = autoscaler.spec();
  return {spec.has_min_replicas() ? spec.min_replicas() : 1, spec.max_replicas()};
}

Paced pace(const HorizontalPodAutoscaler& autoscaler, History& history, std::int32_t current, std::int32_t proposed,
           Duration downscale_window, Steady now) {
  const Windows windows = windows_of(autoscaler, downscale_window);
  const bool has_behavior = autoscaler.spec().has_behavior();
  const std::int32_t wanted = has_behavior ? stabilized(history.proposed, windows, current, proposed, now)
                                           : stabilized_plainly(history.proposed, windows.down, proposed, now);
  note_proposal(history.proposed, windows, proposed, now);

  Paced out;
  if (wanted == proposed) {
    out.able_reason = "ReadyForNewScale";
    out.able_message = "recommended size matches current size";
  } else if (has_behavior && proposed >= current) {
    out.able_reason = "ScaleUpStabilized";
    out.able_message = "recent recommendations were lower than current one, applying the lowest recent recommendation";
  } else {
    out.able_reason = "ScaleDownStabilized";
    out.able_message = "recent recommendations were higher than current one, applying the highest recent recommendation";
  }
  const Limited limit = limited(autoscaler, history, current, wanted, now);
  out.replicas = limit.replicas;
  out.limited = limit.replicas != wanted;
  out.limited_reason = limit.reason;
  out.limited_message = limit.message;
  return out;
}

void note_scaling(const HorizontalPodAutoscaler& autoscaler, History& history, std::int32_t before, std::int32_t after,
                  Steady now) {
  if (!autoscaler.spec().has_behavior() || before == after) return;
  const auto& behavior = autoscaler.spec().behavior();
  const bool more = after > before;
  Moments& changes = more ? history.added : history.taken;
  const Steady oldest = now - std::chrono::seconds(longest_period(more ? behavior.scale_up() : behavior.scale_down()));
  std::erase_if(changes, [&](const History::Moment& each) { return each.at < oldest; });
  changes.push_back({clamped(std::abs(std::int64_t{after} - before)), now});
}

}  // namespace ph::controllers::horizontal_pod_autoscaler
