// The history of a StatefulSet's template.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "api/patch/patch.h"
#include "controllers/statefulset/plan.h"

namespace ph::controllers::statefulset {

RevisionPlan plan_revision(const StatefulSet& set, const Revisions& sorted) {
  RevisionPlan out{.known = nullptr, .number = next_number(sorted), .data = revision_data(set.spec().template_())};
  out.known = newest_with(sorted, out.data);
  // That of the newest is the present one already; an older one is gone back to, unless there is no number after it.
  if (out.known && (out.known == sorted.back() || out.known->revision() == out.number)) out.number.reset();
  return out;
}

ControllerRevision make_revision_of(const StatefulSet& set, const RevisionPlan& plan, std::int32_t collisions) {
  ControllerRevision out = make_revision(owner_of(set), set.spec().template_(), plan.data, plan.number.value_or(1));
  const auto hash = [&](std::int32_t count) { return revision_hash(plan.data, count); };
  out.mutable_metadata()->set_name(revision_name(set.metadata().name(), hash(collisions)));
  // The label keeps the hash of the first attempt.
  (*out.mutable_metadata()->mutable_labels())[kRevisionHash] = hash(set.status().collision_count());
  *out.mutable_metadata()->mutable_annotations() = set.metadata().annotations();
  return out;
}

core::v1::PodTemplateSpec template_of(const StatefulSet& set, const ControllerRevision& revision) {
  nlohmann::json patch = nlohmann::json::parse(revision.data().raw(), nullptr, false);
  if (!patch.is_object()) throw api::DecodeError("revision " + revision.metadata().name() + " is no patch");
  StatefulSet out;
  api::from_json(api::strategic_merge_patch(api::schema_of<StatefulSet>(), api::to_json(set), std::move(patch)), out);
  return out.spec().template_();
}

Revisions surplus_history(const StatefulSet& set, const Revisions& sorted, const std::set<std::string>& in_use) {
  const auto used = [&](const ControllerRevision& revision) { return in_use.contains(revision.metadata().name()); };
  const auto unused = std::ranges::count_if(sorted, [&](const auto& revision) { return !used(*revision); });
  const std::int64_t limit = set.spec().has_revision_history_limit() ? set.spec().revision_history_limit() : 10;
  return oldest_unused(sorted, unused - std::max<std::int64_t>(limit, 0), used);
}

}  // namespace ph::controllers::statefulset
