#include "controllers/horizontal_pod_autoscaler/replicas.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include <fmt/format.h>

#include "api/pod_resources.h"
#include "api/quantity.h"
#include "informers/pod_asks.h"

namespace ph::controllers::horizontal_pod_autoscaler {
namespace {

using Requests = std::map<std::string, std::int64_t, std::less<>>;

constexpr const char* kNoPods = "no pods returned by selector while calculating replica count";
constexpr const char* kNoMetrics = "did not receive metrics for targeted pods (pods might be unready)";

// The next whole number; what no int holds is the greatest, what is none is 0.
std::int32_t count(double replicas) {
  const double up = std::ceil(replicas);
  if (!(up > 0)) return 0;
  constexpr auto most = std::numeric_limits<std::int32_t>::max();
  return up >= double{most} ? most : static_cast<std::int32_t>(up);
}

// As Go's conversion has it on amd64: what is no number, or too great, becomes the least there is. It is seen in the status of
// autoscalers whose workload says that it has no pods.
std::int64_t as_go_int64(double value) {
  constexpr double limit = 9223372036854775808.0;
  if (!(value >= -limit && value < limit)) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(value);
}

template <class Int>
Int clamped(__int128 value) {
  return static_cast<Int>(std::clamp<__int128>(value, std::numeric_limits<Int>::min(), std::numeric_limits<Int>::max()));
}

// What became of the pods: whose metrics count.
struct Groups {
  int ready = 0;
  std::vector<std::string_view> unready, missing, ignored;
};

// Whether a pod's use of the CPU says nothing yet: it is still starting, or was never ready.
bool is_unready(const PodView& pod, const Sample& sample, const Timing& timing) {
  if (pod.readiness == informers::Said::Untold || !pod.started) return true;
  const bool says_no = pod.readiness == informers::Said::False;
  const Time since = pod.ready_since.value_or(Time{});
  if (*pod.started + timing.cpu_initialization > timing.now) return says_no || sample.taken < since + sample.window;
  return says_no && *pod.started + timing.initial_readiness_delay > since;
}

Groups grouped(const Pods& pods, const Samples& samples, std::string_view resource, const Timing& timing) {
  Groups out;
  for (const Ref<PodView>& pod : pods) {
    const auto sample = samples.find(pod->name);
    if (pod->deletion || pod->phase == "Failed") {
      out.ignored.push_back(pod->name);
    } else if (pod->phase == "Pending") {
      out.unready.push_back(pod->name);
    } else if (sample == samples.end()) {
      out.missing.push_back(pod->name);
    } else if (resource == "cpu" && is_unready(*pod, sample->second, timing)) {
      out.unready.push_back(pod->name);
    } else {
      ++out.ready;
    }
  }
  return out;
}

void set_all(Samples& samples, const std::vector<std::string_view>& pods, std::int64_t value) {
  for (const std::string_view pod : pods) samples.insert_or_assign(std::string(pod), Sample{.value = value});
}

// How far the samples are from what is wanted.
struct Ratio {
  double ratio = 1;
  std::int64_t usage = 0;
  std::int32_t utilization = 0;
};
using Rated = std::expected<Ratio, std::string>;

Rated rate_utilization(const Samples& samples, const Requests& requests, std::int32_t target_percent) {
  __int128 used = 0, asked = 0;
  std::int64_t pods = 0;
  for (const auto& [pod, sample] : samples) {
    const auto request = requests.find(pod);
    if (request == requests.end()) continue;
    used += sample.value;
    asked += request->second;
    ++pods;
  }
  if (asked == 0) return std::unexpected("no metrics returned matched known pods");
  Ratio out;
  out.utilization = clamped<std::int32_t>(used * 100 / asked);
  out.ratio = static_cast<double>(out.utilization) / target_percent;
  out.usage = clamped<std::int64_t>(used / pods);
  return out;
}

Ratio rate_usage(const Samples& samples, std::int64_t target) {
  __int128 used = 0;
  for (const auto& [pod, sample] : samples) used += sample.value;
  Ratio out;
  out.usage = clamped<std::int64_t>(used / static_cast<std::int64_t>(samples.size()));
  out.ratio = static_cast<double>(out.usage) / static_cast<double>(target);
  return out;
}

bool turns(double before, double after) { return (before < 1 && after > 1) || (before > 1 && after < 1); }

// The rule for all metrics of pods. `rate` rates samples; `suppose` gives pods without a sample one, when fewer replicas may be
// wanted: they are taken to do as much as they should, lest something is taken away that is needed.
template <class Rate, class Suppose>
Proposed propose(const Situation& situation, const Groups& groups, Samples samples, const Rated& first, Rate rate,
                 Suppose suppose) {
  if (!first) return std::unexpected(first.error());
  const Proposal stay{situation.spec_replicas, first->usage, first->utilization};
  Proposal out = stay;
  const bool up_with_unready = !groups.unready.empty() && first->ratio > 1;
  if (!up_with_unready && groups.missing.empty()) {
    if (!situation.tolerance.covers(first->ratio)) out.replicas = count(first->ratio * groups.ready);
    return out;
  }
  if (first->ratio < 1) {
    for (const std::string_view pod : groups.missing) {
      samples.insert_or_assign(std::string(pod), Sample{.value = suppose(pod)});
    }
  } else if (first->ratio > 1) {
    set_all(samples, groups.missing, 0);
  }
  if (up_with_unready) set_all(samples, groups.unready, 0);

  const Rated second = rate(samples);
  if (!second) return std::unexpected(second.error());
  if (situation.tolerance.covers(second->ratio) || turns(first->ratio, second->ratio)) return stay;
  out.replicas = count(second->ratio * static_cast<double>(samples.size()));
  const bool is_other_way = second->ratio < 1 ? out.replicas > stay.replicas : out.replicas < stay.replicas;
  return is_other_way ? stay : out;
}

void drop(Samples& samples, const Groups& groups) {
  for (const std::string_view pod : groups.ignored) samples.erase(std::string(pod));
  for (const std::string_view pod : groups.unready) samples.erase(std::string(pod));
}

std::optional<std::int64_t> amount(const google::protobuf::Map<std::string, meta::v1::Quantity>& resources,
                                   std::string_view resource) {
  const auto found = resources.find(std::string(resource));
  if (found == resources.end()) return std::nullopt;
  return api::Quantity::parse(found->second.string()).value_or(api::Quantity()).milli_value();
}

// Of one pod; a template's pods ask for the same.
std::expected<std::int64_t, std::string> request_of(const core::v1::Pod& pod, std::string_view name, std::string_view container,
                                                    std::string_view resource) {
  const core::v1::PodSpec& spec = pod.spec();
  if (container.empty() && api::asks_as_a_whole(spec)) {
    const auto requests = api::pod_requests(pod);
    const auto found = requests.find(resource);
    if (found != requests.end()) return found->second.milli_value();
    return std::unexpected(fmt::format("missing pod-level request for {} in Pod {}", resource, name));
  }
  __int128 sum = 0;
  for (const auto* list : {&spec.containers(), &spec.init_containers()}) {
    for (const core::v1::Container& each : *list) {
      if (list == &spec.init_containers() && each.restart_policy() != "Always") continue;
      if (!container.empty() && container != each.name()) continue;
      const auto request = amount(each.resources().requests(), resource);
      if (!request) {
        return std::unexpected(fmt::format("missing request for {} in container {} of Pod {}", resource, each.name(), name));
      }
      sum += *request;
      if (!container.empty()) return clamped<std::int64_t>(sum);
    }
  }
  if (!container.empty()) return std::unexpected(fmt::format("container {} not found in Pod {}", container, name));
  return clamped<std::int64_t>(sum);
}

std::expected<int, std::string> ready_pods(const Pods& pods) {
  if (pods.empty()) return std::unexpected(fmt::format("unable to calculate ready pods: {}", kNoPods));
  return static_cast<int>(std::ranges::count_if(pods, [](const auto& pod) { return pod->phase == "Running" && pod->ready; }));
}

}  // namespace

std::expected<Requests, std::string> requests_of(const Pods& pods, std::string_view container, std::string_view resource) {
  Requests out;
  // Pods of one template hold the same text.
  std::string_view last;
  std::int64_t request = 0;
  for (const Ref<PodView>& pod : pods) {
    if (const std::string_view asks = pod->asks.view(); out.empty() || asks.data() != last.data()) {
      const auto found = request_of(informers::asked_of(*pod), pod->name, container, resource);
      if (!found) return std::unexpected(found.error());
      request = *found;
      last = asks;
    }
    out.emplace(pod->name, request);
  }
  return out;
}

Proposed for_utilization(const Situation& situation, Samples samples, std::string_view container, std::string_view resource,
                         std::int32_t target_percent) {
  if (situation.pods.empty()) return std::unexpected(kNoPods);
  const Groups groups = grouped(situation.pods, samples, resource, situation.timing);
  drop(samples, groups);
  if (samples.empty()) return std::unexpected(kNoMetrics);
  const auto requests = requests_of(situation.pods, container, resource);
  if (!requests) return std::unexpected(requests.error());
  const auto rate = [&](const Samples& these) { return rate_utilization(these, *requests, target_percent); };
  const auto suppose = [&](std::string_view pod) {
    return clamped<std::int64_t>(__int128{requests->find(pod)->second} * std::max(100, target_percent) / 100);
  };
  const Rated first = rate(samples);
  return propose(situation, groups, std::move(samples), first, rate, suppose);
}

Proposed for_pods(const Situation& situation, Samples samples, std::string_view resource, std::int64_t target) {
  if (situation.pods.empty()) return std::unexpected(kNoPods);
  const Groups groups = grouped(situation.pods, samples, resource, situation.timing);
  drop(samples, groups);
  if (samples.empty()) return std::unexpected(kNoMetrics);
  const auto rate = [&](const Samples& these) -> Rated { return rate_usage(these, target); };
  const Rated first = rate(samples);
  return propose(situation, groups, std::move(samples), first, rate, [&](std::string_view) { return target; });
}

Proposed for_value(const Situation& situation, std::int64_t value, std::int64_t target) {
  const double ratio = static_cast<double>(value) / static_cast<double>(target);
  Proposal out{situation.spec_replicas, value, 0};
  if (situation.spec_replicas == 0) {
    out.replicas = count(ratio);
  } else if (!situation.tolerance.covers(ratio)) {
    const auto ready = ready_pods(situation.pods);
    if (!ready) return std::unexpected(ready.error());
    out.replicas = count(ratio * *ready);
  }
  return out;
}

Proposed for_value_per_pod(const Situation& situation, std::int64_t value, std::int64_t target) {
  const double pods = situation.status_replicas;
  const double ratio = static_cast<double>(value) / (static_cast<double>(target) * pods);
  Proposal out{situation.status_replicas, value, 0};
  if (!situation.tolerance.covers(ratio)) out.replicas = count(static_cast<double>(value) / static_cast<double>(target));
  if (value != std::numeric_limits<std::int64_t>::max()) out.usage = as_go_int64(std::ceil(static_cast<double>(value) / pods));
  return out;
}

}  // namespace ph::controllers::horizontal_pod_autoscaler
