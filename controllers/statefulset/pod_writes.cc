#include "controllers/statefulset/pod_writes.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ph::controllers::statefulset {

using core::v1::Pod;

PodWrites::PodWrites(Client& client, EventRecorder& events, const Informer<Claim>& claims, const StatefulSet& set)
    : client_(client), events_(events), claims_(claims), set_(set), about_(informers::reference_to(set)) {}

void PodWrites::tell(const char* verb, const std::string& pod, const std::exception* error) {
  const std::string what = fmt::format("{} Pod {} in StatefulSet {}", verb, pod, set_.metadata().name());
  if (error)
    return events_.warning(about_, std::string("Failed") + verb, fmt::format("{} failed error: {}", what, error->what()));
  events_.normal(about_, std::string("Successful") + verb, what + " successful");
}

ClaimingPod PodWrites::claiming_pod(const PodWork& work) const {
  return {
      .name = pod_name(set_, work.ordinal), .uid = work.pod ? work.pod->uid : std::string(), .wanted = wants(set_, work.ordinal)};
}

Task<std::string> PodWrites::create(Pod pod, std::int64_t ordinal) {
  const std::string name = pod.metadata().name();
  try {
    co_await make_missing_claims(ordinal);
  } catch (const std::exception& error) {
    tell("Create", name, &error);
    throw;
  }
  const Created<Pod> created = co_await client_.try_create<Pod>(std::move(pod));
  if (created.made == Made::NamespaceEnding) co_return std::string();
  // Somebody else's: he may give the name up, and there is nothing to tell until then.
  if (created.made == Made::Exists) throw *created.refusal;
  if (created.made == Made::Refused) {
    tell("Create", name, &*created.refusal);
    throw *created.refusal;
  }
  co_await fit_claims({.ordinal = ordinal});
  tell("Create", name, nullptr);
  co_return created.object.metadata().uid();
}

Task<void> PodWrites::remove(PodWork work) {
  DeleteOptions options;
  options.uid = work.pod->uid;
  try {
    const Removed removed = co_await client_.remove<Pod>(work.pod->key(), std::move(options));
    if (removed == Removed::Yes) tell("Delete", work.pod->name, nullptr);
  } catch (const std::exception& error) {
    tell("Delete", work.pod->name, &error);
    throw;
  }
}

Task<void> PodWrites::make_missing_claims(std::int64_t ordinal) {
  const std::string pod = pod_name(set_, ordinal);
  std::vector<std::string> failures;
  for (Claim& wanted : claims_of(set_, ordinal)) {
    const std::string name = wanted.metadata().name();
    if (const Ref<Claim> claim = claims_.find(key_of(wanted))) {
      if (claim->metadata().has_deletion_timestamp()) failures.push_back(fmt::format("pvc {} is being deleted", name));
      continue;
    }
    const Created<Claim> created = co_await client_.try_create<Claim>(std::move(wanted));
    if (created.made == Made::Yes) {
      events_.normal(about_, "SuccessfulCreate",
                     fmt::format("Create Claim {} Pod {} in StatefulSet {} success", name, pod, set_.metadata().name()));
      continue;
    }
    if (created.made == Made::Refused) {
      events_.warning(about_, "FailedCreate",
                      fmt::format("Create Claim {} for Pod {} in StatefulSet {} failed error: {}", name, pod,
                                  set_.metadata().name(), created.refusal->what()));
    }
    failures.push_back(fmt::format("failed to create PVC {}: {}", name, created.refusal->what()));
  }
  if (failures.size() == 1) throw std::runtime_error(failures.front());
  if (!failures.empty()) throw std::runtime_error(fmt::format("[{}]", fmt::join(failures, ", ")));
}

Task<void> PodWrites::make_claims(PodWork work) {
  co_await make_missing_claims(work.ordinal);
  co_await fit_claims(work);
}

Task<void> PodWrites::fit_claims(PodWork work) {
  try {
    co_await fit_owners_of_claims(work);
  } catch (const api::ApiError& error) {
    // The cache was behind: nothing is wrong with that.
    if (!error.is("Conflict")) tell("Update", pod_name(set_, work.ordinal), &error);
    throw;
  }
}

// Whether there was anything to do.
Task<bool> PodWrites::fit_owners_of_claims(PodWork work) {
  const ClaimingPod pod = claiming_pod(work);
  bool changed = false;
  for (const Claim& from : set_.spec().volume_claim_templates()) {
    const std::string name = claim_name(set_, from, work.ordinal);
    const Ref<Claim> claim = claims_.find({set_.metadata().namespace_(), name});
    if (!claim) continue;
    if (has_foreign_controller(set_, *claim, pod)) {
      // Upstream's spelling: who waits for this message waits for that.
      events_.warning(
          about_, "ConflictingController",
          fmt::format("PersistentVolumeClaim {} has a conflicting OwnerReference that acts as a manging controller, the "
                      "retention policy is ignored for this claim",
                      name));
    }
    if (owners_fit(set_, *claim, pod)) continue;
    Claim fitted = *claim;
    fit_owners(set_, pod, fitted);
    co_await client_.try_update<Claim>(std::move(fitted));
    changed = true;
  }
  co_return changed;
}

Task<void> PodWrites::fit(PodWork work) {
  const std::string name = work.pod->name;
  bool changed = false;
  try {
    std::optional<Pod> pod = co_await client_.find<Pod>(work.pod->key());
    if (!pod || pod->metadata().uid() != work.pod->uid) co_return;
    if (!has_storage(set_, work.ordinal, *pod)) {
      // The server lets no pod have other volumes: this ends in its refusal, which says what is wrong.
      give_storage(set_, work.ordinal, *pod);
      co_await make_missing_claims(work.ordinal);
      changed = true;
    }
    if (!has_identity(*work.pod)) {
      give_identity(set_, work.ordinal, *pod);
      changed = true;
    }
    const bool owners = co_await fit_owners_of_claims(work);
    if (changed) co_await client_.try_update<Pod>(std::move(*pod));
    if (changed || owners) tell("Update", name, nullptr);
  } catch (const api::ApiError& error) {
    if (!error.is("Conflict")) tell("Update", name, &error);
    throw;
  }
}

}  // namespace ph::controllers::statefulset
