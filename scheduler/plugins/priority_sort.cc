// PrioritySort: the queue's order. Higher priority first; among equals, who has waited longer.
// Upstream: pkg/scheduler/framework/plugins/queuesort
#include "scheduler/framework/plugin.h"

namespace ph::scheduler {
namespace {

class PrioritySort final : public QueueSortPlugin {
 public:
  bool less(const QueueOrder& a, const QueueOrder& b) const override {
    return a.priority != b.priority ? a.priority > b.priority : a.queued < b.queued;
  }
};

}  // namespace

std::unique_ptr<Plugin> priority_sort(const PluginArgs&, const PluginWorld&) { return std::make_unique<PrioritySort>(); }

}  // namespace ph::scheduler
