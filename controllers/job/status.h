// The status of a Job, step by step: what plan.cc and count.cc share. Pure.
#pragma once

#include <string>

#include "controllers/job/plan.h"

namespace ph::controllers::job {

inline constexpr const char* kSuccessCriteriaMet = "SuccessCriteriaMet";
inline constexpr const char* kFailureTarget = "FailureTarget";

// The pod's UID waits in uncountedTerminatedPods.
bool is_uncounted(const JobStatus& status, const std::string& uid);
// Moves UIDs whose pods are gone, or tracked no more, into the numbers.
void count_untracked(const Pods& pods, JobStatus& status);
// Sets a condition where it stands, or last; one that is not there is not false. Whether that changed anything.
bool tell(JobStatus& status, const char* type, bool holds, const Verdict& words, Time now);

}  // namespace ph::controllers::job
