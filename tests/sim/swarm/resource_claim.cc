// resourceclaim: pods that ask for devices, by claims of others and by templates, are scheduled, end and go; claims are deleted under them.
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/builders.h"
#include "tests/sim/swarm/kubelet.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using core::v1::Pod;
using resources::v1::ResourceClaim, resources::v1::ResourceClaimTemplate;

constexpr const char* kFinalizer = "resource.kubernetes.io/delete-protection";
constexpr const char* kEntry = "resource.kubernetes.io/pod-claim-name";
const std::vector<std::string> kShared{"shared-0", "shared-1"};

bool is_deleted(const auto& object) { return object.metadata().has_deletion_timestamp(); }
bool has_ended(const Pod& pod) {
  const std::string& phase = pod.status().phase();
  return phase == "Succeeded" || phase == "Failed" || (is_deleted(pod) && pod.spec().node_name().empty());
}
bool is_held(const ResourceClaim& claim) {
  return std::ranges::find(claim.metadata().finalizers(), kFinalizer) != claim.metadata().finalizers().end();
}
std::string entry_of(const ResourceClaim& claim) {
  const auto found = claim.metadata().annotations().find(kEntry);
  return found == claim.metadata().annotations().end() ? std::string() : found->second;
}
bool is_reserved(const ResourceClaim& claim, const std::string& uid) {
  return std::ranges::any_of(claim.status().reserved_for(), [&](const auto& user) { return user.uid() == uid; });
}

