#include "controllers/cluster_role_aggregation/plan.h"

#include <algorithm>
#include <set>

#include "api/codec.h"
#include "api/selector.h"
#include "controllers/common/same.h"

namespace ph::controllers::cluster_role_aggregation {

Rules gathered(const ClusterRole& of, std::vector<Ref<ClusterRole>> all) {
  std::ranges::sort(all, {}, [](const Ref<ClusterRole>& role) -> std::string_view { return role->metadata().name(); });
  Rules out;
  std::set<std::string> known;
  for (const auto& each : of.aggregation_rule().cluster_role_selectors()) {
    const api::LabelSelector selector = api::LabelSelector::from(each);
    for (const Ref<ClusterRole>& role : all) {
      if (role->metadata().name() == of.metadata().name() || !selector.matches_map(role->metadata().labels())) continue;
      for (const PolicyRule& rule : role->rules()) {
        if (known.insert(api::encode_protobuf(rule)).second) *out.Add() = rule;
      }
    }
  }
  return out;
}

bool same_rules(const Rules& a, const Rules& b) { return std::ranges::equal(a, b, says_same); }

}  // namespace ph::controllers::cluster_role_aggregation
