// What programs share that ask a server something on behalf of whoever calls them: kubectl-why, admission-trace.
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/transport.h"
#include "daemon/flags.h"
#include "daemon/kubeconfig.h"
#include "net/event_loop.h"

namespace ph::pilothouse {

struct Reply {
  int status = 0;
  Headers headers;
  std::string body;
};

// One server, asked as whom the kubeconfig says.
class AskedServer {
 public:
  // `io` and `clock` must outlive it.
  AskedServer(net::IoThreads& io, const Clock& clock, std::string user_agent, daemon::ClientConfig config);
  ~AskedServer();

  const std::string& url() const;
  // GETs `target`, or POSTs `body` to it, both JSON; `headers`: besides, or what is to come instead of JSON (Accept). Blocks. Throws TransportError.
  Reply ask(const std::string& target, const std::optional<std::string>& body, Headers headers = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What is wrong, in the server's words; `missing` when it is the page that is not there, not the pod.
std::runtime_error complaint(const AskedServer& server, const Reply& reply, const std::string& missing = {});

// Flags of such a program: how it prints (text or json), and whom it asks.
struct AskingOptions {
  std::string output = "text", kubeconfig, context;
};
void add_asking_flags(daemon::FlagSet& flags, AskingOptions& options);
// Throws daemon::FlagError for an output that there is not.
void check(const AskingOptions& options);

// `given`, or else the first file of $KUBECONFIG that there is, or ~/.kube/config.
std::string kubeconfig_path(const std::string& given);
// Of a file; "-" is standard input. Throws daemon::FileError.
std::string content_of(const std::string& file);
// The documents of a YAML or JSON text. Throws api::DecodeError.
std::vector<nlohmann::json> documents(std::string_view text);
// As a part of a path, or a value of a query.
std::string encoded(std::string_view text);

}  // namespace ph::pilothouse
