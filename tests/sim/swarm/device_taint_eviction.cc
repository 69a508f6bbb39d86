// device-taint-eviction-controller: devices that become tainted and well again while pods come, end and give them back; claims that
// tolerate nothing, everything, or a taint for a while.
#include <fmt/format.h>

#include "api/times.h"
#include "tests/sim/builders.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using core::v1::Pod;
using resources::v1::DeviceTaint, resources::v1::DeviceToleration, resources::v1::ResourceClaim, resources::v1::ResourceSlice;

constexpr const char* kSlice = "s";
constexpr int kDevices = 3;

bool is_leaving(const Pod& pod) { return pod.metadata().has_deletion_timestamp(); }
bool has_ended(const Pod& pod) { return pod.status().phase() == "Succeeded" || pod.status().phase() == "Failed"; }

// All tolerations here are of any value and effect.
std::optional<Time> due_for(const DeviceTaint& taint, const google::protobuf::RepeatedPtrField<DeviceToleration>& tolerations) {
  Duration least = Duration::max();
  bool tolerated = false;
  for (const DeviceToleration& each : tolerations) {
    if (!each.key().empty() && each.key() != taint.key()) continue;
    if (!each.has_toleration_seconds()) return std::nullopt;
    tolerated = true;
    least = std::min<Duration>(least, std::chrono::seconds(each.toleration_seconds()));
  }
  return api::to_time(taint.time_added()) + (tolerated ? least : Duration::zero());
}

