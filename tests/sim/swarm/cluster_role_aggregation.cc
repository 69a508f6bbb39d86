// clusterrole-aggregation: roles that come, go and change what they allow and who finds them; some are made of others themselves.
#include <fmt/format.h>

#include <set>

#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using rbac::v1::ClusterRole;

class ClusterRoleAggregation final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("clusterrole-aggregation"); }
  Faults faults() const override { return two_managers(60s, 0.03); }

  void begin() override {
    roles_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (!write.author.ends_with(":clusterrole-aggregation-controller")) return;
      if (!before || !after) return judge().never(key + " was made or deleted by the loop");
      judge().reached(after->rules().empty() ? "rules taken away" : "rules given");
      // A late request, or a cache that is behind, may still find a rule that a user has just taken out of it all.
      if (before->metadata().labels_size() != after->metadata().labels_size()) judge().never(key + " has other labels now");
    });
    for (int i = draw().between(2, 6); i > 0; --i) make();
  }

  void act() override {
    switch (draw().between(0, 5)) {
      case 0:
      case 1: return make();
      case 2: remove_one(roles_); return;
      case 3: edit_one<ClusterRole>(roles_, [this](ClusterRole& role) { change_rules(role); }); return;
      case 4: edit_one<ClusterRole>(roles_, [this](ClusterRole& role) { change_labels(role); }); return;
      default: cluster().advance(draw().up_to(20s));
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, role] : roles_.all()) {
      if (!role.has_aggregation_rule()) continue;
      const auto wanted = gathered(role), has = texts(role);
      // Where nothing is found, what somebody else has put there stays.
      if (!wanted.empty() && wanted != has)
        out.push_back(fmt::format("{} has {} rules, and is to have {}", key, has.size(), wanted.size()));
    }
    return out;
  }

 private:
  static std::set<std::string> texts(const ClusterRole& role) {
    std::set<std::string> out;
    for (const auto& rule : role.rules()) out.insert(rule.resources(0));
    return out;
  }
  std::set<std::string> gathered(const ClusterRole& role) const {
    std::set<std::string> out;
    for (const auto& selector : role.aggregation_rule().cluster_role_selectors()) {
      for (const auto& [key, other] : roles_.all()) {
        const auto& wanted = *selector.match_labels().begin();
        const auto found = other.metadata().labels().find(wanted.first);
        const bool is_found = found != other.metadata().labels().end() && found->second == wanted.second;
        if (is_found && other.metadata().name() != role.metadata().name()) out.merge(texts(other));
      }
    }
    return out;
  }

  void make() {
    ClusterRole role;
    const int number = draw().between(0, 9);
    role.mutable_metadata()->set_name(fmt::format("role-{}", number));
    // Of the last ones each gathers what an earlier one may be: there is no circle.
    if (number >= 7) {
      for (int i = draw().between(1, 2); i > 0; --i)
        (*role.mutable_aggregation_rule()->add_cluster_role_selectors()->mutable_match_labels())["to"] =
            fmt::format("{}", number - i);
    }
    change_labels(role);
    if (number < 7 || draw().chance(0.3)) change_rules(role);
    attempt([&] { cluster().create(role); });
  }
  void change_rules(ClusterRole& role) {
    role.clear_rules();
    for (int i = draw().between(0, 3); i > 0; --i) {
      auto& rule = *role.add_rules();
      rule.add_api_groups("");
      rule.add_resources(fmt::format("things{}", draw().between(0, 9)));
      rule.add_verbs("get");
    }
  }
  void change_labels(ClusterRole& role) {
    auto& labels = *role.mutable_metadata()->mutable_labels();
    labels.clear();
    const int number = std::stoi(role.metadata().name().substr(5));
    if (draw().chance(0.7)) labels["to"] = fmt::format("{}", number >= 7 ? number : draw().between(5, 8));
  }

  Shadow<ClusterRole> roles_;
};

}  // namespace

std::unique_ptr<Swarm> cluster_role_aggregation() { return std::make_unique<ClusterRoleAggregation>(); }

}  // namespace ph::sim::swarm
