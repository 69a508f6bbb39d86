// Flow schemas and priority levels, read: which schema a request matches, and what the levels allow.
// Reference: "API Priority and Fairness"; KEP-1040.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/access.h"
#include "apiserver/flowcontrol/flow.h"
#include "base/metrics.h"
#include "flowcontrol/v1.pb.h"

namespace ph::apiserver {

// What a level's object says.
struct LevelSpec {
  std::string name, uid;
  bool exempt = false;              // its requests never wait
  int shares = 0;                   // of the server's seats
  double lendable = 0;              // the part of its seats that others may use meanwhile
  std::optional<double> borrowing;  // how much more than its own it may have, as a part of its own; nothing: as much as there is
  // Whether requests without a seat wait; else they are refused.
  bool queues = false;
  std::size_t queue_count = 0, hand = 0, queue_length = 0;
};

// Series of the requests of one schema. Of no Metrics: they do nothing.
struct FlowSeries {
  Counter dispatched;
  Gauge executing, executing_seats, waiting;
  Histogram waited, waited_in_vain;
};

// One schema whose level exists. Constant once it is in a config.
struct FlowSchemaInUse {
  flowcontrol::v1::FlowSchema schema;
  std::shared_ptr<const LevelSpec> level;
  FlowSeries series;
};

// All of them at one time. Threads: any.
class FlowConfig {
 public:
  // Mandatory objects that are missing count as they ought to be. A schema whose level does not exist is left out. `series` is asked
  // for each schema; it may be empty.
  using SeriesOf = std::function<FlowSeries(const std::string& schema, const std::string& level)>;
  static FlowConfig make(std::vector<flowcontrol::v1::FlowSchema> schemas,
                         std::vector<flowcontrol::v1::PriorityLevelConfiguration> levels, const SeriesOf& series = {});

  // The first schema that matches, by precedence and name: there always is one.
  Flow classify(const Identity& user, const RequestInfo& request) const;

  const std::map<std::string, std::shared_ptr<const LevelSpec>>& levels() const { return levels_; }

 private:
  std::map<std::string, std::shared_ptr<const LevelSpec>> levels_;
  std::vector<std::shared_ptr<const FlowSchemaInUse>> schemas_;  // as they are asked
};

// Whether one of the schema's rules covers the request of the user.
bool schema_matches(const flowcontrol::v1::FlowSchema& schema, const Identity& user, const RequestInfo& request);

}  // namespace ph::apiserver
