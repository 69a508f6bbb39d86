// POST of pods/x/eviction: a delete that asks the disruption budgets first.
#include <algorithm>

#include <fmt/format.h>

#include "api/codec.h"
#include "api/errors.h"
#include "api/kinds.h"
#include "api/object.h"
#include "api/selector.h"
#include "api/times.h"
#include "apiserver/parts/parts.h"
#include "apiserver/rest/audited.h"
#include "apiserver/rest/body.h"
#include "apiserver/rest/options.h"
#include "apiserver/rest/part_admission.h"
#include "apiserver/rest/respond.h"
#include "apiserver/rest/verbs.h"

namespace ph::apiserver {
namespace {

using core::v1::Pod;
using policy::v1::Eviction;
using policy::v1::PodDisruptionBudget;

// More than this and the loop that empties the map has fallen behind.
constexpr int kDisruptedPodsMax = 2000;

[[noreturn]] void refuse(std::string message, int retry_after_seconds) {
  meta::v1::Status status =
      api::too_many_requests("Cannot evict pod as it would violate the pod's disruption budget.", retry_after_seconds).status();
  auto& cause = *status.mutable_details()->add_causes();
  cause.set_reason("DisruptionBudget");
  cause.set_message(std::move(message));
  throw api::ApiError(std::move(status));
}

bool ended(const Pod& pod) { return pod.status().phase() == "Succeeded" || pod.status().phase() == "Failed"; }

bool needs_no_budget(const Pod& pod) {
  return ended(pod) || pod.status().phase() == "Pending" || pod.metadata().has_deletion_timestamp();
}

bool is_ready(const Pod& pod) {
  return std::ranges::any_of(pod.status().conditions(),
                             [](const auto& condition) { return condition.type() == "Ready" && condition.status() == "True"; });
}

// The one budget that covers the pod, if there is one.
std::unique_ptr<PodDisruptionBudget> budget_of(Core& core, const Pod& pod) {
  Served& budgets = core.of(api::schema_of<PodDisruptionBudget>());
  const Snapshot snapshot = budgets.cache->snapshot();
  const std::string prefix = pod.metadata().namespace_() + "/";
  std::unique_ptr<PodDisruptionBudget> found;
  for (const EntryRef& entry : *snapshot.entries) {
    if (!entry->key.starts_with(prefix)) continue;
    auto budget = std::make_unique<PodDisruptionBudget>();
    api::decode_envelope(*entry->protobuf, *budget);
    if (!budget->spec().has_selector()) continue;
    if (!api::LabelSelector::from(budget->spec().selector()).matches_map(pod.metadata().labels())) continue;
    if (found) {
      throw api::unforeseen("This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.");
    }
    found = std::move(budget);
  }
  return found;
}

// An unhealthy pod may go without asking when the budget says so, or when enough others are healthy.
bool may_go_unhealthy(const Pod& pod, const PodDisruptionBudget& budget) {
  if (is_ready(pod)) return false;
  if (budget.spec().unhealthy_pod_eviction_policy() == "AlwaysAllow") return true;
  return budget.status().current_healthy() >= budget.status().desired_healthy() && budget.status().desired_healthy() > 0;
}

void forbid_disruption(PodDisruptionBudget& budget, Time now) {
  auto& conditions = *budget.mutable_status()->mutable_conditions();
  auto found = std::ranges::find(conditions, "DisruptionAllowed", [](const auto& condition) { return condition.type(); });
  auto& condition = found == conditions.end() ? *conditions.Add() : *found;
  if (condition.status() != "False") api::set_time(condition.mutable_last_transition_time(), now);
  condition.set_type("DisruptionAllowed");
  condition.set_status("False");
  condition.set_reason("InsufficientPods");
  condition.set_observed_generation(budget.status().observed_generation());
}

// The budget with one disruption less; throws when it has none to give.
api::Object spend(const api::Object& stored, const std::string& pod, Time now) {
  auto budget = std::make_unique<PodDisruptionBudget>(stored.as<PodDisruptionBudget>());
  const std::string& name = budget->metadata().name();
  auto& status = *budget->mutable_status();
  if (status.observed_generation() < budget->metadata().generation()) {
    refuse(fmt::format("The disruption budget {} is still being processed by the server.", name), 10);
  }
  if (status.disruptions_allowed() < 0)
    throw api::forbidden("poddisruptionbudgets.policy", name, "pdb disruptions allowed is negative");
  if (status.disrupted_pods_size() > kDisruptedPodsMax) {
    throw api::forbidden("poddisruptionbudgets.policy", name,
                         "DisruptedPods map too big - too many evictions not confirmed by PDB controller");
  }
  if (status.disruptions_allowed() == 0) {
    refuse(fmt::format("The disruption budget {} needs {} healthy pods and has {} currently", name, status.desired_healthy(),
                       status.current_healthy()),
           0);
  }
  status.set_disruptions_allowed(status.disruptions_allowed() - 1);
  if (status.disruptions_allowed() == 0) forbid_disruption(*budget, now);
  api::set_time(&(*status.mutable_disrupted_pods())[pod], now);
  return budget;
}

// Tells observers why the pod goes.
api::Object marked(const api::Object& stored, Time now) {
  auto pod = std::make_unique<Pod>(stored.as<Pod>());
  auto& conditions = *pod->mutable_status()->mutable_conditions();
  auto found = std::ranges::find(conditions, "DisruptionTarget", [](const auto& condition) { return condition.type(); });
  auto& condition = found == conditions.end() ? *conditions.Add() : *found;
  condition.set_type("DisruptionTarget");
  condition.set_status("True");
  condition.set_reason("EvictionByEvictionAPI");
  condition.set_message("Eviction API: evicting");
  api::set_time(condition.mutable_last_transition_time(), now);
  return pod;
}

WriteRequest own_request(Call& call, bool dry_run) {
  WriteRequest request = write_request(call, {}, dry_run);
  request.subresource = "status";
  request.admit = false;
  return request;
}

}  // namespace

Task<HttpResponse> evict_pod(Core& core, Call& call) {
  without_tables(call);
  const WriteOptions options = write_options(call.request, call.query, "CreateOptions");
  static const api::GroupVersionKind kAsItWas{"policy", "v1beta1", "Eviction"};
  api::Object body = read_body(call.request, api::schema_of<Eviction>(), options.unknown, call.warnings, &kAsItWas);
  audit_object(call, body);
  match_namespace(call, body);
  if (body.metadata().name() != call.info.name) throw api::bad_request("name in URL does not match name in Eviction object");
  const bool dry_run = options.dry_run || is_dry_run(body.as<Eviction>().delete_options());
  co_await admit_part(core, call, body, dry_run);
  meta::v1::DeleteOptions delete_options = body.as<Eviction>().delete_options();

  const ObjectKey key = call.key();
  const auto pod = core.read<Pod>(key);
  if (!pod) throw api::not_found(call.served->qualified, key.name);
  if (!needs_no_budget(*pod)) {
    const auto budget = budget_of(core, *pod);
    if (budget && !may_go_unhealthy(*pod, *budget)) {
      Served& budgets = core.of(api::schema_of<PodDisruptionBudget>());
      const Make make = [&](const api::Object& stored) { return spend(stored, key.name, core.now()); };
      co_await update_object(core, budgets, key_of(*budget), UpdateKind::Part, make, own_request(call, dry_run));
    }
    const Make make = [&](const api::Object& stored) { return marked(stored, core.now()); };
    co_await update_object(core, *call.served, key, UpdateKind::Part, make, own_request(call, dry_run));
  }
  // The budget was spent on this pod, not on one that comes after it under the same name.
  if (!delete_options.preconditions().has_uid()) delete_options.mutable_preconditions()->set_uid(pod->metadata().uid());
  co_await delete_object(core, *call.served, key, delete_options, write_request(call, {}, dry_run));
  meta::v1::Status status = success();
  status.set_code(201);
  co_return answer_message(call.form, 201, status);
}

}  // namespace ph::apiserver
