#include "controllers/daemonset/plan.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "controllers/common/revision_history.h"

namespace ph::controllers::daemonset {
namespace {

bool older_first(const Ref<PodView>& a, const Ref<PodView>& b) {
  const auto order = [](const PodView& pod) {
    return std::tuple(pod.node_name.empty(), pod.created, std::string_view(pod.name));
  };
  return order(*a) < order(*b);
}

// Deleted, and nothing of it runs: it only waits for somebody's finalizer.
bool has_ended(const PodView& pod) { return pod.finished() && pod.deletion; }

std::map<std::string_view, Pods> by_node(const Pods& pods) {
  std::map<std::string_view, Pods> out;
  for (const Ref<PodView>& pod : pods) {
    const std::string_view node = pod->node_name.empty() ? pod->named_node.view() : pod->node_name.view();
    // An orphan that was adopted before it was scheduled: where it will be, nobody knows.
    if (node.empty() || has_ended(*pod)) continue;
    out[node].push_back(pod);
  }
  for (auto& [node, here] : out) std::ranges::sort(here, older_first);
  return out;
}

// Brings each place to the pods it is to have, whatever their template.
class Manager {
 public:
  Manager(const Observed& observed, const std::function<Duration(const std::string&)>& wait, Plan& plan)
      : observed_(observed), wait_(wait), plan_(plan) {}

  void manage(const Place& place) {
    if (place.fit.starts && place.pods.empty()) return plan_.create.push_back(place.name);
    if (place.fit.stays) return tend(place);
    for (const Ref<PodView>& pod : place.pods) {
      // What had a node that is gone is the pod garbage collector's; what was only bound for it would wait for ever.
      if (place.exists || pod->node_name.empty()) remove(place, pod);
    }
  }

 private:
  void tend(const Place& place) {
    Pods running;
    for (const Ref<PodView>& pod : place.pods) {
      if (pod->deletion) continue;
      if (!pod->finished()) {
        running.push_back(pod);
      } else {
        replace_finished(place, pod);
      }
    }
    if (surges(*observed_.set)) return tend_surging(place, running);
    for (std::size_t i = 1; i < running.size(); ++i) remove(place, running[i]);
  }

  // One of each template may be there, until the new one is available or the old one is not ready. Without any that is on its way, a
  // new one does not wait for those that end.
  void tend_surging(const Place& place, const Pods& running) {
    if (running.empty() && place.fit.starts) return plan_.create.push_back(place.name);
    if (running.size() < 2) return;
    Ref<PodView> fresh, old;
    for (const Ref<PodView>& pod : running) {
      Ref<PodView>& oldest = pod->label(kPodRevision) == observed_.hash ? fresh : old;
      if (oldest) {
        remove(place, pod);
      } else {
        oldest = pod;
      }
    }
    if (fresh && old && (!old->ready || is_available(observed_, *fresh))) remove(place, old);
  }

  void replace_finished(const Place& place, const Ref<PodView>& pod) {
    if (pod->phase == "Succeeded") return plan_.remove.push_back({pod, place.name, Removal::Succeeded});
    const Duration wait = wait_(std::string(place.name));
    if (wait <= Duration::zero()) return plan_.remove.push_back({pod, place.name, Removal::Failed});
    plan_.look_again = plan_.look_again ? std::min(*plan_.look_again, wait) : wait;
  }

  void remove(const Place& place, const Ref<PodView>& pod) {
    if (!pod->deletion) plan_.remove.push_back({pod, place.name});
  }

  const Observed& observed_;
  const std::function<Duration(const std::string&)>& wait_;
  Plan& plan_;
};

}  // namespace

Observed observe(Ref<DaemonSet> set, std::vector<Ref<NodeView>> nodes, const Pods& pods, std::string hash, Time now) {
  Observed out{.set = std::move(set), .nodes = std::move(nodes), .places = {}, .hash = std::move(hash), .now = now};
  const Placement placement(*out.set);
  std::map<std::string_view, Pods> here = by_node(pods);
  for (const Ref<NodeView>& node : out.nodes) {
    Place& place = out.places.emplace_back(Place{.name = node->name, .fit = placement.on(*node), .pods = {}});
    const auto found = here.find(place.name);
    if (found == here.end()) continue;
    place.pods = std::move(found->second);
    here.erase(found);
  }
  for (auto& [node, pods_there] : here)
    out.places.push_back({.name = node, .exists = false, .fit = {}, .pods = std::move(pods_there)});
  std::ranges::sort(out.places, {}, &Place::name);
  return out;
}

Plan plan(const Observed& observed, const std::function<Duration(const std::string& node)>& wait) {
  Plan out;
  Manager manager(observed, wait, out);
  for (const Place& place : observed.places) manager.manage(place);
  // A rollout counts what is there; it goes on when what was asked for now has come about.
  if (out.create.empty() && out.remove.empty()) roll_out(observed, out);
  if (out.create.size() > kBurst) out.create.resize(kBurst);
  if (out.remove.size() > kBurst) out.remove.resize(kBurst);
  return out;
}

bool is_available(const Observed& observed, const PodView& pod) {
  const auto from = available_from(pod, std::chrono::seconds(observed.set->spec().min_ready_seconds()));
  return from && *from <= observed.now;
}

bool is_updated(const Observed& observed, const PodView& pod) {
  if (!observed.hash.empty() && pod.label(kPodRevision) == observed.hash) return true;
  const auto generation = template_generation(*observed.set);
  return generation && pod.label(kTemplateGeneration) == std::to_string(*generation);
}

int wanted_nodes(const Observed& observed) {
  return static_cast<int>(std::ranges::count_if(observed.places, [](const Place& place) { return place.fit.starts; }));
}

}  // namespace ph::controllers::daemonset
