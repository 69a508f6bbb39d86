// spec.podFailurePolicy and spec.successPolicy of a Job. Pure.
#pragma once

#include <optional>
#include <string>

#include "controllers/job/pods.h"

namespace ph::controllers::job {

// What the policy has to say of a pod that has failed: the action of the first rule that matches.
struct Failure {
  enum class Action { None, Ignore, Count, FailIndex, FailJob } action = Action::None;
  std::string message;  // of FailJob

  bool counts() const { return action != Action::Ignore; }
};
Failure judge_failure(const Job& job, const PodView& pod);

// What the rule says that the succeeded indexes meet; nothing: none, or there is no policy.
std::optional<std::string> met_success_rule(const Job& job, const Indexes& succeeded);

}  // namespace ph::controllers::job
