// What the runtime counts of every loop: nothing a loop does itself. Names are upstream's; one queue a loop.
#pragma once

#include <string_view>

#include "base/metrics.h"

namespace ph::controllers {

struct RuntimeMetrics {
  Metrics* in = nullptr;

  // clang-format off
  // -- Queues, by upstream's name of the loop's queue
  Family<Counter> adds{in, {Stability::Beta, "workqueue_adds_total",
      "Keys added to the queue, without those that were in it already.", {"name"}}};
  Family<Gauge> depth{in, {Stability::Beta, "workqueue_depth", "Keys that wait for a worker.", {"name"}}};
  Family<Gauge> longest_running{in, {Stability::Beta, "workqueue_longest_running_processor_seconds",
      "How long the key that is worked on longest has been.", {"name"}}};
  Family<Histogram> queue_duration{in, {Stability::Beta, "workqueue_queue_duration_seconds",
      "How long keys waited for a worker.", {"name"}, exponential_buckets(1e-8, 10, 10)}};
  Family<Counter> retries{in, {Stability::Beta, "workqueue_retries_total",
      "Keys added again with a rate limit, after a failure as a rule.", {"name"}}};
  Family<Gauge> unfinished_work{in, {Stability::Beta, "workqueue_unfinished_work_seconds",
      "How long all keys that are worked on have been, together: grows while workers hang.", {"name"}}};
  Family<Histogram> work_duration{in, {Stability::Beta, "workqueue_work_duration_seconds",
      "How long keys were worked on.", {"name"}, exponential_buckets(1e-8, 10, 10)}};

  // -- Loops, by name
  Family<Gauge> running{in, {Stability::Beta, "running_managed_controllers", "Which loops run.", {"manager", "name"}}};
  Family<Counter> reconciles{in, {Stability::Alpha, "pilothouse_loop_reconciles_total",
      "Keys that were reconciled, by what came of it.", {"name", "result"}}};
  Family<Counter> held{in, {Stability::Alpha, "pilothouse_loop_held_keys_total",
      "Keys that waited until the caches had seen the loop's own writes.", {"name"}}};
  // clang-format on
};

// The series of one queue; all do nothing when there are no metrics.
struct QueueMetrics {
  Counter adds, retries;
  Gauge depth, unfinished_work, longest_running;
  Histogram queue_duration, work_duration;
};
QueueMetrics queue_metrics(const RuntimeMetrics& metrics, std::string_view queue);

// The series of one loop.
struct LoopMetrics {
  Gauge running;
  Counter done, failed, again, held;
};
LoopMetrics loop_metrics(const RuntimeMetrics& metrics, std::string_view loop);

// What upstream calls the (first) queue of a loop: "deployment" of "deployment-controller".
std::string_view queue_name(std::string_view loop);

}  // namespace ph::controllers
