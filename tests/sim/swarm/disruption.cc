// disruption: budgets in all their forms over pods of replica sets and pods of nobody's; pods that come, go, fall ill and are
// evicted; pods that are called disrupted and stay.
#include <fmt/format.h>

#include <algorithm>

#include "api/errors.h"
#include "api/sorted.h"
#include "api/times.h"
#include "tests/sim/builders.h"
#include "tests/sim/swarm/kubelet.h"

namespace ph::sim::swarm {
namespace {

using apps::v1::ReplicaSet;
using core::v1::Pod, core::v1::PodCondition;
using policy::v1::PodDisruptionBudget;

constexpr const char* kLoop = ":disruption-controller";
constexpr Duration kTimeout = 2min;
const std::vector<std::string> kApps{"red", "green"};

std::string app_of(const Pod& pod) {
  const auto found = pod.metadata().labels().find("app");
  return found == pod.metadata().labels().end() ? std::string() : found->second;
}
std::string app_of(const PodDisruptionBudget& budget) { return budget.spec().selector().match_labels().at("app"); }

const PodCondition* disruption_of(const Pod& pod) {
  const auto& conditions = pod.status().conditions();
  const auto found = std::ranges::find(conditions, "DisruptionTarget", [](const auto& c) { return c.type(); });
  return found == conditions.end() ? nullptr : &*found;
}
bool is_disrupted(const Pod& pod) {
  const PodCondition* condition = disruption_of(pod);
  return condition && condition->status() == "True";
}

class Disruption final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("disruption,replicaset"); }
  Faults faults() const override { return two_managers(120s); }

