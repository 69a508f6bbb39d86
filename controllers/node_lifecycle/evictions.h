// How fast nodes are given up: each zone gives up one node at a time, at a rate that goes by how many of its nodes are ready. Where hardly
// any node is, it is the network that is broken, or this side of it, and evicting would make it worse. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "controllers/runtime/options.h"
#include "informers/node_view.h"

namespace ph::controllers::node_lifecycle {

// Region and zone of a node, as one name; empty: it has neither.
std::string zone_of(const informers::NodeView& node);
// It is not counted among the nodes of its zone.
bool is_left_out(const informers::NodeView& node);

struct ZoneCount {
  std::size_t ready = 0, not_ready = 0;
  std::size_t size() const { return ready + not_ready; }
};
using ZoneCounts = std::map<std::string, ZoneCount, std::less<>>;

enum class ZoneState { Initial, Normal, PartialDisruption, FullDisruption };
ZoneState state_of(const ZoneCount& count, double unhealthy_threshold);

// One at once, the next when that much time has passed.
class Pace {
 public:
  explicit Pace(double rate) : rate_(rate) {}
  bool ready(Steady now) const { return rate_ > 0 && now >= next_; }
  void take(Steady now) { next_ = now + interval(); }
  // Whoever has to wait goes on waiting.
  void change(double rate, Steady now);
  std::optional<Steady> next() const { return rate_ > 0 ? std::optional(next_) : std::nullopt; }

 private:
  Duration interval() const;
  double rate_;
  Steady next_{};
};

class Evictions {
 public:
  explicit Evictions(const NodeLifecycleOptions& options) : options_(options) {}

  // What each zone's nodes are like now. True: evictions begin again, after no node was ready; what was heard of nodes until now says
  // nothing of them.
  bool judge(const ZoneCounts& counts, Steady now);
  // No node is ready: nobody is evicted.
  bool stopped() const { return stopped_; }
  ZoneState state(std::string_view zone) const;

  using Names = std::set<std::string, std::less<>>;
  // The nodes of each zone that are to be given up, and no others wait. Those that wait already keep their places.
  void wait_in_turn(const std::map<std::string, Names, std::less<>>& nodes);
  struct Turn {
    std::string zone, node;
  };
  // Whose turn it is; nothing: nobody's yet. Until it is `done` it is the same one's.
  std::optional<Turn> due(Steady now) const;
  // It waits no more; `given_up`: and the zone's next one has to wait.
  void done(const Turn& turn, bool given_up, Steady now);
  // When somebody's turn comes; nothing: nobody's by the passing of time.
  std::optional<Steady> next() const;

 private:
  struct Zone {
    ZoneState state = ZoneState::Initial;
    Pace pace;
    std::vector<std::string> waiting;
  };
  Zone& zone(const std::string& name);
  double rate_in(ZoneState state, std::size_t size) const;

  const NodeLifecycleOptions options_;
  std::map<std::string, Zone, std::less<>> zones_;
  bool stopped_ = false;
};

}  // namespace ph::controllers::node_lifecycle
