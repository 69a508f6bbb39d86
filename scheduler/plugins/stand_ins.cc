// Stand-ins for upstream's plugins that are not here yet. A pod with a constraint that such a plugin would mind must not be placed
// as if it had none: the stand-in, which bears the plugin's name, keeps it waiting and says what is missing. It goes when the
// plugin comes, and a profile that disables the plugin has disabled it too.
#include <algorithm>

#include "scheduler/framework/plugin.h"

namespace ph::scheduler {
namespace {

// What a pod has that the missing plugin is for, as the reason says it; empty: nothing. A literal.
using Concern = std::string_view (*)(const Pod&);

class StandIn final : public PreFilterPlugin {
 public:
  explicit StandIn(Concern concern) : concern_(concern) {}

  // Nothing but another spec of the pod's own helps.
  ClusterEvents retry_on() const override { return ClusterEvents::of_waiting_pods(); }
  QueueingHint hint(const ClusterChange& change, const Pod& waiting) const override {
    const bool own = change.waiting_after && change.waiting_after->metadata().uid() == waiting.metadata().uid();
    return own && concern_(*change.waiting_after).empty() ? QueueingHint::Queue : QueueingHint::Skip;
  }

  PreFilterResult pre_filter(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const override {
    const std::string_view reason = concern_(pod);
    return {reason.empty() ? Verdict::skip() : Verdict::unresolvable(reason), {}};
  }

 private:
  const Concern concern_;
};

std::string_view resource_claims(const Pod& pod) {
  return pod.spec().resource_claims().empty() ? "" : "resource claims are not supported by this scheduler";
}

}  // namespace

#define STAND_IN(entry, concern) \
  std::unique_ptr<Plugin> entry(const PluginArgs&, const PluginWorld&) { return std::make_unique<StandIn>(concern); }
STAND_IN(dynamic_resources_stand_in, resource_claims)
#undef STAND_IN

}  // namespace ph::scheduler
