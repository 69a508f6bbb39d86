// The apiserver: the generic verbs for every resource of the scheme, over a store. Reference: "Kubernetes API concepts".
//
// What is shared and changes belongs to one executor. Elsewhere run: what a request is before it needs any of that (`begin`, on the
// threads of the connections: rest/begin.h), answers' bodies (HttpResponse::render), and what large objects cost a write (rest/aside.h).
#pragma once

#include <memory>
#include <string>

#include "apiserver/access.h"
#include "apiserver/cache/options.h"
#include "apiserver/extensions.h"
#include "apiserver/storage/store.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "base/transport.h"

namespace ph::apiserver {

struct ServerOptions {
  std::string service_cidr = "10.96.0.0/12";
  int node_port_min = 30000;
  int node_port_max = 32767;
  // Where clients reach this server: the endpoint of the `kubernetes` service. Empty: that service has no endpoints.
  std::string advertise_address;
  int advertise_port = 6443;
  // The loop that keeps the `kubernetes` service; off in tests that want an empty cluster.
  bool keep_kubernetes_service = true;
  // The API services of the groups it serves itself; off in the same tests.
  bool keep_api_services = true;
  bool keep_flow_schemas = true;  // their conditions; off in the same tests
  Duration event_ttl = 1h;
  bool stateful_set_max_unavailable = false;  // the gate MaxUnavailableStatefulSet: stateful sets may have a maxUnavailable
  bool crd_ignore_cel = false;  // custom resource definitions may have rules in CEL, which are stored and not carried out
  // How many requests, and how many writes besides, have a seat at once: of both together each priority level gets its share.
  int max_requests = 400;
  int max_writes = 200;
  Duration request_timeout = 60s;  // the most a request may take that is no watch, log or the like
  std::size_t body_max = 3 * 1024 * 1024;
  Duration watch_timeout_min = 30min;  // of watches without timeoutSeconds: up to twice this, at random
  CacheOptions cache;
  std::string cluster_domain = "cluster.local";
  Metrics* metrics = nullptr;  // outlives the server; null: nothing is counted
  // Where large objects are decoded, validated and encoded. It outlives the server, or has ended before it and runs nothing any
  // more. Null: on the server's executor.
  Executor* helper = nullptr;
};

class ApiServer final : public HttpHandler {
 public:
  // The references must outlive the server.
  ApiServer(Executor& executor, Rng& rng, Store& store, Log log, ServerOptions options);
  ~ApiServer() override;

  // Access, admission, discovery and so on; call once, before `start`. Without it everything is allowed to everybody.
  void install(Extensions extensions);

  // Fills the caches; after it requests are served. Call once.
  Task<void> start();

  // Ends the watches and the server's own tasks. Requests that still come are answered 503.
  Task<void> stop();

  // Threads: any, once `install` has run; then the Rng is one that any thread may use.
  std::optional<HttpResponse> begin(HttpRequest& request) override;
  // Of a request that has not been begun: it does that first.
  Task<HttpResponse> handle(HttpRequest request) override;
  Task<HeadVerdict> judge_head(HttpRequest head) override;

  // Creates the object as the server itself (no authorization, no admission) unless there is one of that name.
  Task<void> ensure(api::Object object);

  // What the caches hold; valid from `start` on.
  ObjectReader& reader();
  const ServerOptions& options() const;
  // True once `start` has ended and until `stop`.
  bool ready() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ph::apiserver
