// What a DaemonSet's status tells: of each node, by the oldest of its pods.
#include <algorithm>

#include "controllers/daemonset/plan.h"

namespace ph::controllers::daemonset {

DaemonSetStatus status_of(const Observed& observed) {
  int wanted = 0, scheduled = 0, misscheduled = 0, ready = 0, available = 0, updated = 0;
  for (const Place& place : observed.places) {
    if (place.fit.starts) ++wanted;
    if (place.pods.empty() || !place.exists) continue;
    if (!place.fit.starts) {
      ++misscheduled;
      continue;
    }
    const PodView& pod = *place.pods.front();
    ++scheduled;
    if (pod.ready) ++ready;
    if (is_available(observed, pod)) ++available;
    if (is_updated(observed, pod)) ++updated;
  }
  DaemonSetStatus out = observed.set->status();
  out.set_current_number_scheduled(scheduled);
  out.set_number_misscheduled(misscheduled);
  out.set_desired_number_scheduled(wanted);
  out.set_number_ready(ready);
  out.set_updated_number_scheduled(updated);
  out.set_number_available(available);
  out.set_number_unavailable(wanted - available);
  out.set_observed_generation(observed.set->metadata().generation());
  return out;
}

std::optional<Time> next_available(const Observed& observed) {
  std::optional<Time> out;
  const Duration min_ready = std::chrono::seconds(observed.set->spec().min_ready_seconds());
  for (const Place& place : observed.places) {
    for (const Ref<PodView>& pod : place.pods) {
      const auto from = available_from(*pod, min_ready);
      if (!from || *from <= observed.now) continue;
      out = out ? std::min(*out, *from) : *from;
    }
  }
  return out;
}

}  // namespace ph::controllers::daemonset
