// What a DaemonSet's state asks for: which nodes get a pod, which pods go, how a new template is rolled out. Pure: a function of what
// was observed. Where pods belong is in placement.cc, rollouts are in rollout.cc, the status is in status.cc.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/common/pods.h"
#include "controllers/daemonset/placement.h"

namespace ph::controllers::daemonset {

using apps::v1::DaemonSetStatus;
using Pods = std::vector<Ref<PodView>>;

// At most so many pods are made, and so many deleted, in one go.
inline constexpr std::size_t kBurst = 250;

// A node, and the set's pods that are on it or bound for it. Views into nodes and pods.
struct Place {
  std::string_view name;
  bool exists = true;  // the node does
  Fit fit;
  Pods pods;  // those with a node first, then by age, then by name
};

struct Observed {
  Ref<DaemonSet> set;
  std::vector<Ref<NodeView>> nodes;  // all there are
  std::vector<Place> places;         // each node, and each that pods name and is not there; ordered by name
  std::string hash;                  // of the present revision
  Time now;
};
// `pods`: all that the set owns, those of which nobody knows the node among them.
Observed observe(Ref<DaemonSet> set, std::vector<Ref<NodeView>> nodes, const Pods& pods, std::string hash, Time now);

// A pod that is to be deleted, and why.
struct Removal {
  enum Why { Unwanted, Failed, Succeeded };
  Ref<PodView> pod;
  std::string_view node;
  Why why = Unwanted;
};

struct Plan {
  std::vector<std::string_view> create;  // a pod on each of these nodes
  std::vector<Removal> remove;
  std::optional<Duration> look_again;  // when a failed pod may go
};

// `wait`: how long a failed pod on that node is still left alone.
Plan plan(const Observed& observed, const std::function<Duration(const std::string& node)>& wait);

DaemonSetStatus status_of(const Observed& observed);
// When the next ready pod becomes available by waiting alone.
std::optional<Time> next_available(const Observed& observed);

// -- Steps, for each other and for their tests.
// What of a new template may be rolled out now, when each place has what it is to have. Nothing where pods are replaced only when
// somebody deletes them.
void roll_out(const Observed& observed, Plan& plan);

// Numbers of pods, both rounded up; of strategies other than RollingUpdate none.
int max_surge(const DaemonSet& set, int nodes);
int max_unavailable(const DaemonSet& set, int nodes);
// A new pod may be beside an old one.
inline bool surges(const DaemonSet& set) { return max_surge(set, 1) > 0; }

bool is_available(const Observed& observed, const PodView& pod);
// Made of the present template.
bool is_updated(const Observed& observed, const PodView& pod);
// Nodes that are to run a pod.
int wanted_nodes(const Observed& observed);

}  // namespace ph::controllers::daemonset
