// The finalizer by which a Job knows that it has counted a pod: taken from pods, for one owner or for none.
#pragma once

#include <exception>
#include <set>
#include <string>

#include "controllers/job/pods.h"

namespace ph::controllers::job {

struct Released {
  std::set<std::string> uids;  // of pods that have it no more, or are gone
  std::exception_ptr error;    // the first failure
};
// Side by side; each patch is pinned to the UID.
Task<Released> release(Client& client, Pods pods);
// Of a pod that nobody controls. Throws when it has changed: somebody may just have adopted it.
Task<void> release_orphan(Client& client, Ref<PodView> pod);

}  // namespace ph::controllers::job
