// DynamicResources: gives pods the devices that their resource claims ask for.
//
//   reads     resource.k8s.io/v1 ResourceClaim, ResourceSlice, DeviceClass   informers
//   writes    resource.k8s.io/v1 ResourceClaim   (claim_writer.h)
//   upstream  pkg/scheduler/framework/plugins/dynamicresources
#include <algorithm>

#include <fmt/format.h>

#include "api/value.h"
#include "base/assert.h"
#include "base/sync.h"
#include "scheduler/cluster/snapshot.h"
#include "scheduler/framework/handle.h"
#include "scheduler/plugins/dynamic_resources/allocator.h"
#include "scheduler/plugins/dynamic_resources/claim_writer.h"

namespace ph::scheduler {
namespace {

using resources::v1::AllocationResult, resources::v1::DeviceClass, resources::v1::DeviceRequest, resources::v1::ResourceClaim,
    resources::v1::ResourceSlice;

constexpr std::string_view kNoDevices = "cannot allocate all claims";
constexpr std::string_view kElsewhere = "resourceclaim not available on the node";
constexpr std::string_view kInUse = "resourceclaim in use";
constexpr Score kMostAlternatives = 8;  // of a request

// What pre_filter found out.
struct DeviceState {
  struct Claim {
    ResourceClaimRef claim;
    std::optional<api::NodeTerms> nodes;  // of one that has its devices: where they can be used
  };
  struct Fixed {
    std::vector<Claim> claims;
    std::unique_ptr<DeviceAllocator> allocator;  // null: all have theirs
  };
  std::shared_ptr<const Fixed> fixed;  // null: the pod has no claims
};

// What is decided for a claim, from reserve until it is written or taken back.
struct ClaimPlan {
  ResourceClaimRef claim;
  std::optional<AllocationResult> allocation;  // it gets these devices
  bool written = false;                        // the pod is among its users
};
struct DevicePlan {
  std::vector<ClaimPlan> claims;
};

bool can_be_used(const DeviceState::Claim& claim, const core::v1::Node& node) {
  return !claim.nodes || claim.nodes->matches(node);
}

class DynamicResources final : public PreEnqueuePlugin,
                               public PreFilterPlugin,
                               public FilterPlugin,
                               public PostFilterPlugin,
                               public ScorePlugin,
                               public ReservePlugin,
                               public PreBindPlugin {
 public:
  DynamicResources(const DynamicResourcesArgs& args, const PluginWorld& world)
      : args_(args),
        world_(world),
        snapshot_(*world.snapshot),
        claims_(lister_of<ResourceClaim>(world)),
        slices_(lister_of<ResourceSlice>(world)),
        classes_(lister_of<DeviceClass>(world)),
        writer_(world) {}

  // -- Waking up

  ClusterEvents retry_on() const override {
    using enum ClusterEvent;
    return {NodeAdded,          NodeAllocatableChanged, NodeLabelsChanged,
            ResourceClaimAdded, ResourceClaimChanged,   AssignedPodClaimsGenerated,
            PodClaimsGenerated, DeviceClassAdded,       DeviceClassChanged,
            ResourceSliceAdded, ResourceSliceChanged};
  }

  QueueingHint hint(const ClusterChange& change, const Pod& waiting) const override {
    using enum ClusterEvent;
    bool helps = true;
    switch (change.event) {
      case ResourceClaimAdded:
      case ResourceClaimChanged: helps = claim_helps(change, waiting); break;
      case AssignedPodClaimsGenerated:
      case PodClaimsGenerated:
        helps = change.waiting_after && change.waiting_after->metadata().uid() == waiting.metadata().uid() &&
                resource_claims_of(*change.waiting_after, claims_).problem.empty();
        break;
      default: break;
    }
    return helps ? QueueingHint::Queue : QueueingHint::Skip;
  }

  Verdict pre_enqueue(const Pod& pod) const override {
    if (pod.spec().resource_claims().empty()) return Verdict::fits();
    PodResourceClaims found = resource_claims_of(pod, claims_);
    if (found.problem.empty()) return Verdict::fits();
    return Verdict::owning(Code::UnschedulableAndUnresolvable, std::move(found.problem));
  }

  // -- Filtering

  PreFilterResult pre_filter(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const override {
    // That this plugin has been asked is known to post_filter.
    state.put(this, DeviceState{});
    if (pod.spec().resource_claims().empty()) return {Verdict::skip(), {}};
    PodResourceClaims found = resource_claims_of(pod, claims_);
    if (!found.problem.empty()) return {never(std::move(found.problem)), {}};
    if (found.claims.empty()) return {Verdict::skip(), {}};

    auto fixed = std::make_shared<DeviceState::Fixed>();
    std::vector<ClaimToAllocate> wanting;
    for (const ResourceClaimRef& claim : found.claims) {
      DeviceState::Claim& one = fixed->claims.emplace_back(DeviceState::Claim{claim, std::nullopt});
      if (claim->status().has_allocation()) {
        if (!can_be_reserved(*claim) && !is_reserved_for(*claim, pod.metadata().uid()))
          return {Verdict::unresolvable(kInUse), {}};
        const auto& allocation = claim->status().allocation();
        if (allocation.has_node_selector()) one.nodes.emplace(allocation.node_selector());
        continue;
      }
      if (in_flight_.contains(claim->metadata().uid())) {
        return {never(fmt::format("resource claim {} is in the process of being allocated", key_of(*claim).text())), {}};
      }
      ClaimToAllocate wants{claim, {}};
      if (std::string problem = add_wishes(*claim, wants.requests); !problem.empty()) return {never(std::move(problem)), {}};
      wanting.push_back(std::move(wants));
    }
    if (!wanting.empty()) {
      fixed->allocator = std::make_unique<DeviceAllocator>(std::move(wanting), slices_.list(), holders(), selectors_);
    }
    state.put(this, DeviceState{std::move(fixed)});
    return {};
  }

  Verdict filter(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    const DeviceState::Fixed& fixed = *state.get<DeviceState>(this).fixed;
    if (fixed.allocator) {
      try {
        const auto result = fixed.allocator->allocate(node.node());
        if (!result.devices) return Verdict::unresolvable(result.reason.empty() ? kNoDevices : result.reason);
      } catch (const std::runtime_error& error) {
        return Verdict::error(error.what());
      }
    }
    const bool usable = std::ranges::all_of(fixed.claims, [&](const auto& claim) { return can_be_used(claim, node.node()); });
    return usable ? Verdict::fits() : Verdict::unresolvable(kElsewhere);
  }

  // A claim that nobody else uses, and whose devices are out of the pod's reach, can get others.
  Task<PostFilterResult> post_filter(CycleState& state, const Pod& pod, const Rejections& rejections) override {
    const auto* known = state.find<DeviceState>(this);
    if (!known) co_return PostFilterResult{Verdict::error("not found"), {}};
    const std::shared_ptr<const DeviceState::Fixed> fixed = known->fixed;
    const auto refused = [](std::string_view why) { return PostFilterResult{Verdict::unschedulable(why), {}}; };
    if (!fixed) co_return refused("no new claims to deallocate");
    const ResourceClaimRef idle = idle_elsewhere(*fixed, pod, rejections);
    if (!idle) co_return refused("still not schedulable");
    try {
      co_await writer_.deallocate(idle);
    } catch (const std::exception& error) {
      co_return PostFilterResult{Verdict::error(error.what()), {}};
    }
    co_return refused("deallocation of ResourceClaim completed");
  }

  // Pods that want no devices have no opinion of nodes.
  bool class_key(const Pod& pod, const PodInfo& info, ClassKey& key) const override {
    return pod.spec().resource_claims().empty() && info.requests.scalars.empty();
  }
  Outdated outdated_by(const StateChange& change, const Pod& of) const override { return {Outdated::Nothing}; }

  // -- Scoring: the earlier alternatives are the better ones

  Score score(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    const auto& fixed = state.get<DeviceState>(this).fixed;
    if (!fixed || !fixed->allocator || !has_alternatives(*fixed->allocator)) return 0;
    const auto result = fixed->allocator->allocate(node.node());
    Score sum = 0;
    for (std::size_t c = 0; result.devices && c < result.devices->size(); ++c) {
      const auto& requests = fixed->allocator->claims()[c].requests;
      for (std::size_t r = 0; r < requests.size(); ++r) {
        const auto& devices = (*result.devices)[c];
        const auto first = std::ranges::find(devices, r, &ChosenDevice::request);
        if (requests[r].prioritized && first != devices.end()) {
          sum += kMostAlternatives - static_cast<Score>(first->alternative);
        }
      }
    }
    return sum;
  }
  Scale scale() const override { return Scale::ByHighest; }

  // -- Binding

  Verdict reserve(CycleState& state, const Pod& pod, std::string_view node) override {
    const auto* known = state.find<DeviceState>(this);
    if (!known || !known->fixed) return Verdict::fits();
    const std::shared_ptr<const DeviceState::Fixed> fixed = known->fixed;
    DevicePlan plan;
    for (const auto& claim : fixed->claims) plan.claims.push_back({claim.claim, std::nullopt});
    if (fixed->allocator) {
      const NodeInfo* info = snapshot_.find(node);
      if (!info) return Verdict::error("the node has gone");
      // As the filter found them: nothing has happened since.
      const auto result = fixed->allocator->allocate(info->node());
      if (!result.devices) return Verdict::error("claims have no devices on the node");
      for (std::size_t i = 0; i < result.devices->size(); ++i) plan_devices(*fixed->allocator, i, (*result.devices)[i], plan);
    }
    state.put(this, std::move(plan));
    return Verdict::fits();
  }

  void unreserve(CycleState& state, const Pod& pod, std::string_view node) override {
    const auto* plan = state.find<DevicePlan>(this);
    if (!plan) return;
    for (const ClaimPlan& one : plan->claims) {
      in_flight_.erase(one.claim->metadata().uid());
      // A claim that keeps devices for the pod is told that it does not come.
      const bool reserved = one.written || is_reserved_for(*one.claim, pod.metadata().uid());
      if (reserved && world_.handle) world_.handle->spawn(writer_.release(one.claim, pod.metadata().uid(), world_.log));
    }
  }

  Verdict pre_bind_pre_flight(CycleState& state, const Pod& pod, std::string_view node) override {
    return state.find<DevicePlan>(this) ? Verdict::fits() : Verdict::skip();
  }

  Task<Verdict> pre_bind(CycleState& state, const Pod& pod, std::string node) override {
    if (!state.find<DevicePlan>(this)) co_return Verdict::fits();
    DevicePlan& plan = state.edit<DevicePlan>(this);
    for (ClaimPlan& one : plan.claims) {
      if (is_reserved_for(*one.claim, pod.metadata().uid())) continue;
      ResourceClaim written = co_await writer_.bind(one.claim, one.allocation, pod.metadata().name(), pod.metadata().uid());
      one.claim = std::make_shared<const ResourceClaim>(std::move(written));
      one.written = true;
      claims_.assume(one.claim);
      in_flight_.erase(one.claim->metadata().uid());
    }
    co_return co_await devices_are_ready(plan, pod);
  }

 private:
  static Verdict never(std::string text) { return Verdict::owning(Code::UnschedulableAndUnresolvable, std::move(text)); }

  // -- What claims want

  // Why a request can never be satisfied; empty: it is among `out`.
  std::string add_wishes(const ResourceClaim& claim, std::vector<DeviceWishes>& out) const {
    const std::string claim_text = "claim " + key_of(claim).text();
    for (const DeviceRequest& request : claim.spec().devices().requests()) {
      DeviceWishes& wishes = out.emplace_back();
      wishes.request = request.name();
      wishes.prioritized = !request.first_available().empty();
      if (request.has_exactly()) {
        DeviceWish& wish = wishes.alternatives.emplace_back();
        wish.name = request.name();
        wish.admin_access = request.exactly().admin_access();
        if (std::string problem = fill(request.exactly(), claim_text, wish); !problem.empty()) return problem;
      }
      for (const auto& alternative : request.first_available()) {
        DeviceWish& wish = wishes.alternatives.emplace_back();
        wish.name = request.name() + "/" + alternative.name();
        if (std::string problem = fill(alternative, claim_text, wish); !problem.empty()) return problem;
      }
      if (wishes.alternatives.empty()) return fmt::format("request {}: unsupported request type", request.name());
    }
    return {};
  }

  template <class Request>
  std::string fill(const Request& request, const std::string& claim_text, DeviceWish& out) const {
    const std::string& name = request.device_class_name();
    if (name.empty()) return fmt::format("request {}: unsupported request type", out.name);
    out.device_class = classes_.find(name);
    if (!out.device_class) return fmt::format("request {}: device class {} does not exist", out.name, name);
    out.selectors = &request.selectors();
    out.tolerations = &request.tolerations();
    out.capacity = &request.capacity();
    out.all = request.allocation_mode() == "All";
    out.count = request.count() == 0 ? 1 : request.count();
    out.class_text = "class " + name;
    out.claim_text = claim_text;
    return {};
  }

  // Claims that have devices, or will have once it is written.
  std::vector<ResourceClaimRef> holders() const {
    std::vector<ResourceClaimRef> out;
    for (auto& claim : claims_.list()) {
      if (claim->status().has_allocation() && !in_flight_.contains(claim->metadata().uid())) out.push_back(std::move(claim));
    }
    for (const auto& [uid, claim] : in_flight_) out.push_back(claim);
    return out;
  }

  static bool has_alternatives(const DeviceAllocator& allocator) {
    return std::ranges::any_of(allocator.claims(), [](const ClaimToAllocate& claim) {
      return std::ranges::any_of(claim.requests, &DeviceWishes::prioritized);
    });
  }

  // -- Planning

  void plan_devices(const DeviceAllocator& allocator, std::size_t number, const std::vector<ChosenDevice>& devices,
                    DevicePlan& plan) {
    const ResourceClaimRef& claim = allocator.claims()[number].claim;
    const auto one = std::ranges::find(plan.claims, claim, &ClaimPlan::claim);
    PH_ASSERT(one != plan.claims.end());
    one->allocation = allocator.result_of(number, devices, *world_.rng);
    auto held = std::make_shared<ResourceClaim>(*claim);
    *held->mutable_status()->mutable_allocation() = *one->allocation;
    in_flight_[claim->metadata().uid()] = std::move(held);
  }

  ResourceClaimRef idle_elsewhere(const DeviceState::Fixed& fixed, const Pod& pod, const Rejections& rejections) const {
    for (const DeviceState::Claim& one : fixed.claims) {
      const bool out_of_reach = std::ranges::any_of(rejections.nodes, [&](const Rejection& rejection) {
        return rejection.verdict.plugin() == name() && !can_be_used(one, rejection.node->node());
      });
      if (!out_of_reach) continue;
      const auto& users = one.claim->status().reserved_for();
      if (users.empty() || (users.size() == 1 && users[0].uid() == pod.metadata().uid())) return one.claim;
    }
    return nullptr;
  }

  // -- Waiting for devices that have to be prepared before the pod comes

  Task<Verdict> devices_are_ready(DevicePlan& plan, const Pod& pod) {
    const Steady deadline = world_.clock->steady() + args_.binding_timeout;
    for (;;) {
      bool ready = true;
      for (const ClaimPlan& one : plan.claims) {
        const ResourceClaimRef claim = claims_.find(key_of(*one.claim));
        if (!claim) co_return Verdict::error(fmt::format("claim {} has gone", key_of(*one.claim).text()));
        for (const auto& device : claim->status().allocation().devices().results()) {
          const Readiness is = readiness_of(*claim, device);
          if (is == Readiness::Failed) {
            co_return Verdict::unschedulable("device binding conditions failed");
          }
          ready &= is == Readiness::Ready;
        }
      }
      if (ready) co_return Verdict::fits();
      if (world_.clock->steady() >= deadline) co_return Verdict::unschedulable("device binding timeout");
      if (world_.handle && !world_.handle->is_there(key_of(pod), pod.metadata().uid())) {
        co_return Verdict::error(fmt::format("pod {} has gone", key_of(pod).text()));
      }
      co_await sleep_for(kLookAgain);
    }
  }

  enum class Readiness { Ready, Waiting, Failed };
  template <class Result>
  static Readiness readiness_of(const ResourceClaim& claim, const Result& device) {
    if (device.binding_conditions().empty()) return Readiness::Ready;
    const auto status = std::ranges::find_if(claim.status().devices(), [&](const auto& one) {
      return one.driver() == device.driver() && one.pool() == device.pool() && one.device() == device.device();
    });
    if (status == claim.status().devices().end()) return Readiness::Waiting;
    const auto is_true = [&](const std::string& type) {
      return std::ranges::any_of(status->conditions(), [&](const auto& c) { return c.type() == type && c.status() == "True"; });
    };
    if (std::ranges::any_of(device.binding_failure_conditions(), is_true)) return Readiness::Failed;
    return std::ranges::all_of(device.binding_conditions(), is_true) ? Readiness::Ready : Readiness::Waiting;
  }

  // -- Hints

  bool claim_helps(const ClusterChange& change, const Pod& waiting) const {
    const auto *before = change.before<ResourceClaim>(), *after = change.after<ResourceClaim>();
    const PodResourceClaims own = resource_claims_of(waiting, claims_);
    if (!own.problem.empty()) return false;
    // Devices are free again, for everybody.
    if (before && before->status().has_allocation() && !after->status().has_allocation()) return true;
    const bool is_own = std::ranges::any_of(
        own.claims, [&](const ResourceClaimRef& claim) { return claim->metadata().uid() == after->metadata().uid(); });
    if (!is_own || !before) return is_own;
    return !api::Value::equal(api::Value::of(before->status()), api::Value::of(after->status()));
  }

  static constexpr Duration kLookAgain = 1s;

  const DynamicResourcesArgs args_;
  const PluginWorld world_;
  const Snapshot& snapshot_;
  Assumed<ResourceClaim> claims_;
  Lister<ResourceSlice> slices_;
  Lister<DeviceClass> classes_;
  mutable DeviceSelectors selectors_;
  ClaimWriter writer_;
  std::map<std::string, ResourceClaimRef> in_flight_;  // by UID: claims whose devices are decided on, and not written yet
};

}  // namespace

std::unique_ptr<Plugin> dynamic_resources(const PluginArgs& args, const PluginWorld& world) {
  return std::make_unique<DynamicResources>(args.dynamic_resources, world);
}

}  // namespace ph::scheduler
