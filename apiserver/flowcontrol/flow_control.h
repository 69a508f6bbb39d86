// Priority and fairness: requests that need the executor wait for a seat of their priority level, so that a flood of one user's slows
// nobody else's. Reference: "API Priority and Fairness"; KEP-1040.
//
// What is answered on the thread of its connection (rest/begin.h) takes no seat: it never waits, and is over when it is asked for.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "apiserver/access.h"
#include "apiserver/flowcontrol/flow_config.h"
#include "apiserver/flowcontrol/priority_level.h"
#include "apiserver/flowcontrol/shares.h"
#include "base/metrics.h"
#include "base/published.h"
#include "base/rng.h"

namespace ph::apiserver {

struct FlowControlOptions {
  int seats = 600;          // of all levels together
  Duration wait_max = 15s;  // the most a request waits in a queue
};

// The seat of a request, until it ends. Null: it was refused. Belongs to the executor.
struct Seated;
using Seat = std::shared_ptr<Seated>;

// Belongs to the executor, but for what says otherwise.
class FlowControl {
 public:
  // They must outlive it; nothing is read before the first request. `metrics` may be null.
  FlowControl(ObjectReader& reader, const Clock& clock, FlowControlOptions options, Metrics* metrics);
  ~FlowControl();

  // What a request counts as.
  Flow classify(const Identity& user, const RequestInfo& request);
  // The same on any thread (base/anywhere.h); nothing when only the executor can tell.
  std::optional<Flow> classify_here(const Identity& user, const RequestInfo& request) const;

  // `width` seats, at once or in its turn; null when too many wait already, or it has waited too long. Dropping the wait withdraws it.
  Soon<Seat> enter(const Flow& flow, int width);

  struct LevelState {
    int limit = 0, in_use = 0;
    std::size_t waiting = 0;
  };
  // For tests; nothing: there is no such level.
  std::optional<LevelState> level(const std::string& name) const;

 private:
  struct Families;
  struct Known {
    FlowConfig config;
    std::array<std::uint64_t, 2> versions{};
  };
  struct Level {
    std::shared_ptr<PriorityLevel> seats;
    double demand = 0;
  };

  std::array<std::uint64_t, 2> versions() const;
  std::shared_ptr<const Known> present();
  void use(const FlowConfig& config);
  std::vector<SeatBounds> divide() const;
  void lend(double periods);
  void lend_when_due();
  FlowSeries series(const std::string& schema, const std::string& level) const;
  void refused(const FlowSchemaInUse& schema, std::string_view reason, Duration waited) const;
  Task<Seat> wait(Flow flow, std::shared_ptr<PriorityLevel> level, std::size_t queue, int width);

  const std::array<WatchCache*, 2> sources_;  // schemas, levels
  const Clock& clock_;
  const FlowControlOptions options_;
  const std::unique_ptr<const Families> families_;
  Published<Known> known_;
  std::map<std::string, Level> levels_;
  Steady lent_;
};

// Counts a request that was answered without a seat. Threads: any.
void count_dispatched(const Flow& flow);
// The headers that name the flow's schema and level, on every answer to a request that has one.
void add_flow_headers(const Flow& flow, HttpResponse& response);

}  // namespace ph::apiserver
