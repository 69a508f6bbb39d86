#include "controllers/job/pods.h"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "api/saturating.h"
#include "controllers/common/conditions.h"

namespace ph::controllers::job {
namespace {

constexpr const char* kIndexEnv = "JOB_COMPLETION_INDEX";
constexpr std::size_t kGeneratedNameMax = 58;  // what the server keeps of a generateName

// Of a pod that is to be deleted: smaller goes first. One that is tracked no more has been given up already.
auto worth(const PodView& pod) {
  const int phase = pod.phase == "Running" ? 2 : pod.phase == "Unknown" ? 1 : 0;
  // Ready for longer, and older, is worth more; a time that is not known is the latest.
  const auto age = [](std::optional<Time> since) { return api::elapsed(since.value_or(Time::max()), Time{}); };
  const auto created = pod.created == Time{} ? std::optional<Time>() : pod.created;
  return std::tuple(pod.job_tracked, !pod.node_name.empty(), phase, pod.ready,
                    age(pod.ready ? pod.ready_since : std::optional(Time{})), -pod.restarts, age(created),
                    std::string_view(pod.uid));
}
bool goes_first(const Ref<PodView>& a, const Ref<PodView>& b) { return worth(*a) < worth(*b); }

std::optional<Time> last_container_end(const informers::JobPodView& pod) {
  std::optional<Time> last;
  for (const auto& container : pod.containers) {
    if (!container.finished) return std::nullopt;
    last = std::max(last.value_or(*container.finished), *container.finished);
  }
  return last;
}

void add_index_to_environment(core::v1::Container& container) {
  const auto named = [](const core::v1::EnvVar& each) { return each.name() == kIndexEnv; };
  if (std::ranges::any_of(container.env(), named)) return;
  core::v1::EnvVar& added = *container.add_env();
  added.set_name(kIndexEnv);
  added.mutable_value_from()->mutable_field_ref()->set_field_path(
      fmt::format("metadata.labels['{}']", informers::kCompletionIndex));
}

void give_index(const Job& job, const NewPod& wanted, core::v1::Pod& pod) {
  const std::string index = std::to_string(*wanted.index);
  meta::v1::ObjectMeta& metadata = *pod.mutable_metadata();
  auto& annotations = *metadata.mutable_annotations();
  annotations[informers::kCompletionIndex] = index;
  (*metadata.mutable_labels())[informers::kCompletionIndex] = index;
  if (has_index_limit(job)) annotations[informers::kIndexFailures] = std::to_string(wanted.failures);
  if (wanted.ignored_failures > 0) annotations[informers::kIndexIgnoredFailures] = std::to_string(wanted.ignored_failures);
  // The index stays when the name is too long.
  const std::string suffix = fmt::format("-{}-", index);
  metadata.set_generate_name(job.metadata().name().substr(0, kGeneratedNameMax - suffix.size()) + suffix);
  core::v1::PodSpec& spec = *pod.mutable_spec();
  spec.set_hostname(fmt::format("{}-{}", job.metadata().name(), index));
  for (core::v1::Container& container : *spec.mutable_init_containers()) add_index_to_environment(container);
  for (core::v1::Container& container : *spec.mutable_containers()) add_index_to_environment(container);
}

}  // namespace

bool is_indexed(const Job& job) { return job.spec().completion_mode() == "Indexed"; }
bool has_index_limit(const Job& job) { return is_indexed(job) && job.spec().has_backoff_limit_per_index(); }
bool is_suspended(const Job& job) { return job.spec().suspend(); }

bool has_finished(const Job& job) {
  return std::ranges::any_of(job.status().conditions(), [](const batch::v1::JobCondition& each) {
    return each.status() == "True" && (each.type() == "Complete" || each.type() == "Failed");
  });
}

bool is_managed_elsewhere(const Job& job) {
  return job.spec().has_managed_by() && job.spec().managed_by() != "kubernetes.io/job-controller";
}

int completions(const Job& job) { return std::max(job.spec().completions(), 0); }
int parallelism(const Job& job) { return job.spec().has_parallelism() ? std::max(job.spec().parallelism(), 0) : 1; }

std::optional<int> index_of(const Job& job, const PodView& pod) {
  if (!pod.job || !pod.job->index || *pod.job->index >= completions(job)) return std::nullopt;
  return pod.job->index;
}

bool belongs(const Job& job, const PodView& pod) { return !is_indexed(job) || index_of(job, pod); }

bool waits_for_the_end(const Job& job) {
  return job.spec().pod_replacement_policy() == "Failed" || job.spec().has_pod_failure_policy();
}

bool has_succeeded(const PodView& pod) { return pod.phase == "Succeeded"; }

bool has_failed(const Job& job, const PodView& pod) {
  if (pod.phase == "Failed") return true;
  return pod.deletion && !has_succeeded(pod) && !waits_for_the_end(job);
}

Time finish_time(const PodView& pod) {
  if (pod.job) {
    if (const auto last = last_container_end(*pod.job)) return *last;
    if (pod.job->not_ready_since) return *pod.job->not_ready_since;
  }
  if (pod.deletion)
    return api::later(*pod.deletion,
                      -std::chrono::seconds(std::clamp<std::int64_t>(pod.deletion_grace_seconds.value_or(0), 0, 1 << 30)));
  return pod.created;
}

int failures_before(const PodView& pod) {
  if (!pod.job) return 0;
  constexpr int kEnough = 1 << 20;  // for a sum that cannot overflow
  return std::min(pod.job->failures, kEnough) + std::min(pod.job->ignored_failures, kEnough);
}

Pods too_many(const Job& job, const Pods& active, int at_least) {
  Pods out, left;
  if (is_indexed(job)) {
    std::map<int, Pods> by_index;
    for (const Ref<PodView>& pod : active) {
      if (const auto index = index_of(job, *pod)) by_index[*index].push_back(pod);
      else out.push_back(pod);
    }
    for (auto& [index, pods] : by_index) {
      std::ranges::sort(pods, goes_first);
      left.push_back(pods.back());
      pods.pop_back();
      out.insert(out.end(), pods.begin(), pods.end());
    }
  } else {
    left = active;
  }
  const int more = std::clamp(at_least - static_cast<int>(out.size()), 0, static_cast<int>(left.size()));
  std::ranges::sort(left, goes_first);
  out.insert(out.end(), left.begin(), left.begin() + more);
  return out;
}

core::v1::Pod make_pod(const Job& job, const NewPod& wanted) {
  core::v1::Pod pod = pod_from_template(job.spec().template_(), owner_of(job));
  if (wanted.index) give_index(job, wanted, pod);
  auto& finalizers = *pod.mutable_metadata()->mutable_finalizers();
  if (std::ranges::find(finalizers, kFinalizer) == finalizers.end()) *finalizers.Add() = kFinalizer;
  return pod;
}

// -- Backoff

Time backoff_end(int failures, Time last) {
  constexpr Duration kFirst = 10s, kLongest = 10min;
  if (failures <= 0) return Time::min();
  const Duration delay = failures > 6 ? kLongest : std::min(kFirst * (1 << (failures - 1)), kLongest);
  return api::later(last, delay);
}

std::size_t Backoff::observe(const Job& job, const Pods& pods, Time now) {
  std::set<std::string> ended;
  std::vector<Time> failed;
  std::optional<Time> success;
  std::size_t tracked = 0;
  for (const Ref<PodView>& pod : pods) {
    const bool succeeded = has_succeeded(*pod);
    if (!belongs(job, *pod) || (!succeeded && !has_failed(job, *pod))) continue;
    ended.insert(pod->uid);
    // What is no longer tracked was told before this process began, or was given up by the Job itself.
    if (seen.contains(pod->uid) || (!pod->job_tracked && (begun || pod->deletion))) continue;
    tracked += pod->job_tracked;
    // A node's clock may be ahead of ours.
    const Time at = std::min(finish_time(*pod), now);
    if (succeeded) success = std::max(success.value_or(at), at);
    else failed.push_back(at);
  }
  begun = true;
  seen = std::move(ended);
  if (success) failures = 0, last_failure.reset();
  for (const Time at : failed) {
    if (success && at <= *success) continue;
    failures = std::min(failures + 1, 1 << 20);
    last_failure = std::max(last_failure.value_or(at), at);
  }
  return tracked;
}

std::optional<Time> Backoff::until() const {
  if (!last_failure) return std::nullopt;
  return backoff_end(failures, *last_failure);
}

}  // namespace ph::controllers::job
