// What a StatefulSet's state asks for: pure functions, no I/O.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controllers/common/pods.h"
#include "controllers/common/revision_history.h"
#include "controllers/statefulset/claims.h"
#include "controllers/statefulset/identity.h"

namespace ph::controllers::statefulset {

using apps::v1::StatefulSetStatus;

// At most so many pods are made or deleted in one go.
inline constexpr int kBurst = 500;

// -- Revisions

// The revision of the present template: one of those there are, perhaps with a new number, or one that is to be made.
struct RevisionPlan {
  Ref<ControllerRevision> known;       // null: it is to be made
  std::optional<std::int64_t> number;  // that it gets
  std::string data;
};
RevisionPlan plan_revision(const StatefulSet& set, const Revisions& sorted);
// Its name and labels, after so many collisions.
ControllerRevision make_revision_of(const StatefulSet& set, const RevisionPlan& plan, std::int32_t collisions);
// The pod template that a revision would bring back. Throws DecodeError, or what patches throw, when it is none.
core::v1::PodTemplateSpec template_of(const StatefulSet& set, const ControllerRevision& revision);
// The history beyond its limit: the oldest that neither a pod nor the status uses.
Revisions surplus_history(const StatefulSet& set, const Revisions& sorted, const std::set<std::string>& in_use);

// -- Pods

// What a plan is made of.
struct Observed {
  const StatefulSet& set;
  std::vector<Ref<PodView>> pods;  // its own
  std::string current, update;     // names of revisions
  std::int32_t collisions = 0;
  Time now{};
  bool many_unavailable = false;  // maxUnavailable is heeded
  std::function<Ref<Claim>(const std::string& name)> claim;
  std::set<std::string> without_storage;  // UIDs of pods that lack a claim's volume
};

// What is to be done about one pod, in this order.
struct PodWork {
  std::int64_t ordinal = 0;
  Ref<PodView> pod;  // null: there is none
  bool create = false;
  bool of_current = false;   // … of the current revision, not of the updated one
  bool make_claims = false;  // that are missing
  bool fit_claims = false;   // their owners
  bool fit = false;          // identity, storage and owners of claims
  bool remove = false;
};
// Done one after the other when `ordered`, else side by side; the next stage begins when all went well.
struct Stage {
  bool ordered = true;
  std::vector<PodWork> work;
};
struct Plan {
  std::vector<Stage> stages;
  StatefulSetStatus status;
  bool waits_for_claim = false;  // until it is gone, of which nobody will tell
};
Plan plan(const Observed& observed);

// Whether the status is worth a write (upstream: what it counts, and the generation when it has grown).
bool status_differs(const StatefulSetStatus& before, const StatefulSetStatus& after);
// When the next ready pod becomes available by waiting alone.
std::optional<Time> next_available(const Observed& observed);

}  // namespace ph::controllers::statefulset
