// The apiserver of a process: its store, its port, and the server between them. Made and destroyed on its executor.
// `metrics` may be null, and outlives it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/bootstrap/authentication_trust.h"
#include "apiserver/server.h"
#include "apiserver/standard.h"
#include "apiserver/storage/encryption/configuration.h"
#include "apiserver/storage/encryption/encrypted_store.h"
#include "apiserver/storage/store.h"
#include "base/allocator.h"
#include "base/process_metrics.h"
#include "base/sync.h"
#include "daemon/pages.h"
#include "daemon/part.h"
#include "net/server.h"
#include "pilothouse/audit.h"
#include "pilothouse/kubelet_client.h"

namespace ph::pilothouse {

class NodeLogs;

// Where pods find a server that listens on `bind_address`: there, or at the machine's own address when that is the loopback
// or all of them.
std::string advertised(const std::string& bind_address);

// What a client on this machine connects to, as the host of a URL.
std::string reachable(const std::string& bind_address);

// What listens before there is a server to serve: the port is known first, and requests wait outside (503).
class Door final : public HttpHandler {
 public:
  void open(HttpHandler& handler) { handler_ = &handler; }
  std::optional<HttpResponse> begin(HttpRequest& request) override;
  Task<HttpResponse> handle(HttpRequest request) override;
  Task<HeadVerdict> judge_head(HttpRequest head) override;

 private:
  std::atomic<HttpHandler*> handler_ = nullptr;
};

// /flagz and /statusz. The clock outlives them.
std::vector<daemon::Page> apiserver_pages(std::function<daemon::FlagValues()> flags, const Clock& clock);

// What an apiserver is told, whoever read it from where.
struct ApiServerOptions {
  std::string bind_address = "127.0.0.1";
  int secure_port = 6443;         // 0: any free port
  std::string advertise_address;  // where pods find the server; empty: as `advertised` says
  std::string store = "rocksdb";  // or "memory"
  std::string store_path;
  std::optional<apiserver::encryption::Configuration> encryption;  // nothing: objects are stored as they are
  std::string encryption_text;                                     // of its file
  std::string encryption_file;                                     // which is read anew when it changes; empty: it is not
  net::TlsServerOptions tls;
  apiserver::ServerOptions server;  // address and port are filled in
  apiserver::StandardOptions standard;
  AuditOptions audit;
  double goaway_chance = 0;         // how often a client is asked, with an answer, to go on over another connection; 0 to 1
  std::string metrics_server;       // https://HOST:PORT of who serves metrics.k8s.io; empty: the nodes of this process, if any
  bool serves_metrics = false;      // of those
  KubeletClientOptions kubelets;    // without `io`: only nodes of this process are asked for logs
  std::vector<daemon::Page> pages;  // besides the paths that every apiserver has
};

using KmsMaker = std::function<std::shared_ptr<apiserver::encryption::Kms>(const apiserver::encryption::KmsOptions&)>;

struct ApiServerComponent {
  ApiServerComponent(Executor& executor, net::IoThreads& io, ApiServerOptions options, Rng& rng, Log log, NodeLogs& logs,
                     Metrics* metrics = nullptr);
  ~ApiServerComponent();
  // Fills the caches, then lets requests in.
  Task<void> serve();
  // Tells other servers whom this one believes from now on.
  void publish(apiserver::AuthenticationTrust trust);
  // Before all who have something to tell it.
  std::optional<daemon::Part<apiserver::audit::Auditor>> auditor;
  Door door;
  std::unique_ptr<KubeletClient> kubelets;
  std::unique_ptr<apiserver::encryption::EncryptedStore> store;
  std::vector<std::shared_ptr<apiserver::encryption::Kms>> kms;  // of the configuration in force
  std::unique_ptr<apiserver::ApiServer> server;
  std::unique_ptr<net::HttpsServer> https;
  std::optional<ProcessMetrics> process;
  Scope publishing;
  // What large objects cost. After the server, so that it ends first.
  ThreadExecutor helper;
  // On a thread of its own: nobody has to wait for it who does not allocate.
  daemon::Part<IdleMemory> idle_memory;

 private:
  // What is stored from now on is encrypted so, or, when it is told what is wrong, as before. Its plugins must be well.
  Task<std::optional<std::string>> encrypt_by(apiserver::encryption::Configuration next);
  void follow_encryption(const ApiServerOptions& options, Metrics* metrics);

  const Log encryption_log_;
  KmsMaker kms_maker_;
};

}  // namespace ph::pilothouse
