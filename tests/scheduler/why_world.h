// A small cluster whose profile explains pods, without a running scheduler.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/rng.h"
#include "scheduler/config/configuration.h"
#include "scheduler/why/explain.h"
#include "scheduler/why/hypothesis.h"
#include "scheduler/why/question.h"
#include "tests/scheduler/make.h"
#include "tests/scheduler/stored_objects.h"

namespace ph::scheduler::test {

struct WhyWorld {
  SeededRng rng{1};
  Cluster cluster;
  StoredObjects objects;
  Nominator nominated;
  DisruptionBudgets budgets;
  std::optional<Profile> profile_of_all;

  WhyWorld() = default;
  WhyWorld(const std::vector<core::v1::Node>& nodes, const std::vector<core::v1::Pod>& pods) {
    for (const auto& node : nodes) cluster.node(node);
    for (const auto& pod : pods) cluster.pod(pod);
  }
  const Profile& profile() {
    if (!profile_of_all) {
      profile_of_all.emplace(default_profile(), PluginWorld{.rng = &rng, .snapshot = &cluster.snapshot, .objects = &objects});
    }
    return *profile_of_all;
  }
  // `edits`: as in the query of a question, "drain=a&label=b:k=v".
  why::Explanation explain(const core::v1::Pod& pod, std::string_view edits = {}, std::string_view body = {}) {
    const Profile& own = profile();
    cluster.take();
    why::Hypothesis hypothesis(cluster.snapshot);
    std::vector<std::string> changes;
    if (!edits.empty() || !body.empty()) {
      why::Question question = why::question_of("pod=a/b&" + std::string(edits), body);
      why::complete(question);
      changes = hypothesis.apply(question.edits);
    }
    why::Explanation out = why::explain(
        {.profile = own, .snapshot = cluster.snapshot, .nominated = nominated, .budgets = [this] { return budgets; }}, pod,
        make_pod_info(pod));
    out.changes = std::move(changes);
    return out;
  }
};

}  // namespace ph::scheduler::test
