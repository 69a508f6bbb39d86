// Events sent to somebody outside, in batches: POST of an audit.k8s.io/v1 EventList.
#pragma once

#include <memory>
#include <string>

#include "apiserver/audit/batching.h"
#include "base/rng.h"
#include "base/transport.h"

namespace ph::apiserver::audit {

struct WebhookOptions {
  std::string host;    // as the Host header says
  std::string target;  // the path, with what follows it
  std::string token;   // a bearer token; empty: none
  Duration initial_backoff = std::chrono::seconds(10);
  BatchOptions batch;
  Truncation truncation;
  Counter errors = {};  // events that were lost
};

// Runs on `executor`, to which the transport's answers come; see `batching`. What is left at the end is lost.
std::unique_ptr<Backend> webhook_backend(Executor& executor, Rng& rng, std::shared_ptr<Transport> transport,
                                         WebhookOptions options, Log log);

}  // namespace ph::apiserver::audit
