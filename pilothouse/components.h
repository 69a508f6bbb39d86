// The components as a process holds them: each with what it stands on, in the order of construction. Every one of these is
// made and destroyed on its own executor.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/server.h"
#include "apiserver/storage/store.h"
#include "controllers/registry.h"
#include "controllers/runtime/host.h"
#include "informers/client.h"
#include "informers/informer.h"
#include "net/server.h"
#include "node/hollow.h"
#include "pilothouse/connector.h"
#include "pilothouse/options.h"
#include "scheduler/scheduler.h"

namespace ph::pilothouse {

// The loops `text` names, as --controllers does. Throws std::invalid_argument for a name that is none.
std::vector<const controllers::LoopEntry*> chosen_loops(const std::string& text);

// Hands `kubectl logs` on to the nodes, wherever they run; set when they start, taken away before they end.
class NodeLogs {
 public:
  // Threads: any.
  void attach(Executor* executor, node::HollowNodes* nodes);
  Task<std::optional<std::string>> read(ObjectKey pod, std::string container) const;

 private:
  mutable std::mutex mutex_;
  Executor* executor_ = nullptr;
  node::HollowNodes* nodes_ = nullptr;
};

// What listens before there is a server to serve: the port is known first, and requests wait outside (503).
class Door final : public HttpHandler {
 public:
  void open(HttpHandler& handler) { handler_ = &handler; }
  Task<HttpResponse> handle(HttpRequest request) override;

 private:
  HttpHandler* handler_ = nullptr;
};

struct ApiServerComponent {
  ApiServerComponent(Executor& executor, net::IoThreads& io, const UpOptions& options, const DataDir& dir, const Clock& clock,
                     Rng& rng, Log log, NodeLogs& logs);
  ~ApiServerComponent();
  // Fills the caches, then lets requests in.
  Task<void> serve();
  Door door;
  std::unique_ptr<apiserver::Store> store;
  std::unique_ptr<apiserver::ApiServer> server;
  std::unique_ptr<net::HttpsServer> https;
};

struct ManagerComponent {
  ManagerComponent(Executor& executor, const Connector& connector, const controllers::Options& options,
                   std::vector<const controllers::LoopEntry*> loops, Rng& rng, Log log);
  ~ManagerComponent();
  std::unique_ptr<Transport> transport;
  std::map<std::string, std::unique_ptr<Transport>, std::less<>> loop_transports;
  informers::Client client;
  informers::Informers informers;
  std::unique_ptr<controllers::LoopHost> host;
};

struct SchedulerComponent {
  SchedulerComponent(Executor& executor, const Connector& connector, scheduler::Configuration configuration, const Clock& clock,
                     Rng& rng, Log log, scheduler::ExtenderTransports extenders = {});
  ~SchedulerComponent();
  std::unique_ptr<Transport> transport;
  informers::Client client;
  informers::Informers informers;
  scheduler::Scheduler scheduler;
  Scope scope;
};

struct NodeComponent {
  NodeComponent(Executor& executor, const Connector& connector, int count, Rng& rng, Log log);
  ~NodeComponent();
  std::unique_ptr<Transport> transport;
  informers::Client client;
  informers::Informers informers;
  node::HollowNodes nodes;
};

}  // namespace ph::pilothouse