class DeviceTaintEviction final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("device-taint-eviction-controller"); }
  Faults faults() const override { return two_managers(60s, 0.03); }

  void begin() override {
    slices_.follow(cluster());
    claims_.follow(cluster());
    pods_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (write.author.ends_with(":device-taint-eviction-controller")) by_the_loop(key, before, after);
    });
    ResourceSlice slice;
    slice.mutable_metadata()->set_name(kSlice);
    slice.mutable_spec()->set_driver("gpu.example.com");
    slice.mutable_spec()->set_node_name("node-0");
    slice.mutable_spec()->mutable_pool()->set_name("pool");
    slice.mutable_spec()->mutable_pool()->set_generation(1);
    slice.mutable_spec()->mutable_pool()->set_resource_slice_count(1);
    for (int i = 0; i < kDevices; ++i) slice.mutable_spec()->add_devices()->set_name(fmt::format("gpu-{}", i));
    cluster().create(slice);
    for (int i = 0; i < 4; ++i) make();
  }

  void act() override {
    note();
    switch (draw().between(0, 11)) {
      case 0:
      case 1: return make();
      case 2:
      case 3:
      case 4: return taint();
      case 5: return heal_device();
      case 6: return finish();
      case 7: return release();
      case 8: remove_one(pods_); return;
      default: cluster().advance(draw().up_to(draw().chance(0.7) ? 10s : 90s));
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, pod] : pods_.all()) {
      const auto due = due_of(pod);
      if (due) out.push_back(key + " is still there, and its device's taint is not tolerated for ever");
    }
    return out;
  }

 private:
  // -- Never
  void by_the_loop(const std::string& key, const Pod* before, const Pod* after) {
    if (!before) return judge().never(key + " was made by the loop");
    const bool deleted = !after || (is_leaving(*after) && !is_leaving(*before));
    if (!deleted) return judge().reached("pods told that they go");
    judge().reached("pods evicted");
    if (has_ended(*before)) judge().reached("pods evicted that have ended meanwhile");
    const auto due = due_of(*before);
    if (due && *due <= latest()) return;
    const auto was = due_at_.find(before->metadata().uid());
    const bool lately = was != due_at_.end() && steady() - was->second <= cache_age_most() + request_most();
    if (!lately) return judge().never(key + " was evicted, and may stay");
    judge().reached("pods evicted for a taint that has just gone");
  }

  // When the pod has to go, as things are; nothing: it may stay, or goes anyhow.
  std::optional<Time> due_of(const Pod& pod) const {
    if (is_leaving(pod) || has_ended(pod)) return std::nullopt;
    const ResourceClaim* claim = claims_.find("default/" + pod.metadata().name());
    const ResourceSlice* slice = slices_.find(kSlice);
    if (!claim || !slice || claim->status().reserved_for().empty()) return std::nullopt;
    if (claim->status().reserved_for(0).uid() != pod.metadata().uid()) return std::nullopt;
    std::optional<Time> out;
    const auto& result = claim->status().allocation().devices().results(0);
    for (const auto& device : slice->spec().devices()) {
      if (device.name() != result.device()) continue;
      for (const DeviceTaint& each : device.taints()) {
        if (each.effect() != "NoExecute") continue;
        const auto due = due_for(each, result.tolerations());
        if (due && (!out || *due < *out)) out = due;
      }
    }
    return out;
  }

  // Whose time is over at this moment: what changes next may come too late for them.
  void note() {
    for (const auto& [key, pod] : pods_.all()) {
      const auto due = due_of(pod);
      if (due && *due <= latest()) due_at_[pod.metadata().uid()] = steady();
    }
  }

  // -- What others do
  void make() {
    const std::string name = fmt::format("p-{}", made_++);
    attempt([&] {
      ResourceClaim claim;
      claim.mutable_metadata()->set_namespace_("default");
      claim.mutable_metadata()->set_name(name);
      auto& request = *claim.mutable_spec()->mutable_devices()->add_requests();
      request.set_name("r");
      request.mutable_exactly()->set_device_class_name("gpu");
      claim = cluster().create(claim);
      Pod pod = make_pod("default/" + name, "node-0");
      auto& entry = *pod.mutable_spec()->add_resource_claims();
      entry.set_name("c");
      entry.set_resource_claim_name(name);
      pod = cluster().create(pod);
      auto& result = *claim.mutable_status()->mutable_allocation()->mutable_devices()->add_results();
      result.set_request("r");
      result.set_driver("gpu.example.com");
      result.set_pool("pool");
      result.set_device(fmt::format("gpu-{}", draw().between(0, kDevices - 1)));
      for (int i = draw().between(0, 2); i > 0; --i) {
        auto& toleration = *result.add_tolerations();
        toleration.set_key(draw().chance(0.2) ? "" : some_key());
        toleration.set_operator_("Exists");
        if (draw().chance(0.7)) toleration.set_toleration_seconds(draw().between(0, 120));
      }
      auto& user = *claim.mutable_status()->add_reserved_for();
      user.set_resource("pods");
      user.set_name(name);
      user.set_uid(pod.metadata().uid());
      cluster().update_status(claim);
    });
  }

  void edit_device(const std::function<void(resources::v1::Device&)>& change) {
    attempt([&] {
      cluster().edit<ResourceSlice>(kSlice, [&](ResourceSlice& slice) {
        change(*slice.mutable_spec()->mutable_devices(draw().between(0, kDevices - 1)));
        if (draw().chance(0.3)) slice.mutable_spec()->mutable_pool()->set_generation(slice.spec().pool().generation() + 1);
      });
    });
  }
  void taint() {
    edit_device([this](resources::v1::Device& device) {
      if (device.taints_size() > 2) return;
      auto& taint = *device.add_taints();
      taint.set_key(some_key());
      taint.set_effect(draw().chance(0.7) ? "NoExecute" : draw().chance(0.5) ? "NoSchedule" : "None");
      api::set_time(taint.mutable_time_added(), cluster().now());
    });
  }
  void heal_device() {
    edit_device([](resources::v1::Device& device) { device.clear_taints(); });
  }
  void finish() {
    const auto keys = pods_.keys();
    if (keys.empty()) return;
    attempt(
        [&] { cluster().patch<Pod>(draw().of(keys), informers::Patch::merge(R"({"status":{"phase":"Succeeded"}})"), "status"); });
  }
  void release() {
    const auto keys = claims_.keys();
    if (keys.empty()) return;
    attempt([&] {
      ResourceClaim claim = cluster().get<ResourceClaim>(draw().of(keys));
      claim.mutable_status()->clear_reserved_for();
      cluster().update_status(claim);
    });
  }
  std::string some_key() { return draw().chance(0.5) ? "broken" : "old"; }

  int made_ = 0;
  Shadow<ResourceSlice> slices_;
  Shadow<ResourceClaim> claims_;
  Shadow<Pod> pods_;
  std::map<std::string, Steady> due_at_;  // by UID
};

}  // namespace

std::unique_ptr<Swarm> device_taint_eviction() { return std::make_unique<DeviceTaintEviction>(); }

}  // namespace ph::sim::swarm
