// Who may look at a daemon's secure port: the apiserver is asked. Reference: "Kubelet authentication/authorization", which other
// components follow.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/log.h"
#include "base/task.h"
#include "base/transport.h"
#include "daemon/serving_options.h"
#include "informers/client.h"

namespace ph::daemon {

// What a request asks for: a path, or (for the nodes' port) a resource of the cluster.
struct Wish {
  std::string verb;  // "get", "post", …
  std::string path;
  std::string resource, subresource, name;  // of a resource: "nodes", "log", "node-0"; empty: a path
};

class DelegatedAccess {
 public:
  // `client`: null when nobody can be asked; then only client certificates and system:masters get past the paths that are open
  // to everybody. Belongs to the client's executor.
  DelegatedAccess(const ServingOptions& options, informers::Client* client, const Clock& clock, Log log)
      : DelegatedAccess(options, client, client, clock, std::move(log)) {}
  // One who is asked about tokens, and one about rights.
  DelegatedAccess(const ServingOptions& options, informers::Client* tokens, informers::Client* rights, const Clock& clock,
                  Log log)
      : options_(options), ask_tokens_(tokens), ask_rights_(rights), clock_(clock), log_(std::move(log)) {}

  // Which front proxies are believed from now on.
  void set_front_proxy(net::FrontProxyOptions proxy) { proxy_ = std::move(proxy); }

  // The user, or the answer to send instead: 401, 403, 500.
  struct Verdict {
    Identity user;
    std::optional<HttpResponse> refusal;
  };
  Task<Verdict> admit(const HttpRequest& request, Wish wish);

 private:
  struct Remembered {
    Time until;
    bool allowed = false;
    std::string reason = {};  // of what is not
    std::optional<Identity> user = {};
  };
  using Cache = std::map<std::string, Remembered>;

  // Nothing: the credentials are bad.
  Task<std::optional<Identity>> authenticate(const HttpRequest& request);
  struct Word {
    bool allowed = false;
    std::string reason;
  };
  Task<Word> authorize(const Identity& user, const Wish& wish);
  bool open_to_all(const std::string& path) const;
  const Remembered* recall(Cache& cache, const std::string& key) const;
  void remember(Cache& cache, std::string key, Remembered what);

  const ServingOptions& options_;
  informers::Client* const ask_tokens_;
  informers::Client* const ask_rights_;
  const Clock& clock_;
  const Log log_;
  net::FrontProxyOptions proxy_;
  Cache tokens_, rights_;
};

}  // namespace ph::daemon