class ResourceClaims final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("resource-claim-controller"); }
  Faults faults() const override { return two_managers(60s); }

  void begin() override {
    pods_.follow(cluster());
    claims_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (!write.author.ends_with(":resource-claim-controller")) return;
      if (!before) judge_made(key, *after);
      else if (!after || (is_deleted(*after) && !is_deleted(*before))) judge_deleted(key, *before);
      else judge_changed(key, *before, *after);
    });
    make_template();
    for (const std::string& name : kShared) make_shared(name);
    for (int i = 0; i < 3; ++i) make_pod();
  }

  void act() override {
    switch (draw().between(0, 9)) {
      case 0:
      case 1: return make_pod();
      case 2:
      case 3: return schedule_one();
      case 4: return end_one();
      case 5: remove_one(pods_, {.grace_seconds = 0}); return;
      case 6: remove_one(claims_); return;
      case 7: return make_shared(draw().of(kShared));
      case 8:
        if (draw().chance(0.5)) attempt([&] { cluster().remove<ResourceClaimTemplate>("default/t"); });
        else make_template();
        return;
      default: cluster().advance(draw().up_to(20s));
    }
  }

  void settle() override {
    make_template();
    cluster().advance(20min);  // beyond every backoff, and beyond what a finalizer is left for
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, pod] : pods_.all()) {
      if (!is_deleted(pod) && !has_ended(pod)) miss_claims(key, pod, out);
    }
    for (const auto& [key, claim] : claims_.all()) miss_end(key, claim, out);
    return out;
  }

 private:
  const Pod* pod_of(const std::string& uid) const {
    for (const auto& [key, pod] : pods_.all()) {
      if (pod.metadata().uid() == uid) return &pod;
    }
    return nullptr;
  }
  bool runs(const std::string& uid) const {
    const Pod* pod = pod_of(uid);
    return pod && !has_ended(*pod);
  }

  // -- Never
  void judge_made(const std::string& key, const ResourceClaim& made) {
    judge().reached("claims made");
    const std::string owner = controller_of(made.metadata());
    if (owner.empty() || entry_of(made).empty()) judge().never(key + " was made for nobody");
    if (!alone()) return;
    for (const auto& [other, claim] : claims_.all()) {
      const bool is_same = controller_of(claim.metadata()) == owner && entry_of(claim) == entry_of(made);
      if (other != key && is_same && !is_deleted(claim)) judge().never(key + " was made beside " + other);
    }
  }
  void judge_deleted(const std::string& key, const ResourceClaim& claim) {
    judge().reached("claims deleted");
    // One that somebody had deleted goes with its finalizer.
    if (is_deleted(claim)) return;
    if (runs(controller_of(claim.metadata()))) judge().never(key + " was deleted, and its pod runs");
    if (controller_of(claim.metadata()).empty()) judge().never(key + " was deleted, and was no pod's");
  }
  void judge_changed(const std::string& key, const ResourceClaim& before, const ResourceClaim& after) {
    for (const auto& user : before.status().reserved_for()) {
      if (is_reserved(after, user.uid())) continue;
      judge().reached("reservations ended");
      if (runs(user.uid())) judge().never(key + " was taken from " + user.name() + ", which runs");
    }
    if (after.status().reserved_for_size() > before.status().reserved_for_size()) judge().reached("reservations made");
    if (before.status().has_allocation() && !after.status().has_allocation()) {
      judge().reached("devices given back");
      if (after.status().reserved_for_size() > 0) judge().never(key + " lost its devices while it was used");
    }
    if (is_held(before) && !is_held(after) && after.status().has_allocation()) judge().never(key + " is allocated and not held");
  }

  // -- In the end
  void miss_claims(const std::string& key, const Pod& pod, std::vector<std::string>& out) {
    for (const auto& entry : pod.spec().resource_claims()) {
      std::string name = entry.resource_claim_name();
      for (const auto& status : pod.status().resource_claim_statuses()) {
        if (status.name() == entry.name()) name = status.resource_claim_name();
      }
      const ResourceClaim* claim = claims_.find("default/" + name);
      const bool is_made = claim && controller_of(claim->metadata()) == pod.metadata().uid() && entry_of(*claim) == entry.name();
      if (entry.has_resource_claim_template_name() && !is_made) out.push_back(key + " has no claim for " + entry.name());
      const bool lacks = claim && claim->status().has_allocation() && !is_reserved(*claim, pod.metadata().uid());
      if (lacks && !pod.spec().node_name().empty()) out.push_back(key + " uses " + name + ", which is not reserved for it");
    }
  }
  void miss_end(const std::string& key, const ResourceClaim& claim, std::vector<std::string>& out) {
    for (const auto& user : claim.status().reserved_for()) {
      if (!runs(user.uid())) out.push_back(key + " is reserved for " + user.name() + ", which does not run");
    }
    const std::string owner = controller_of(claim.metadata());
    const bool is_used = claim.status().reserved_for_size() > 0;
    if (!owner.empty() && !runs(owner) && !is_used) out.push_back(key + " is there without its pod");
    if (is_deleted(claim) && !is_used) out.push_back(key + " is deleted, unused, and still there");
    if (is_held(claim) && !is_used && !claim.status().has_allocation()) out.push_back(key + " is held for nobody");
  }

  // -- What others do
  void ask(ResourceClaim& claim) {
    auto& request = *claim.mutable_spec()->mutable_devices()->add_requests();
    request.set_name("r");
    request.mutable_exactly()->set_device_class_name("gpu");
  }
  void make_template() {
    ResourceClaim claim;
    ask(claim);
    ResourceClaimTemplate out;
    out.mutable_metadata()->set_namespace_("default");
    out.mutable_metadata()->set_name("t");
    *out.mutable_spec()->mutable_spec() = claim.spec();
    attempt([&] { cluster().create(out); });
  }
  void make_shared(const std::string& name) {
    ResourceClaim claim;
    claim.mutable_metadata()->set_namespace_("default");
    claim.mutable_metadata()->set_name(name);
    ask(claim);
    attempt([&] { cluster().create(claim); });
  }
  void make_pod() {
    Pod pod = sim::make_pod(fmt::format("default/pod-{}", draw().between(0, 4)), draw().chance(0.2) ? "node-0" : "");
    for (int i = draw().between(1, 2); i > 0; --i) {
      auto& entry = *pod.mutable_spec()->add_resource_claims();
      entry.set_name(fmt::format("e{}", i));
      if (draw().chance(0.6)) entry.set_resource_claim_template_name("t");
      else entry.set_resource_claim_name(draw().of(kShared));
    }
    attempt([&] { cluster().create(pod); });
  }

  // As a scheduler: devices and reservations of all its claims, then the node.
  void schedule_one() {
    if (pods_.all().empty()) return;
    const Pod pod = *pods_.find(draw().of(pods_.keys()));
    if (!pod.spec().node_name().empty() || has_ended(pod)) return;
    std::vector<std::string> names;
    for (const auto& entry : pod.spec().resource_claims()) {
      if (entry.has_resource_claim_name()) names.push_back(entry.resource_claim_name());
    }
    for (const auto& status : pod.status().resource_claim_statuses()) names.push_back(status.resource_claim_name());
    if (static_cast<int>(names.size()) < pod.spec().resource_claims_size()) return;
    for (const std::string& name : names) {
      const bool done = attempt([&] { use("default/" + name, pod); });
      if (!done || draw().chance(0.1)) return;
    }
    core::v1::Binding binding;
    binding.mutable_metadata()->set_namespace_("default");
    binding.mutable_metadata()->set_name(pod.metadata().name());
    binding.mutable_target()->set_kind("Node");
    binding.mutable_target()->set_name("node-0");
    attempt([&] {
      cluster().call<meta::v1::Status>([&](informers::Client& client) {
        return client.post_subresource<Pod, core::v1::Binding, meta::v1::Status>(key_of(pod), "binding", binding);
      });
    });
  }
  void use(const std::string& key, const Pod& pod) {
    ResourceClaim claim = cluster().get<ResourceClaim>(key);
    if (is_deleted(claim) || is_reserved(claim, pod.metadata().uid())) return;
    if (!claim.status().has_allocation()) {
      if (!is_held(claim)) claim.mutable_metadata()->add_finalizers(kFinalizer);
      claim = cluster().update(claim);
      auto& result = *claim.mutable_status()->mutable_allocation()->mutable_devices()->add_results();
      result.set_request("r");
      result.set_driver("d.example.com");
      result.set_pool("p");
      result.set_device("x");
    }
    auto& user = *claim.mutable_status()->add_reserved_for();
    user.set_resource("pods");
    user.set_name(pod.metadata().name());
    user.set_uid(pod.metadata().uid());
    cluster().update_status(claim);
  }
  void end_one() {
    if (pods_.all().empty()) return;
    const std::string key = draw().of(pods_.keys());
    attempt([&] {
      Pod pod = cluster().get<Pod>(key);
      pod.mutable_status()->set_phase(draw().chance(0.5) ? "Failed" : "Succeeded");
      cluster().update_status(pod);
    });
  }

  Shadow<Pod> pods_;
  Shadow<ResourceClaim> claims_;
};

}  // namespace

std::unique_ptr<Swarm> resource_claim() { return std::make_unique<ResourceClaims>(); }

}  // namespace ph::sim::swarm
