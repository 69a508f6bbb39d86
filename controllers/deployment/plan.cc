#include "controllers/deployment/plan.h"

#include <algorithm>
#include <array>

#include "api/sorted.h"

namespace ph::controllers::deployment {
namespace {

constexpr std::size_t kHistoryLengthMax = 2000;

bool belongs_to_the_deployment_alone(std::string_view annotation) {
  static constexpr std::array<std::string_view, 6> kNames{"kubectl.kubernetes.io/last-applied-configuration",
                                                          kRevision,
                                                          kRevisionHistory,
                                                          kDesiredReplicas,
                                                          kMaxReplicas,
                                                          "deprecated.deployment.rollback.to"};
  return std::ranges::find(kNames, annotation) != kNames.end();
}

std::string annotation(const meta::v1::ObjectMeta& metadata, const std::string& name) {
  const auto found = metadata.annotations().find(name);
  return found == metadata.annotations().end() ? std::string() : found->second;
}

// The revisions a set had before, shortened from the front when the list grows too long.
std::string longer_history(std::string history, const std::string& revision) {
  if (history.empty()) return revision;
  while (!history.empty() && history.size() + 1 + revision.size() > kHistoryLengthMax) {
    const auto comma = history.find(',');
    history = comma == std::string::npos ? std::string() : history.substr(comma + 1);
  }
  return history.empty() ? revision : history + "," + revision;
}

std::map<std::string, std::string> size_annotations(const Deployment& deployment, const ReplicaSet& set) {
  const int desired = wanted(deployment);
  std::map<std::string, std::string> out;
  for (const auto& [name, value] :
       {std::pair{kDesiredReplicas, desired}, std::pair{kMaxReplicas, desired + max_surge(deployment)}}) {
    if (annotation(set.metadata(), name) != std::to_string(value)) out[name] = std::to_string(value);
  }
  return out;
}

std::int64_t next_revision(const Sets& old_sets) {
  std::int64_t newest = 0;
  for (const Ref<ReplicaSet>& set : old_sets) newest = std::max(newest, revision_of(*set));
  return newest + 1;
}

// The deployment was scaled since its sets were sized.
bool was_scaled(const Deployment& deployment, const Sets& sets) {
  return std::ranges::any_of(with_replicas(sets), [&](const Ref<ReplicaSet>& set) {
    const auto desired = number_annotation(set->metadata(), kDesiredReplicas);
    return desired && *desired != wanted(deployment);
  });
}

class Planner {
 public:
  explicit Planner(const Observed& observed) : observed_(observed), deployment_(observed.deployment) {
    plan_.new_set = find_new(deployment_, observed.sets);
    for (const Ref<ReplicaSet>& set : observed.sets) {
      if (set != plan_.new_set) plan_.old_sets.push_back(set);
    }
  }

  Plan run() {
    if (deployment_.metadata().has_deletion_timestamp()) {
      note_new_set();
      return finish();
    }
    if (deployment_.spec().paused() || was_scaled(deployment_, observed_.sets)) {
      const auto sizes = scale(deployment_, plan_.new_set, plan_.old_sets);
      for (const auto& [set, replicas] : sizes) resize(set, replicas, true);
      if (deployment_.spec().paused()) clean_up();
      if (deployment_.spec().paused() || !sizes.empty()) {
        note_new_set();
        return finish();
      }
    }
    plan_.rolls_out = true;
    if (rolls(deployment_)) {
      roll();
    } else {
      recreate();
    }
    return finish();
  }

 private:
  // Brings revision and annotations of an existing new set up to date.
  void note_new_set() {
    if (!plan_.new_set) return;
    const std::int64_t revision = next_revision(plan_.old_sets);
    Change& change = change_of(plan_.new_set);
    change.annotations.merge(annotations_for(deployment_, *plan_.new_set, revision, true));
    if (plan_.new_set->spec().min_ready_seconds() != deployment_.spec().min_ready_seconds()) {
      change.min_ready_seconds = deployment_.spec().min_ready_seconds();
    }
    plan_.revision = std::max(revision, revision_of(*plan_.new_set));
  }

  void need_new_set() {
    note_new_set();
    if (plan_.new_set) return;
    plan_.revision = next_revision(plan_.old_sets);
    plan_.create = make_new_set(deployment_, plan_.old_sets, plan_.revision);
    plan_.new_set = std::make_shared<const ReplicaSet>(*plan_.create);
  }

  void roll() {
    need_new_set();
    const int current = wanted(*plan_.new_set);
    const int replicas = new_set_replicas(deployment_, plan_.all_sets(), current);
    // One direction at a time: what is made now may become available before anything is taken away.
    if (!plan_.create && replicas != current) return resize(plan_.new_set, replicas, true);
    const auto smaller = scale_down_old(deployment_, plan_.old_sets, *plan_.new_set);
    for (const auto& [set, count] : smaller) resize(set, count, true);
    if (smaller.empty()) clean_up_when_complete();
  }

  void recreate() {
    note_new_set();
    const Sets running = with_replicas(plan_.old_sets);
    for (const Ref<ReplicaSet>& set : running) resize(set, 0, true);
    if (!running.empty()) return;
    if (total_actual(plan_.old_sets) > 0 || observed_.old_pods_running) return;
    if (!plan_.new_set) need_new_set();
    if (!plan_.create) resize(plan_.new_set, wanted(deployment_), false);
    clean_up_when_complete();
  }

  // Judged by the status as it was written, like every step.
  void clean_up_when_complete() {
    if (is_complete(deployment_, deployment_.status())) clean_up();
  }
  void clean_up() { plan_.cleanup = beyond_history(deployment_, plan_.old_sets); }

