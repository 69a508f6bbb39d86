// clusterrole-aggregation: gives a ClusterRole with an aggregationRule the rules of all roles that its selectors find.
//
//   reads     rbac.authorization.k8s.io/v1 ClusterRole   informer
//   writes    rbac.authorization.k8s.io/v1 ClusterRole   apply of the rules, as clusterrole-aggregation-controller
//   upstream  pkg/controller/clusterroleaggregation
#include <nlohmann/json.hpp>

#include "controllers/cluster_role_aggregation/plan.h"
#include "controllers/common/apply.h"

namespace ph::controllers {
namespace {

using cluster_role_aggregation::ClusterRole;
using cluster_role_aggregation::Rules;
using nlohmann::json;

constexpr const char* kManager = "clusterrole-aggregation-controller";

json document_of(const Rules& rules) {
  json out = json::object();
  for (const auto& rule : rules) out["rules"].push_back(json::parse(api::encode_json(rule)));
  return out;
}

class ClusterRoleAggregation final : public Loop {
 public:
  explicit ClusterRoleAggregation(const World& world)
      : client_(world.client), log_(world.log), roles_(world.informer<ClusterRole>()) {}

  Task<Outcome> reconcile(ObjectKey key) override {
    const Ref<ClusterRole> role = roles_.find(key);
    if (!role || !role->has_aggregation_rule()) co_return Outcome::done();
    const Rules rules = cluster_role_aggregation::gathered(*role, roles_.list());
    if (cluster_role_aggregation::same_rules(rules, role->rules())) co_return Outcome::done();
    const Applied applied = co_await apply(client_, *role, kManager, document_of(rules));
    co_await seen(roles_, applied);
    if (!applied.refusal || applied.refusal->code() == 404 || applied.refusal->code() == 409) co_return Outcome::done();
    throw *applied.refusal;
  }

 private:
  Client& client_;
  const Log log_;
  Informer<ClusterRole>& roles_;
};

// Who could be made of it.
LoopBuilder::Keys concerned(const ClusterRole&, const World& world) {
  LoopBuilder::Keys out;
  for (const Ref<ClusterRole>& role : world.informers.informer<ClusterRole>().list()) {
    if (role->has_aggregation_rule()) out.push_back(key_of(*role));
  }
  return out;
}

}  // namespace

void cluster_role_aggregation_loop(LoopBuilder& loop) { loop.watches<ClusterRole>(concerned).with<ClusterRoleAggregation>(); }

}  // namespace ph::controllers
