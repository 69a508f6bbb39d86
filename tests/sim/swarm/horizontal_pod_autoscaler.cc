// horizontalpodautoscaling: deployments that users scale, make and delete, autoscalers whose range changes, a metric that goes up and
// down, and metrics that nobody answers for.
#include <fmt/format.h>

#include "tests/sim/builders.h"
#include "tests/sim/metrics_api.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using apps::v1::Deployment;
using autoscaling::v2::HorizontalPodAutoscaler;

constexpr const char* kLoop = ":horizontal-pod-autoscaler-controller";
const std::vector<std::string> kApps{"red", "green", "blue"};

class HorizontalPodAutoscaling final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("horizontalpodautoscaling"); }
  Faults faults() const override { return two_managers(180s); }

  void begin() override {
    metrics_.serve(cluster());
    autoscalers_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (after && (!before || range_of(*before) != range_of(*after))) ranges_[key].emplace_back(steady(), range_of(*after));
      if (!write.author.ends_with(kLoop)) return;
      if (!before || !after) return judge().never(key + " was made or deleted by the loop");
      if (before->spec().SerializeAsString().size() != after->spec().SerializeAsString().size())
        judge().never(key + " was changed");
    });
    deployments_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (!write.author.ends_with(kLoop)) return;
      if (!before || !after) return judge().never(key + " was made or deleted by the loop");
      scaled(key, before->spec().replicas(), after->spec().replicas());
    });
    for (const std::string& app : kApps) {
      metrics_.external[app] = draw().between(0, 300) * 100;
      if (draw().chance(0.7)) make_deployment(app);
      if (draw().chance(0.7)) make_autoscaler(app);
    }
  }

  void act() override {
    const std::string& app = draw().of(kApps);
    switch (draw().between(0, 10)) {
      case 0: return make_deployment(app);
      case 1: return make_autoscaler(app);
      case 2: remove_one(deployments_); return;
      case 3: remove_one(autoscalers_); return;
      case 4: return edit_range();
      case 5:
        edit_one<Deployment>(deployments_, [&](Deployment& one) { one.mutable_spec()->set_replicas(draw().between(0, 30)); });
        return;
      case 6: metrics_.is_down = draw().chance(0.3); return;
      case 7:
      case 8: metrics_.external[app] = draw().between(0, 300) * 100; return;
      default: cluster().advance(draw().up_to(60s));
    }
  }

  // Everybody has somebody to scale, by a metric that is answered for.
  void settle() override {
    metrics_.is_down = false;
    for (const auto& [key, autoscaler] : autoscalers_.all()) {
      if (!deployments_.find(key)) make_deployment(autoscaler.metadata().name());
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, autoscaler] : autoscalers_.all()) {
      const Deployment* target = deployments_.find(key);
      if (!target) {
        out.push_back(key + " has no target");
        continue;
      }
      const int wanted = wanted_by(autoscaler, target->spec().replicas());
      if (target->spec().replicas() != wanted) {
        out.push_back(fmt::format("{} has {} replicas, {} are wanted", key, target->spec().replicas(), wanted));
      }
      if (autoscaler.status().desired_replicas() != wanted) out.push_back(key + " does not tell what it wants");
    }
    return out;
  }

  // What was recommended a while ago is forgotten with the process: an autoscaler then says other things of its windows.
  bool may_write_at_rest(const std::string& line) const override {
    return line.find("/registry/events/") != std::string::npos ||
           line.find("/registry/horizontalpodautoscalers/") != std::string::npos;
  }

 private:
  using Range = std::pair<int, int>;
  static Range range_of(const HorizontalPodAutoscaler& one) { return {one.spec().min_replicas(), one.spec().max_replicas()}; }

  // A tenth of the queue for each pod. The workload says of itself that it has none: then no tolerance holds.
  int wanted_by(const HorizontalPodAutoscaler& autoscaler, int current) const {
    const auto [least, most] = range_of(autoscaler);
    if (current == 0) return 0;
    const std::int64_t value = metrics_.external.at(autoscaler.metadata().name());
    return std::clamp(static_cast<int>((value + 999) / 1000), least, most);
  }

  // Within a range that the autoscaler has had as long as a cache may be old.
  void scaled(const std::string& key, int before, int after) {
    judge().reached(after > before ? "scaled up" : "scaled down");
    if (before == 0) return judge().never(key + " was scaled though it was switched off");
    const auto& ranges = ranges_[key];
    bool fits = false;
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      const bool is_over = i + 1 < ranges.size() && steady() - ranges[i + 1].first > cache_age_most() + 2 * request_most() + 30s;
      fits = fits || (!is_over && after >= ranges[i].second.first && after <= ranges[i].second.second);
    }
    if (!fits) judge().never(fmt::format("{} was scaled from {} to {}", key, before, after));
  }

  void make_deployment(const std::string& app) {
    attempt([&] { cluster().create(sim::make_deployment("default/" + app).replicas(draw().between(1, 12)).object()); });
  }
  void make_autoscaler(const std::string& app) {
    HorizontalPodAutoscaler out;
    out.mutable_metadata()->set_namespace_("default");
    out.mutable_metadata()->set_name(app);
    auto& spec = *out.mutable_spec();
    spec.mutable_scale_target_ref()->set_api_version("apps/v1");
    spec.mutable_scale_target_ref()->set_kind("Deployment");
    spec.mutable_scale_target_ref()->set_name(app);
    spec.set_min_replicas(draw().between(1, 4));
    spec.set_max_replicas(spec.min_replicas() + draw().between(0, 20));
    auto& metric = *spec.add_metrics();
    metric.set_type("External");
    metric.mutable_external()->mutable_metric()->set_name(app);
    metric.mutable_external()->mutable_target()->set_type("AverageValue");
    metric.mutable_external()->mutable_target()->mutable_average_value()->set_string("1");
    if (draw().chance(0.5)) {
      auto& down = *spec.mutable_behavior()->mutable_scale_down();
      down.set_stabilization_window_seconds(draw().between(0, 120));
    }
    attempt([&] { cluster().create(out); });
  }
  void edit_range() {
    edit_one<HorizontalPodAutoscaler>(autoscalers_, [&](HorizontalPodAutoscaler& one) {
      one.mutable_spec()->set_min_replicas(draw().between(1, 4));
      one.mutable_spec()->set_max_replicas(one.spec().min_replicas() + draw().between(0, 20));
    });
  }

  MetricsApi metrics_;
  Shadow<Deployment> deployments_;
  Shadow<HorizontalPodAutoscaler> autoscalers_;
  std::map<std::string, std::vector<std::pair<Steady, Range>>> ranges_;
};

}  // namespace

std::unique_ptr<Swarm> horizontal_pod_autoscaler() { return std::make_unique<HorizontalPodAutoscaling>(); }

}  // namespace ph::sim::swarm
