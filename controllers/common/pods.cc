#include "controllers/common/pods.h"

#include <algorithm>
#include <bit>

#include "api/saturating.h"

namespace ph::controllers {
namespace {

// Smaller goes first.
int phase_rank(const PodView& pod) {
  if (pod.phase == "Pending") return 0;
  if (pod.phase == "Unknown") return 1;
  return pod.phase == "Running" ? 2 : 0;
}

// Ages are told apart by their order of magnitude only, so that scaling down does not always hit the newest node.
int magnitude(Duration age) { return age <= Duration::zero() ? -1 : std::bit_width(static_cast<std::uint64_t>(age.count())) - 1; }

struct Ranked {
  Ref<PodView> pod;
  int crowd = 0;
};

// < 0: `a` goes first; 0: as good as equal.
int compare_age(Time a, Time b, const PodView& pod_a, const PodView& pod_b, Time now) {
  if (a == b) return 0;
  const int by_magnitude = magnitude(api::elapsed(a, now)) - magnitude(api::elapsed(b, now));
  if (by_magnitude != 0) return by_magnitude;
  return pod_a.uid < pod_b.uid ? -1 : 1;
}

bool goes_first(const Ranked& left, const Ranked& right, Time now) {
  const PodView& a = *left.pod;
  const PodView& b = *right.pod;
  if (a.node_name.empty() != b.node_name.empty()) return a.node_name.empty();
  if (phase_rank(a) != phase_rank(b)) return phase_rank(a) < phase_rank(b);
  if (a.ready != b.ready) return !a.ready;
  if (a.deletion_cost != b.deletion_cost) return a.deletion_cost < b.deletion_cost;
  if (left.crowd != right.crowd) return left.crowd > right.crowd;
  if (a.ready) {
    const int order = compare_age(a.ready_since.value_or(Time{}), b.ready_since.value_or(Time{}), a, b, now);
    if (order != 0) return order < 0;
  }
  if (a.restarts != b.restarts) return a.restarts > b.restarts;
  return compare_age(a.created, b.created, a, b, now) < 0;
}

}  // namespace

bool is_active(const PodView& pod) { return !pod.finished() && !pod.deletion; }
bool is_terminating(const PodView& pod) { return !pod.finished() && pod.deletion; }

std::optional<Time> available_from(const PodView& pod, Duration min_ready) {
  if (!pod.ready) return std::nullopt;
  // At once, also when the node's clock is ahead of ours.
  if (min_ready == Duration::zero()) return Time{};
  if (!pod.ready_since) return std::nullopt;
  return api::later(*pod.ready_since, min_ready);
}

void index_pods_by_controller(Informer<PodView>& pods) {
  pods.add_index("controller", [](const PodView& pod) -> std::vector<std::string> {
    const informers::OwnerView* owner = pod.controller();
    if (owner) return {std::string(owner->uid.view())};
    return {"orphans of " + std::string(pod.namespace_name.view())};
  });
}

api::Lookup labels_of(const PodView& pod) {
  return [&pod](std::string_view key) { return pod.label(key); };
}

bool PodSelection::operator()(const PodView& pod) {
  if (!last_ || *last_ != pod.labels) selected_ = selector_->matches(labels_of(pod));
  last_ = &pod.labels;
  return selected_;
}

std::vector<Ref<PodView>> first_to_delete(std::vector<Ref<PodView>> pods, std::size_t count,
                                          const std::function<int(const PodView&)>& crowd, Time now) {
  if (count >= pods.size()) return pods;
  std::vector<Ranked> ranked;
  for (Ref<PodView>& pod : pods) {
    const int neighbours = crowd(*pod);
    ranked.push_back({std::move(pod), neighbours});
  }
  // Upstream's ranking is no strict order (equal ages fall through, similar ones do not); a heap does not mind.
  std::ranges::partial_sort(ranked, ranked.begin() + static_cast<std::ptrdiff_t>(count),
                            [&](const Ranked& a, const Ranked& b) { return goes_first(a, b, now); });
  std::vector<Ref<PodView>> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(std::move(ranked[i].pod));
  return out;
}

core::v1::Pod pod_from_template(const core::v1::PodTemplateSpec& from, const Owner& owner) {
  core::v1::Pod pod;
  meta::v1::ObjectMeta& metadata = *pod.mutable_metadata();
  metadata.set_namespace_(owner.key.namespace_name);
  // A prefix is a name, too, and must not be longer than one.
  constexpr std::size_t kNameMost = 253;
  metadata.set_generate_name(owner.key.name.size() < kNameMost ? owner.key.name + "-" : owner.key.name);
  *metadata.mutable_labels() = from.metadata().labels();
  *metadata.mutable_annotations() = from.metadata().annotations();
  *metadata.mutable_finalizers() = from.metadata().finalizers();
  *metadata.add_owner_references() = controller_reference(owner);
  *pod.mutable_spec() = from.spec();
  return pod;
}

}  // namespace ph::controllers
