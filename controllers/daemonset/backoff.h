// How long a failed daemon pod is left alone before it is replaced: on each node twice as long as the time before, so that a pod that
// fails at once is not made again and again.
#pragma once

#include <map>
#include <string>

#include "api/object.h"
#include "apps/v1.pb.h"
#include "base/time.h"

namespace ph::controllers::daemonset {

// Kept in memory: it begins anew with the process, and for each new state of the set.
class FailureBackoff {
 public:
  static constexpr Duration kFirst = 1s, kMost = 15min;

  // How long the failed pod on that node still waits; zero: it may go.
  Duration wait(const apps::v1::DaemonSet& set, const std::string& node, Steady now) const;
  // It goes.
  void note(const apps::v1::DaemonSet& set, const std::string& node, Steady now);
  // The set is gone.
  void forget(const ObjectKey& set) { sets_.erase(set); }
  std::size_t size() const;

 private:
  struct Last {
    Steady at;
    Duration delay;
  };
  struct OfSet {
    std::string uid;
    std::int64_t generation = 0;
    std::map<std::string, Last> nodes;
  };
  // Who has not failed for so long begins anew.
  static bool is_over(const Last& last, Steady now) { return now - last.at > 2 * kMost; }
  static bool is_of(const OfSet& known, const apps::v1::DaemonSet& set);

  std::map<ObjectKey, OfSet> sets_;
};

}  // namespace ph::controllers::daemonset
