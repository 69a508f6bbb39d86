// Which pods nobody else will remove: pure functions, no I/O.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "controllers/runtime/loop.h"
#include "informers/node_view.h"

namespace ph::controllers::pod_gc {

using Names = std::set<std::string, std::less<>>;

// Why a pod goes.
enum class Why { Terminated, OutOfService, Orphaned, Unscheduled };

struct Victim {
  Ref<PodView> pod;
  Why why = Why::Terminated;
};

struct Facts {
  int terminated_max = 0;  // so many finished pods may stay; 0 or less: all of them
  Names out_of_service;    // nodes that were taken out of service and are not ready
  Names gone;              // nodes that no longer exist
};

// Each pod once, in the order in which they go. Evicted pods come before others, then the oldest.
std::vector<Victim> victims(const std::vector<Ref<PodView>>& pods, const Facts& facts);

// Deleting it again would change nothing: it has ended, was deleted without grace, and waits for its finalizers.
bool is_ending_for_good(const PodView& pod);

// It has the taint node.kubernetes.io/out-of-service, and is not ready.
bool is_out_of_service(const informers::NodeView& node);

// `now` with phase Failed, and for an orphan the condition that says who ended it: a strategic merge patch of the status, pinned
// to the UID. `at`: the time of the condition, should it be new.
std::string failed_patch(const core::v1::Pod& now, Why why, Time at);

// Nodes that pods name and nobody knows: a node may be late, or come back.
class Quarantine {
 public:
  static constexpr Duration kTime = 40s;

  // `missing`: all that are not known now. Those that have been missing for so long, in order.
  std::vector<std::string> due(const Names& missing, Steady now);
  // It exists, whatever the cache says: its time begins anew.
  void begin_anew(const std::string& node, Steady now) { since_[node] = now; }

 private:
  std::map<std::string, Steady, std::less<>> since_;
};

}  // namespace ph::controllers::pod_gc
