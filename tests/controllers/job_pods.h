// Pods of Jobs as the loop sees them, and Jobs, for the tables of its pure half.
#pragma once

#include "controllers/job/plan.h"
#include "tests/sim/builders.h"

namespace ph::controllers::job {

inline Time at(Duration since) { return Time(1000h + since); }
inline const Time kNow = at(10h);

// A pod that is tracked and active; each change gives another.
class PodBuilder {
 public:
  explicit PodBuilder(const std::string& name) {
    pod_.namespace_name = "shop";
    pod_.name = name;
    pod_.uid = "uid-" + name;
    pod_.owners.push_back({.kind = "Job", .name = "job", .uid = "job-uid", .api_version = "batch/v1", .controller = true});
    pod_.phase = "Pending";
    pod_.created = at(0s);
    pod_.job_tracked = true;
  }
  PodBuilder& index(int index, int failures = 0, int ignored = 0) {
    part_.index = index;
    part_.failures = failures;
    part_.ignored_failures = ignored;
    return *this;
  }
  PodBuilder& running(bool ready = true) {
    pod_.phase = "Running";
    pod_.node_name = "n1";
    pod_.ready = ready;
    if (ready) pod_.ready_since = at(0s);
    return *this;
  }
  // Its container `c` has ended with that code.
  PodBuilder& ended(const char* phase, Time when = kNow, int code = 1) {
    pod_.phase = phase;
    pod_.ready = false;
    part_.containers = {{.name = "c", .ended = true, .exit_code = code, .finished = when}};
    return *this;
  }
  PodBuilder& succeeded(Time when = kNow) { return ended("Succeeded", when, 0); }
  PodBuilder& failed(Time when = kNow, int code = 1) { return ended("Failed", when, code); }
  PodBuilder& condition(const char* type, const char* status = "True") {
    return part_.conditions.emplace_back(type, status), *this;
  }
  PodBuilder& deleted(Time when = kNow) { return pod_.deletion = when, *this; }
  PodBuilder& untracked() { return pod_.job_tracked = false, *this; }
  PodBuilder& restarts(int count) { return pod_.restarts = count, part_.restarts = count, *this; }
  PodBuilder& with(const std::function<void(PodView&, informers::JobPodView&)>& change) { return change(pod_, part_), *this; }
  operator Ref<PodView>() const {
    PodView pod = pod_;
    pod.job = std::make_shared<const informers::JobPodView>(part_);
    return std::make_shared<const PodView>(std::move(pod));
  }

 private:
  PodView pod_;
  informers::JobPodView part_;
};
inline PodBuilder pod(const std::string& name) { return PodBuilder(name); }

// As the server stores one that names no more than that; it has been running since at(0s).
inline Job job(const std::function<void(Job&)>& change = {}) {
  Job out = sim::make_job("shop/job");
  out.mutable_metadata()->set_uid("job-uid");
  auto& spec = *out.mutable_spec();
  spec.set_parallelism(1);
  spec.set_completions(1);
  spec.set_backoff_limit(6);
  spec.set_completion_mode("NonIndexed");
  spec.set_suspend(false);
  spec.set_pod_replacement_policy("TerminatingOrFailed");
  api::set_time(out.mutable_status()->mutable_start_time(), at(0s));
  if (change) change(out);
  return out;
}
inline Job sized(int parallelism, std::optional<int> completions, const std::function<void(Job&)>& change = {}) {
  return job([&](Job& out) {
    out.mutable_spec()->set_parallelism(parallelism);
    out.mutable_spec()->clear_completions();
    if (completions) out.mutable_spec()->set_completions(*completions);
    if (change) change(out);
  });
}
inline Job indexed(int parallelism, int completions, const std::function<void(Job&)>& change = {}) {
  return sized(parallelism, completions, [&](Job& out) {
    out.mutable_spec()->set_completion_mode("Indexed");
    if (change) change(out);
  });
}
inline Job with_index_limit(int parallelism, int completions, int limit, const std::function<void(Job&)>& change = {}) {
  return indexed(parallelism, completions, [&](Job& out) {
    out.mutable_spec()->set_backoff_limit(2147483647);
    out.mutable_spec()->set_backoff_limit_per_index(limit);
    if (change) change(out);
  });
}

inline batch::v1::PodFailurePolicyRule exit_rule(const char* action, const char* how, std::vector<int> codes,
                                                 const char* container = nullptr) {
  batch::v1::PodFailurePolicyRule out;
  out.set_action(action);
  out.mutable_on_exit_codes()->set_operator_(how);
  for (const int code : codes) out.mutable_on_exit_codes()->add_values(code);
  if (container) out.mutable_on_exit_codes()->set_container_name(container);
  return out;
}
inline batch::v1::PodFailurePolicyRule condition_rule(const char* action, const char* type, const char* status = "True") {
  batch::v1::PodFailurePolicyRule out;
  out.set_action(action);
  auto& pattern = *out.add_on_pod_conditions();
  pattern.set_type(type);
  pattern.set_status(status);
  return out;
}
inline void add_rule(Job& job, batch::v1::PodFailurePolicyRule rule) {
  *job.mutable_spec()->mutable_pod_failure_policy()->add_rules() = std::move(rule);
  job.mutable_spec()->set_pod_replacement_policy("Failed");
}

}  // namespace ph::controllers::job