  void begin() override {
    sets_.follow(cluster());
    pods_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (before && after && write.author.ends_with(kLoop)) taken_back(key, *before, *after);
    });
    budgets_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (!write.author.ends_with(kLoop)) return;
      if (!before || !after) return judge().never(key + " was made or deleted by the loop");
      judged(key, *before, *after);
    });
    kubelet_.enter(cluster(), draw(), pods_, false);
    make_set();
    make_budget();
  }

  void act() override {
    switch (draw().between(0, 13)) {
      case 0: return make_set();
      case 1: return make_budget();
      case 2: return edit_budget();
      case 3: return make_pod();
      case 4:
      case 5: return evict();
      case 6: return scale();
      case 7: return disrupt();
      case 8: remove_one(pods_); return;
      case 9:
        if (draw().chance(0.5)) remove_one(budgets_);
        else remove_one(sets_, informers::DeleteOptions::background());
        return;
      case 10: return cluster().advance(draw().up_to(100s));
      default:
        for (int i = draw().between(1, 6); i > 0; --i) kubelet_.step();
    }
  }

  void settle() override { kubelet_.settle(); }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, budget] : budgets_.all()) compare(key, budget, out);
    for (const auto& [key, pod] : pods_.all()) {
      if (is_active(pod) && is_disrupted(pod)) out.push_back(key + " is still called disrupted");
    }
    return out;
  }

  // Events are told again.
  bool may_write_at_rest(const std::string& line) const override { return line.find("/registry/events/") != std::string::npos; }

 private:
  void taken_back(const std::string& key, const Pod& before, const Pod& after) {
    if (!is_disrupted(before) || is_disrupted(after)) return judge().never(key + " was changed, and nothing was wrong with it");
    judge().reached("pods not disrupted any more");
    const Time since = api::to_time(disruption_of(before)->last_transition_time());
    if (since + kTimeout > latest()) judge().never(key + " was said not to be disrupted before its time");
    // The patch is pinned to what was judged: nothing can have happened in between.
    if (before.metadata().has_deletion_timestamp()) judge().never(key + " is on its way out, and was changed");
  }

  void judged(const std::string& key, const PodDisruptionBudget& before, const PodDisruptionBudget& after) {
    const auto& status = after.status();
    judge().reached(status.disruptions_allowed() > 0 ? "budgets with something to spare" : "budgets with nothing to spare");
    const int spare = std::max(0, status.current_healthy() - status.desired_healthy());
    if (status.disruptions_allowed() > (status.expected_pods() > 0 ? spare : 0)) {
      judge().never(fmt::format("{} allows {} disruptions: {} of {}, {} expected", key, status.disruptions_allowed(),
                                status.current_healthy(), status.desired_healthy(), status.expected_pods()));
    }
    // What was granted is not forgotten while the pod is there and may still be deleted, unless the loop cannot know the pod yet.
    for (const auto* disrupted : sorted(before.status().disrupted_pods())) {
      const auto& [name, since] = *disrupted;
      const Pod* pod = pods_.find("default/" + name);
      if (status.disrupted_pods().contains(name) || !pod || pod->metadata().has_deletion_timestamp()) continue;
      if (app_of(*pod) != app_of(after) || api::to_time(since) + kTimeout <= latest()) continue;
      if (api::to_time(pod->metadata().creation_timestamp()) + cache_age_most() >= cluster().now()) continue;
      judge().never(fmt::format("{} has forgotten the eviction of {}", key, name));
    }
  }

  struct Demand {
    int replicas = 0;
    bool is_known = true;
  };
  Demand demand_for(const PodDisruptionBudget& budget) const {
    Demand out;
    std::map<std::string, int> by_set;
    for (const auto& [key, pod] : pods_.all()) {
      const std::string owner = controller_of(pod.metadata());
      if (app_of(pod) != app_of(budget) || owner.empty()) continue;
      const auto set = std::ranges::find(sets_.all(), owner, [](const auto& entry) { return entry.second.metadata().uid(); });
      if (set == sets_.all().end()) out.is_known = false;
      else by_set[owner] = set->second.spec().replicas();
    }
    for (const auto& [owner, replicas] : by_set) out.replicas += replicas;
    return out;
  }

  static int part_of(const meta::v1::IntOrString& amount, int total) {
    return amount.type() == 0 ? amount.int_val() : (std::stoi(amount.str_val()) * total + 99) / 100;
  }

  void compare(const std::string& key, const PodDisruptionBudget& budget, std::vector<std::string>& out) const {
    int there = 0, healthy = 0;
    for (const auto& [name, pod] : pods_.all()) {
      if (app_of(pod) != app_of(budget)) continue;
      ++there;
      healthy += is_ready(pod) && !pod.metadata().has_deletion_timestamp();
    }
    const auto& spec = budget.spec();
    const auto& status = budget.status();
    const bool by_number = spec.has_min_available() && spec.min_available().type() == 0;
    const Demand demand = demand_for(budget);
    if (!by_number && !demand.is_known) {
      if (status.disruptions_allowed() != 0)
        out.push_back(key + " allows disruptions, and nobody knows how many pods there should be");
      return;
    }
    const int expected = by_number ? there : demand.replicas;
    const int desired = spec.has_max_unavailable() ? std::max(0, expected - part_of(spec.max_unavailable(), expected))
                                                   : part_of(spec.min_available(), expected);
    const int allowed = expected > 0 ? std::max(0, healthy - desired) : 0;
    const auto text = [](int healthy, int desired, int expected, int allowed, std::int64_t generation) {
      return fmt::format("{}/{} of {}, {} may go, generation {}", healthy, desired, expected, allowed, generation);
    };
    const std::string has = text(status.current_healthy(), status.desired_healthy(), status.expected_pods(),
                                 status.disruptions_allowed(), status.observed_generation());
    const std::string should = text(healthy, desired, expected, allowed, budget.metadata().generation());
    if (has != should) out.push_back(fmt::format("{} says {}, and should say {}", key, has, should));
    if (!status.disrupted_pods().empty()) out.push_back(key + " still waits for an eviction");
  }

  // -- The workload
  void make_set() {
    const std::string app = draw().of(kApps);
    ReplicaSet set = make_replica_set(fmt::format("default/set-{}", draw().between(0, 2)));
    (*set.mutable_spec()->mutable_selector()->mutable_match_labels())["app"] = app;
    (*set.mutable_spec()->mutable_template_()->mutable_metadata()->mutable_labels())["app"] = app;
    set.mutable_spec()->set_replicas(draw().between(0, 5));
    attempt([&] { cluster().create(set); });
  }
  void scale() {
    const int to = draw().between(0, 6);
    edit_one<ReplicaSet>(sets_, [&](ReplicaSet& set) { set.mutable_spec()->set_replicas(to); });
  }
  void set_amounts(policy::v1::PodDisruptionBudgetSpec& spec) {
    spec.clear_min_available();
    spec.clear_max_unavailable();
    meta::v1::IntOrString& amount = draw().chance(0.5) ? *spec.mutable_min_available() : *spec.mutable_max_unavailable();
    if (draw().chance(0.5)) return amount.set_int_val(draw().between(0, 4));
    amount.set_type(1);
    amount.set_str_val(fmt::format("{}%", draw().between(0, 100)));
  }
  void make_budget() {
    PodDisruptionBudget budget;
    budget.mutable_metadata()->set_namespace_("default");
    budget.mutable_metadata()->set_name(fmt::format("budget-{}", draw().between(0, 2)));
    (*budget.mutable_spec()->mutable_selector()->mutable_match_labels())["app"] = draw().of(kApps);
    set_amounts(*budget.mutable_spec());
    attempt([&] { cluster().create(budget); });
  }
  void edit_budget() {
    edit_one<PodDisruptionBudget>(budgets_, [this](PodDisruptionBudget& budget) { set_amounts(*budget.mutable_spec()); });
  }
  void make_pod() {
    Pod pod = sim::make_pod(fmt::format("default/pod-{}", draw().between(0, 5)));
    (*pod.mutable_metadata()->mutable_labels())["app"] = draw().of(kApps);
    attempt([&] { cluster().create(pod); });
  }
  // Refused when the budget has nothing to spare, or two budgets cover the pod.
  void evict() {
    const auto keys = pods_.keys();
    if (keys.empty()) return;
    const ObjectKey key = ObjectKey::parse(draw().of(keys));
    policy::v1::Eviction eviction;
    eviction.mutable_metadata()->set_namespace_(key.namespace_name);
    eviction.mutable_metadata()->set_name(key.name);
    try {
      cluster().call<meta::v1::Status>([&](informers::Client& client) {
        return client.post_subresource<Pod, policy::v1::Eviction, meta::v1::Status>(key, "eviction", eviction);
      });
      judge().reached("evictions granted");
    } catch (const api::ApiError& error) {
      if (error.code() != 429 && error.code() != 500 && error.code() != 404 && error.code() != 409) throw;
      judge().reached("evictions refused");
    }
  }
  void disrupt() {
    const auto keys = pods_.keys();
    if (keys.empty()) return;
    Pod pod = *pods_.find(draw().of(keys));
    if (disruption_of(pod)) return;
    pod.mutable_metadata()->clear_resource_version();
    PodCondition& condition = *pod.mutable_status()->add_conditions();
    condition.set_type("DisruptionTarget");
    condition.set_status("True");
    condition.set_reason("PreemptionByScheduler");
    api::set_time(condition.mutable_last_transition_time(), cluster().now());
    attempt([&] { cluster().update_status<Pod>(pod); });
  }

  Shadow<ReplicaSet> sets_;
  Shadow<Pod> pods_;
  Shadow<PodDisruptionBudget> budgets_;
  Kubelet kubelet_;
};

}  // namespace

std::unique_ptr<Swarm> disruption() { return std::make_unique<Disruption>(); }

}  // namespace ph::sim::swarm
