#include "controllers/daemonset/history.h"

#include <set>

namespace ph::controllers::daemonset {

History history_of(const DaemonSet& set, Revisions revisions) {
  sort_revisions(revisions);
  const std::string data = revision_data(set.spec().template_());
  History out;
  for (Ref<ControllerRevision>& revision : revisions)
    (has_data(*revision, data) ? out.present : out.old).push_back(std::move(revision));
  return out;
}

std::string hash_of(const ControllerRevision& revision) {
  const auto label = revision.metadata().labels().find(kPodRevision);
  return label == revision.metadata().labels().end() ? revision.metadata().name() : label->second;
}

ControllerRevision first_of_template(const DaemonSet& set, std::int64_t number) {
  std::string data = revision_data(set.spec().template_());
  std::optional<std::int32_t> collisions;
  if (set.status().has_collision_count()) collisions = set.status().collision_count();
  const std::string hash = revision_hash(data, collisions);
  ControllerRevision out = make_revision(owner_of(set), set.spec().template_(), std::move(data), number);
  meta::v1::ObjectMeta& metadata = *out.mutable_metadata();
  metadata.set_name(revision_name(set.metadata().name(), hash));
  (*metadata.mutable_labels())[kPodRevision] = hash;
  *metadata.mutable_annotations() = set.metadata().annotations();
  return out;
}

Revisions beyond_limit(const DaemonSet& set, const Revisions& old, const std::vector<Ref<PodView>>& pods) {
  constexpr int kDefaultLimit = 10;
  const std::int64_t limit = set.spec().has_revision_history_limit() ? set.spec().revision_history_limit() : kDefaultLimit;
  const std::int64_t beyond = std::ssize(old) - limit;
  if (beyond <= 0) return {};
  std::set<std::string_view> living;
  for (const Ref<PodView>& pod : pods) {
    if (const auto hash = pod->label(kPodRevision)) living.insert(*hash);
  }
  return oldest_unused(old, beyond, [&](const ControllerRevision& revision) { return living.contains(hash_of(revision)); });
}

}  // namespace ph::controllers::daemonset