  void resize(const Ref<ReplicaSet>& set, int replicas, bool annotate) {
    Change& change = change_of(set);
    if (wanted(*set) != replicas) change.replicas = replicas;
    if (change.replicas || annotate) change.annotations.merge(size_annotations(deployment_, *set));
  }

  Change& change_of(const Ref<ReplicaSet>& set) {
    const auto found = std::ranges::find(plan_.changes, set, &Change::set);
    if (found != plan_.changes.end()) return *found;
    return plan_.changes.emplace_back(Change{.set = set});
  }

  Plan finish() {
    std::erase_if(plan_.changes, &Change::empty);
    if (number_annotation(deployment_.metadata(), kRevision) == plan_.revision) plan_.revision = 0;
    return std::move(plan_);
  }

  const Observed& observed_;
  const Deployment& deployment_;
  Plan plan_;
};

}  // namespace

Sets Plan::all_sets() const {
  Sets out = old_sets;
  if (new_set) out.push_back(new_set);
  return out;
}

Plan plan(const Observed& observed) {
  const auto& selector = observed.deployment.spec().selector();
  if (selector.match_labels().empty() && selector.match_expressions().empty()) {
    Plan out;
    out.selects_all = true;
    return out;
  }
  return Planner(observed).run();
}

std::map<std::string, std::string> annotations_for(const Deployment& deployment, const ReplicaSet& set, std::int64_t revision,
                                                   bool exists) {
  std::map<std::string, std::string> out;
  for (const auto* entry : sorted(deployment.metadata().annotations())) {
    if (belongs_to_the_deployment_alone(entry->first)) continue;
    const auto found = set.metadata().annotations().find(entry->first);
    if (found == set.metadata().annotations().end() || found->second != entry->second) out[entry->first] = entry->second;
  }
  const std::int64_t old_revision = revision_of(set);
  if (old_revision < revision) {
    out[kRevision] = std::to_string(revision);
    const std::string old_text = annotation(set.metadata(), kRevision);
    if (!old_text.empty()) out[kRevisionHistory] = longer_history(annotation(set.metadata(), kRevisionHistory), old_text);
  }
  if (!exists) out.merge(size_annotations(deployment, set));
  return out;
}

// The deployment's name as far as there is room for it.
std::string set_name(std::string name, const std::string& hash) {
  constexpr std::size_t kNameMost = 253;
  name.resize(std::min(name.size(), kNameMost - 1 - hash.size()));
  // Cut behind a dot it would be no name.
  while (name.ends_with('.')) name.pop_back();
  return name + "-" + hash;
}

ReplicaSet make_new_set(const Deployment& deployment, const Sets& old_sets, std::int64_t revision) {
  const auto& status = deployment.status();
  const std::optional<std::int32_t> collisions =
      status.has_collision_count() ? std::optional(status.collision_count()) : std::nullopt;
  const std::string hash = template_hash(deployment.spec().template_(), collisions);

  ReplicaSet set;
  *set.mutable_spec()->mutable_template_() = deployment.spec().template_();
  auto& labels = *set.mutable_spec()->mutable_template_()->mutable_metadata()->mutable_labels();
  labels[kTemplateHash] = hash;
  *set.mutable_spec()->mutable_selector() = deployment.spec().selector();
  (*set.mutable_spec()->mutable_selector()->mutable_match_labels())[kTemplateHash] = hash;
  set.mutable_spec()->set_min_ready_seconds(deployment.spec().min_ready_seconds());
  set.mutable_spec()->set_replicas(0);

  meta::v1::ObjectMeta& metadata = *set.mutable_metadata();
  metadata.set_namespace_(deployment.metadata().namespace_());
  metadata.set_name(set_name(deployment.metadata().name(), hash));
  *metadata.mutable_labels() = labels;
  meta::v1::OwnerReference& owner = *metadata.add_owner_references();
  owner.set_api_version("apps/v1");
  owner.set_kind("Deployment");
  owner.set_name(deployment.metadata().name());
  owner.set_uid(deployment.metadata().uid());
  owner.set_controller(true);
  owner.set_block_owner_deletion(true);

  set.mutable_spec()->set_replicas(new_set_replicas(deployment, old_sets, 0));
  for (auto& [name, value] : annotations_for(deployment, set, revision, false)) (*metadata.mutable_annotations())[name] = value;
  return set;
}

Sets beyond_history(const Deployment& deployment, const Sets& old_sets) {
  const auto& spec = deployment.spec();
  if (!spec.has_revision_history_limit() || spec.revision_history_limit() == std::numeric_limits<std::int32_t>::max()) return {};
  Sets alive;
  std::ranges::copy_if(old_sets, std::back_inserter(alive),
                       [](const Ref<ReplicaSet>& set) { return !set->metadata().has_deletion_timestamp(); });
  // No less than none is kept, whatever was stored.
  const auto surplus = static_cast<std::ptrdiff_t>(alive.size()) - std::max(0, spec.revision_history_limit());
  if (surplus <= 0) return {};
  std::ranges::sort(alive, by_revision);
  alive.resize(static_cast<std::size_t>(surplus));
  // A set that still has pods, or whose controller has not yet seen its latest size, stays for now.
  std::erase_if(alive, [](const Ref<ReplicaSet>& set) {
    return set->status().replicas() != 0 || wanted(*set) != 0 ||
           set->metadata().generation() > set->status().observed_generation();
  });
  return alive;
}

}  // namespace ph::controllers::deployment
