#include "controllers/persistent_volume_binder/claim_plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/errors.h"
#include "api/volumes.h"
#include "controllers/persistent_volume_binder/in_tree.h"
#include "controllers/persistent_volume_binder/matching.h"
#include "controllers/persistent_volume_binder/writes.h"

namespace ph::controllers::volume_binder {
namespace {

constexpr const char* kWarning = "Warning";
constexpr const char* kClassOfOld = "volume.beta.kubernetes.io/storage-class";

// -- A claim that was bound for good

ClaimPlan lost(const char* reason, const char* message) {
  return {.phase = kLost, .told_of_phase = Told{.type = kWarning, .reason = reason, .message = message}};
}

ClaimPlan plan_bound(const ClaimSituation& of) {
  if (of.claim.spec().volume_name().empty())
    return lost("ClaimLost", "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!");
  if (!of.named) return lost("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!");
  const auto& spec = of.named->spec();
  // Nobody's: it is the claim's still. Somebody has cut the tie, or it was made anew from a backup.
  if (!spec.has_claim_ref() || spec.claim_ref().uid() == of.claim.metadata().uid()) return ClaimPlan::bind(of.named);
  return lost("ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly");
}

// -- A claim that names its volume

ClaimPlan waits(std::optional<Told> told = {}) { return {.phase = kPending, .told = std::move(told)}; }

ClaimPlan plan_named(const ClaimSituation& of) {
  if (!of.named) return waits();
  const std::string& name = of.named->metadata().name();
  if (!of.named->spec().has_claim_ref()) {
    const std::string why = mismatch(*of.named, of.claim);
    if (why.empty()) return ClaimPlan::bind(of.named);
    return waits(Told{kWarning, "VolumeMismatch", fmt::format("Cannot bind to requested volume \"{}\": {}", name, why)});
  }
  if (api::is_bound_to(*of.named, of.claim)) return ClaimPlan::bind(of.named);
  if (!of.claim.metadata().annotations().contains(api::kBoundByController))
    return waits(Told{kWarning, "FailedBinding", fmt::format("volume \"{}\" already bound to a different claim.", name)});
  // Only who takes the mark of a complete binding away from a claim comes here.
  const auto& other = of.named->spec().claim_ref();
  return {.problem = fmt::format("invalid binding of claim \"{}\" to volume \"{}\": volume already claimed by \"{}/{}\"",
                                 key_of(of.claim).text(), name, other.namespace_(), other.name())};
}

// -- A claim that takes any volume

ClaimPlan provision(const ClaimSituation& of) {
  if (!of.provisions) return {};
  const auto failed = [](std::string why) { return Told{kWarning, "ProvisioningFailed", std::move(why)}; };
  if (!of.its_class)
    return {.told = failed(fmt::format("storageclass.storage.k8s.io \"{}\" not found", api::class_of(of.claim)))};
  const Provisioner by = provisioner_of(*of.its_class);
  if (!by.problem.empty()) {
    return {.rewritten = by.is_told ? with_provisioner(of.claim, by.name) : std::nullopt, .told = failed(by.problem)};
  }
  return {
      .rewritten = with_provisioner(of.claim, by.name),
      .told = Told{.reason = "ExternalProvisioning",
                   .message = fmt::format("Waiting for a volume to be created either by the external provisioner '{}' or "
                                          "manually by the system administrator. If volume creation is delayed, please verify "
                                          "that the provisioner is running and correctly registered.",
                                          by.name)}};
}

Told waits_for_pods(const std::vector<std::string>& pods) {
  if (pods.empty()) {
    return {.reason = "WaitForFirstConsumer", .message = "waiting for first consumer to be created before binding"};
  }
  return {.reason = "WaitForPodScheduled",
          .message = fmt::format("waiting for pod{} {} to be scheduled", pods.size() == 1 ? "" : "s", fmt::join(pods, ","))};
}

// The empty class is one, too: of volumes that have none.
bool says_no_class(const Claim& claim) {
  return !claim.spec().has_storage_class_name() && !claim.metadata().annotations().contains(kClassOfOld);
}

ClaimPlan plan_free(const ClaimSituation& of) {
  if (of.its_class && !of.its_class->has_volume_binding_mode())
    return {.problem = fmt::format("VolumeBindingMode not set for StorageClass \"{}\"", of.its_class->metadata().name())};
  const bool is_delayed = of.its_class && of.its_class->volume_binding_mode() == "WaitForFirstConsumer";
  const Volume* match = nullptr;
  try {
    match = best_match(of.claim, of.candidates, is_delayed);
  } catch (const api::DecodeError& error) {
    return {.problem = fmt::format("the selector of the claim cannot be read: {}", error.what())};
  }
  if (match) return ClaimPlan::bind(match);
  // A default class that came later than the claim.
  if (of.default_class && says_no_class(of.claim))
    return {.rewritten = with_class(of.claim, *of.default_class), .looks_again = true};
  if (is_delayed && !of.claim.metadata().annotations().contains(api::kSelectedNode))
    return waits(waits_for_pods(of.waiting_pods));
  if (!api::class_of(of.claim).empty()) return provision(of);
  return waits(
      Told{.reason = "FailedBinding", .message = "no persistent volumes available for this claim and no storage class is set"});
}

}  // namespace

ClaimPlan plan_claim(const ClaimSituation& of) {
  if (auto told = with_migration(of.claim)) return {.rewritten = std::move(told), .looks_again = true};
  if (of.claim.metadata().annotations().contains(api::kBindCompleted)) return plan_bound(of);
  return of.claim.spec().volume_name().empty() ? plan_free(of) : plan_named(of);
}

}  // namespace ph::controllers::volume_binder
