// The programs of a simulated cluster: the components of `pilothouse up`, as they are.
#pragma once

#include <memory>
#include <string>

#include "base/log.h"
#include "base/metrics.h"
#include "controllers/runtime/options.h"
#include "node/node_object.h"
#include "scheduler/extender/spec.h"
#include "tests/sim/process.h"

namespace ph::sim {

std::unique_ptr<Program> manager_program(Executor& executor, const pilothouse::Connector& connector, const std::string& loops,
                                         const controllers::Options& options, Rng& rng, const Log& log, Metrics* metrics);
// One of several candidates: its loops run while it holds the lease kube-system/kube-controller-manager, and write only then.
std::unique_ptr<Program> elected_manager_program(Executor& executor, const pilothouse::Connector& connector,
                                                 const std::string& loops, const controllers::Options& options, Rng& rng,
                                                 const Log& log, Metrics* metrics);
// `config`: a KubeSchedulerConfiguration; empty: the default. Its first line may be a comment of flags, for what no configuration says:
// "# --pod-max-in-unschedulable-pods-duration=5s".
std::unique_ptr<Program> scheduler_program(Executor& executor, const pilothouse::Connector& connector, const std::string& config,
                                           const scheduler::ExtenderTransports& extenders, Rng& rng, const Log& log,
                                           Metrics* metrics);
std::unique_ptr<Program> nodes_program(Executor& executor, const pilothouse::Connector& connector,
                                       const node::HollowOptions& options, Rng& rng, const Log& log, Metrics* metrics);

}  // namespace ph::sim
