// The control loops of a process. Made and destroyed on their executor. `metrics` may be null, and outlives them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controllers/registry.h"
#include "controllers/runtime/host.h"
#include "election/leadership.h"
#include "informers/client.h"
#include "informers/informer.h"
#include "informers/metrics.h"
#include "pilothouse/connector.h"

namespace ph::pilothouse {

// The loops `text` names, as --controllers does. Throws std::invalid_argument for a name that is none.
std::vector<const controllers::LoopEntry*> chosen_loops(const std::string& text);
// Says of upstream's loops among those it names which have nothing to do here, and why. Once, at the start.
void tell_of_idle_loops(const std::string& text, const Log& log);

// With a leadership the loops begin as standbys (`host->warm()`), and their writes leave only while it is certain.
struct ManagerComponent {
  ManagerComponent(Executor& executor, const Connector& connector, const controllers::Options& options,
                   std::vector<const controllers::LoopEntry*> loops, Rng& rng, Log log, Metrics* metrics = nullptr,
                   std::shared_ptr<election::Leadership> leadership = nullptr);
  ~ManagerComponent();
  const controllers::Options options;  // with what every program gives its loops
  informers::ClientMetrics client_metrics;
  std::unique_ptr<Transport> transport;
  std::vector<std::unique_ptr<Transport>> unguarded;
  std::map<std::string, std::unique_ptr<Transport>, std::less<>> loop_transports;
  informers::Client client;
  informers::Informers informers;
  std::unique_ptr<controllers::LoopHost> host;
};

}  // namespace ph::pilothouse
