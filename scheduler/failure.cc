// What is done about a pod that was not placed: back to the queue, an event, and its condition.
// Upstream: pkg/scheduler/schedule_one.go (handleSchedulingFailure, updatePod)
#include <fmt/format.h>

#include <algorithm>

#include "api/codec.h"
#include "api/errors.h"
#include "api/times.h"
#include "scheduler/scheduler.h"

namespace ph::scheduler {
namespace {

using core::v1::PodCondition;

constexpr std::size_t kEventBytesMost = 1024;
constexpr std::string_view kCut = " ...";

std::string cut(const std::string& message) {
  if (message.size() <= kEventBytesMost) return message;
  return message.substr(0, kEventBytesMost - kCut.size()) + std::string(kCut);
}

const PodCondition* scheduled_condition(const Pod& pod) {
  const auto& conditions = pod.status().conditions();
  const auto found = std::ranges::find(conditions, "PodScheduled", [](const auto& c) { return c.type(); });
  return found == conditions.end() ? nullptr : &*found;
}

// PodScheduled=False as it is to be; nothing when the pod has it so already.
std::optional<PodCondition> changed_condition(const Pod& pod, std::string_view reason, std::string message, Time now) {
  const PodCondition* old = scheduled_condition(pod);
  PodCondition condition;
  condition.set_type("PodScheduled");
  condition.set_status("False");
  condition.set_reason(std::string(reason));
  condition.set_message(std::move(message));
  condition.set_observed_generation(pod.metadata().generation());
  if (old && old->status() == "False") {
    const bool same = old->reason() == condition.reason() && old->message() == condition.message() &&
                      old->observed_generation() == condition.observed_generation();
    if (same) return std::nullopt;
    *condition.mutable_last_transition_time() = old->last_transition_time();
  } else {
    api::set_time(condition.mutable_last_transition_time(), now);
  }
  return condition;
}

}  // namespace

void Scheduler::fail(const QueuedRef& queued, const Verdict& verdict, std::shared_ptr<Diagnosis> diagnosis,
                     std::optional<std::string> nominated) {
  ++(verdict.rejected() ? stats_.unschedulable : stats_.errors);
  metrics_.attempted(*queued->profile, verdict.rejected() ? "unschedulable" : "error", queued->attempt_begun);
  if (queued->place == QueuedPod::Place::Removed) return;  // deleted, or assigned by somebody else
  if (verdict.rejected()) {
    queued->rejectors = queued->profile->set_of(diagnosis->rejectors);
    queued->pending = queued->profile->set_of(diagnosis->pending);
  }
  diagnosis->message = verdict.message();
  const PendingPod pod = queued->pod;
  const PodRef info = queued->info;
  const std::string expected = expected_on(*info);
  queue_.put_back(queued);
  if (nominated && nominated->empty()) queue_.nominated().remove(info->uid);
  if (nominated && !nominated->empty()) queue_.nominated().put(info, *nominated);
  if (nominated && *nominated != expected) nomination_ended(*info, expected);

  const std::string& message = diagnosis->message;
  diagnoses_[info->key()] = {info->uid, diagnosis};
  if (verdict.rejected()) {
    world_.log.debug("pod is unschedulable", "pod", info->key(), "reason", message);
  } else {
    world_.log.error("pod could not be scheduled", "pod", info->key(), "err", message);
  }
  events(*queued->profile)
      .report({.about = informers::reference_to(*pod),
               .type = "Warning",
               .reason = "FailedScheduling",
               .action = "Scheduling",
               .note = cut(message)});
  set_condition(*pod, verdict.rejected() ? "Unschedulable" : "SchedulerError", message, std::move(nominated));
}

void Scheduler::set_condition(const Pod& pod, std::string_view reason, std::string message,
                              std::optional<std::string> nominated) {
  const auto condition = changed_condition(pod, reason, std::move(message), world_.clock.now());
  const bool renominated = nominated && *nominated != pod.status().nominated_node_name();
  if (!condition && !renominated) return;
  std::string status;
  if (condition) status = fmt::format(R"("conditions":[{}])", api::encode_json(*condition));
  if (renominated) {
    status += fmt::format(R"({}"nominatedNodeName":{})", status.empty() ? "" : ",",
                          nominated->empty() ? "null" : fmt::format(R"("{}")", *nominated));
  }
  // The UID keeps the patch off another pod of the same name.
  std::string body = fmt::format(R"({{"metadata":{{"uid":"{}"}},"status":{{{}}}}})", pod.metadata().uid(), status);
  tasks_.spawn(patch_status(key_of(pod), std::move(body)));
}

namespace {

// The UID keeps a patch off another pod of the same name.
std::string nomination_patch(std::string_view uid, std::string_view node) {
  return fmt::format(R"({{"metadata":{{"uid":"{}"}},"status":{{"nominatedNodeName":{}}}}})", uid,
                     node.empty() ? "null" : fmt::format(R"("{}")", node));
}

}  // namespace

Task<void> Scheduler::nominate(const Pod& pod, std::string node) {
  if (pod.status().nominated_node_name() == node) co_return;
  co_await patch_status(key_of(pod), nomination_patch(pod.metadata().uid(), node));
}

void Scheduler::clear_nomination(const PodRef& pod) {
  const std::string expected = expected_on(*pod);
  queue_.nominated().remove(pod->uid);
  nomination_ended(*pod, expected);
  if (!pod->nominated_node.empty()) tasks_.spawn(patch_status(pod->key(), nomination_patch(pod->uid, {})));
}

// What may pass by itself is tried again, soon and a few times: until the pod is tried again nothing else tells why it waits.
Task<void> Scheduler::patch_status(ObjectKey key, std::string body) {
  constexpr Duration kAgain[] = {10ms, 50ms, 250ms};
  for (std::size_t attempt = 0;; ++attempt) {
    std::string problem;
    bool may_pass = attempt < std::size(kAgain);
    try {
      co_await world_.client.patch<Pod>(key, informers::Patch::strategic(body), "status");
      co_return;
    } catch (const api::ApiError& error) {
      // A pod that has gone, or made way for another one, needs no condition.
      if (error.code() == 404 || error.code() == 409 || api::is_of_another_uid(error)) co_return;
      may_pass = may_pass && error.code() >= 500;
      problem = error.what();
    } catch (const std::exception& error) {
      problem = error.what();
    }
    if (!may_pass) {
      world_.log.error("the condition of a pod could not be written", "pod", key, "err", problem);
      co_return;
    }
    co_await sleep_for(kAgain[attempt]);
  }
}

}  // namespace ph::scheduler
