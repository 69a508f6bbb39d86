// The revisions of a DaemonSet's template: which one is present, and which nobody needs any more.
#pragma once

#include <string>

#include "controllers/common/pods.h"
#include "controllers/common/revision_history.h"

namespace ph::controllers::daemonset {

using apps::v1::DaemonSet;

// Pure. Of all revisions of a set.
struct History {
  Revisions present;  // those of the present template, sorted; more than one where somebody's were adopted
  Revisions old;      // the others, sorted
};
History history_of(const DaemonSet& set, Revisions revisions);

// What its pods carry as kPodRevision. One that has no such label is given it, its own name.
std::string hash_of(const ControllerRevision& revision);

// A revision of the present template that is to be made.
ControllerRevision first_of_template(const DaemonSet& set, std::int64_t number);

// The old ones beyond the limit that no pod is of.
Revisions beyond_limit(const DaemonSet& set, const Revisions& old, const std::vector<Ref<PodView>>& pods);

}  // namespace ph::controllers::daemonset
