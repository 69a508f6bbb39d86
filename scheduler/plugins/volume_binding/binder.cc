// Upstream: pkg/scheduler/framework/plugins/volumebinding (binder.go: AssumePodVolumes, BindPodVolumes)
#include "scheduler/plugins/volume_binding/binder.h"

#include <stdexcept>

#include <fmt/format.h>

#include "api/volumes.h"
#include "base/assert.h"
#include "base/sync.h"
#include "informers/recorder.h"

namespace ph::scheduler {

using core::v1::Node, core::v1::PersistentVolume, core::v1::PersistentVolumeClaim;

namespace {

constexpr Duration kLookAgain = 1s;

// The volume as it is when the claim has it; the volume itself where it is so already.
VolumeRef bound_to(const VolumeRef& volume, const PersistentVolumeClaim& claim) {
  const auto& ref = volume->spec().claim_ref();
  const bool kept = api::is_bound_to(*volume, claim);
  if (kept && ref.uid() == claim.metadata().uid()) return volume;
  auto out = std::make_shared<PersistentVolume>(*volume);
  *out->mutable_spec()->mutable_claim_ref() = informers::reference_to(claim);
  if (!kept) (*out->mutable_metadata()->mutable_annotations())[api::kBoundByController] = "yes";
  return out;
}

[[noreturn]] void never(std::string text) { throw std::runtime_error(std::move(text)); }

void check_reach(const VolumeRef& volume, const Node& node) {
  if (ReachableVolume(volume).reaches(node)) return;
  never(fmt::format("pv \"{}\" node affinity doesn't match node \"{}\": no matching NodeSelectorTerms", volume->metadata().name(),
                    node.metadata().name()));
}

}  // namespace

VolumeBinder::VolumeBinder(const PluginWorld& world, ClaimsReader& reader, Duration timeout)
    : client_(world.client),
      clock_(*world.clock),
      reader_(reader),
      nodes_(lister_of<Node>(world)),
      handle_(world.handle),
      timeout_(timeout) {}

VolumePlan VolumeBinder::assume(const VolumeDecision& decision, std::string_view node) {
  VolumePlan plan;
  for (const auto& [volume, claim] : decision.bindings) {
    VolumeRef bound = bound_to(volume, *claim);
    if (bound != volume) reader_.volumes().assume(bound);
    plan.decision.bindings.push_back({std::move(bound), claim});
  }
  for (const ClaimRef& claim : decision.provisions) {
    auto selected = std::make_shared<PersistentVolumeClaim>(*claim);
    (*selected->mutable_metadata()->mutable_annotations())[api::kSelectedNode] = std::string(node);
    reader_.claims().assume(selected);
    plan.decision.provisions.push_back(std::move(selected));
  }
  return plan;
}

void VolumeBinder::take_back(const VolumePlan& plan) {
  for (const auto& binding : plan.decision.bindings) reader_.volumes().take_back(key_of(*binding.volume));
  for (const ClaimRef& claim : plan.decision.provisions) reader_.claims().take_back(key_of(*claim));
}

Task<Verdict> VolumeBinder::carry_out(VolumePlan& plan, const Pod& pod, std::string node) {
  PH_ASSERT(client_ != nullptr);
  for (auto& binding : plan.decision.bindings) {
    PersistentVolume written = co_await client_->update<PersistentVolume>(*binding.volume);
    binding.volume = std::make_shared<const PersistentVolume>(std::move(written));
  }
  for (ClaimRef& claim : plan.decision.provisions) {
    PersistentVolumeClaim written = co_await client_->update<PersistentVolumeClaim>(*claim);
    claim = std::make_shared<const PersistentVolumeClaim>(std::move(written));
  }
  const Steady deadline = clock_.steady() + timeout_;
  for (;;) {
    co_await sleep_for(kLookAgain);
    try {
      if (is_done(plan, pod, node)) co_return Verdict::fits();
    } catch (const std::runtime_error& error) {
      co_return Verdict::error(fmt::format("binding volumes: {}", error.what()));
    }
    if (clock_.steady() >= deadline) co_return Verdict::error("binding volumes: context deadline exceeded");
  }
}

bool VolumeBinder::is_done(const VolumePlan& plan, const Pod& pod, const std::string& node_name) const {
  const auto node = nodes_.find(node_name);
  if (!node) never(fmt::format("failed to get node \"{0}\": node \"{0}\" not found", node_name));
  if (handle_ && !handle_->is_there(key_of(pod), pod.metadata().uid())) {
    never(fmt::format("pod does not exist any more: pod \"{}\" not found", pod.metadata().name()));
  }
  bool done = true;
  for (const auto& binding : plan.decision.bindings) check_binding(binding, *node, done);
  for (const ClaimRef& claim : plan.decision.provisions) check_provision(*claim, *node, done);
  return done;
}

void VolumeBinder::check_binding(const VolumeDecision::Binding& binding, const Node& node, bool& done) const {
  const VolumeRef volume = reader_.volumes().in_api(key_of(*binding.volume));
  const ClaimRef claim = reader_.claims().in_api(key_of(*binding.claim));
  if (!volume)
    never(fmt::format("failed to check binding: could not find v1.PersistentVolume \"{}\"", binding.volume->metadata().name()));
  if (!claim)
    never(fmt::format("failed to check binding: could not find v1.PersistentVolumeClaim \"{}\"", key_of(*binding.claim).text()));
  // What was written may not have come back yet.
  if (revision_of(*volume) < revision_of(*binding.volume)) {
    done = false;
    return;
  }
  check_reach(volume, node);
  if (volume->spec().claim_ref().uid().empty()) {
    never(fmt::format("ClaimRef got reset for pv \"{}\"", volume->metadata().name()));
  }
  if (!api::is_fully_bound(*claim)) done = false;
}

void VolumeBinder::check_provision(const PersistentVolumeClaim& decided, const Node& node, bool& done) const {
  const ClaimRef claim = reader_.claims().in_api(key_of(decided));
  if (!claim)
    never(
        fmt::format("failed to check provisioning pvc: could not find v1.PersistentVolumeClaim \"{}\"", key_of(decided).text()));
  if (revision_of(*claim) < revision_of(decided)) {
    done = false;
    return;
  }
  const auto& annotations = claim->metadata().annotations();
  if (annotations.empty()) never(fmt::format("selectedNode annotation reset for PVC \"{}\"", claim->metadata().name()));
  const auto selected = annotations.find(api::kSelectedNode);
  // A provisioner that cannot make the volume there takes the node back, so that another one is tried.
  if (selected == annotations.end() || selected->second != node.metadata().name()) {
    never(fmt::format("provisioning failed for PVC \"{}\"", claim->metadata().name()));
  }
  if (!claim->spec().volume_name().empty()) {
    const VolumeRef volume = reader_.volumes().in_api({{}, claim->spec().volume_name()});
    if (!volume) {
      done = false;  // it may not have been heard of yet
      return;
    }
    check_reach(volume, node);
  }
  if (!api::is_fully_bound(*claim)) done = false;
}

}  // namespace ph::scheduler
