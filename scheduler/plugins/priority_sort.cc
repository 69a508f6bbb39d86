// PrioritySort: the queue's order. Higher priority first; among equals, who has waited longer.
// Upstream: pkg/scheduler/framework/plugins/queuesort
#include "scheduler/framework/plugin.h"

namespace ph::scheduler {
namespace {

class PrioritySort final : public QueueSortPlugin {
 public:
  // Its order is not kept with results.
  bool class_key(const Pod& pod, const PodInfo& info, ClassKey& key) const override { return true; }
  Outdated outdated_by(const StateChange& change, const Pod& of) const override { return {Outdated::Nothing}; }

  bool less(const QueueOrder& a, const QueueOrder& b) const override {
    return a.priority != b.priority ? a.priority > b.priority : a.queued < b.queued;
  }
};

}  // namespace

std::unique_ptr<Plugin> priority_sort(const PluginArgs&, const PluginWorld&) { return std::make_unique<PrioritySort>(); }

}  // namespace ph::scheduler
