// What a Job's state asks for: pods to be made and deleted, its verdict, and its status. Pure: functions of what was observed.
//
// Pods are counted in steps, each of which may be the last that is carried out (upstream's, so that either's loop takes over from
// the other): `count` puts the UIDs of pods that have ended into uncountedTerminatedPods and the status is written; then the
// finalizers of those pods go; `conclude` then moves the UIDs of pods that have none any more into the numbers, and the status is
// written again.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controllers/job/policy.h"

namespace ph::controllers::job {

using batch::v1::JobStatus;

inline constexpr int kBurst = 500;          // pods made or deleted in one go
inline constexpr int kUncountedMost = 500;  // UIDs in a status

// How the Job ends. It is told twice: in the condition SuccessCriteriaMet or FailureTarget as soon as that is clear, in Complete
// or Failed when all pods have ended and are counted.
struct Verdict {
  bool success = false;
  std::string reason, message;
};

struct Observed {
  const Job& job;
  const Pods& pods;  // its own
  const Backoff& backoff;
  Time now;
};

struct Event {
  std::string reason, message;
};

struct Plan {
  JobStatus status;  // what is known before anything is done
  std::optional<Verdict> verdict;
  Pods remove;
  bool removed_count = false;  // as failed; otherwise their finalizers go first, and they count as nothing
  std::vector<NewPod> create;
  bool waits = false;  // for the end of the backoff; upstream then tells no active pods
  std::optional<Time> look_again;
  std::vector<Event> events;  // Normal ones

  int active = 0, ready = 0, terminating = 0;  // before
  Indexes failed;                              // of a Job with a limit for each index: none that has succeeded
  // UIDs of failed pods that stay tracked until they are replaced: they know the failures of their index.
  std::set<std::string> held;
};
Plan plan(const Observed& observed);

// What became of the plan.
struct Done {
  int created = 0;
  bool removed = true;  // all that were to be
};

struct Count {
  JobStatus status;
  Pods release;       // their finalizers can go when the status is written
  bool more = false;  // there are more to count
  std::optional<Verdict> verdict;
};
Count count(const Observed& observed, const Plan& plan, const Done& done);

// `released`: UIDs of those whose finalizers are gone now.
JobStatus conclude(const Observed& observed, const Count& count, const std::set<std::string>& released);

}  // namespace ph::controllers::job
