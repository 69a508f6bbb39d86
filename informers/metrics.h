// What clients and informers count.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/schema.h"
#include "base/metrics.h"
#include "base/transport.h"

namespace ph::informers {

// Requests to one server, shared by all clients of a daemon. Belongs to their executor.
class ClientMetrics {
 public:
  // `host`: where the server is, as upstream's label has it (127.0.0.1:6443). `metrics` may be null.
  ClientMetrics(Metrics* metrics, std::string host);

  // One try of one request, from its making until it is answered; one that never is counts as broken or given up.
  class Attempt {
   public:
    // `metrics` may be null. `lasting`: an answer that goes on as a stream; its duration and size say nothing.
    Attempt(ClientMetrics* metrics, const HttpRequest& request, bool lasting);
    ~Attempt();
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;

    void answered(const HttpResponse& response);
    // The request will be sent again because of this answer.
    void retried(int status);

   private:
    ClientMetrics* metrics_;
    const std::string* method_ = nullptr;  // of the request, which outlives this
    const Clock* clock_ = nullptr;
    Steady begun_{};
    bool lasting_ = false, answered_ = false;
    std::size_t size_ = 0;
  };

 private:
  struct OfMethod {
    Histogram duration, request_size, response_size;
    std::vector<std::pair<int, Counter>> requests;  // by code; 0: no answer
  };
  OfMethod& of(std::string_view method);
  void count(std::string_view method, int code);

  Metrics* in_;
  const std::string host_;
  // clang-format off
  Family<Histogram> duration_{in_, {Stability::Alpha, "rest_client_request_duration_seconds",
      "How long requests took until they were answered; watches aside.",
      {"host", "verb"}, {0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60}}};
  Family<Histogram> request_size_{in_, {Stability::Alpha, "rest_client_request_size_bytes",
      "Bodies that were sent.", {"host", "verb"}, sizes()}};
  Family<Counter> retries_{in_, {Stability::Alpha, "rest_client_request_retries_total",
      "Requests that were sent again, by the answer that asked for it.", {"code", "host", "verb"}}};
  Family<Counter> requests_{in_, {Stability::Alpha, "rest_client_requests_total",
      "Requests by their answers; <error>: there was none.", {"code", "host", "method"}}};
  Family<Histogram> response_size_{in_, {Stability::Alpha, "rest_client_response_size_bytes",
      "Bodies that were received; watches aside.", {"host", "verb"}, sizes()}};
  // clang-format on
  static std::vector<double> sizes() { return {64, 256, 512, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216}; }

  std::map<std::string, OfMethod, std::less<>> by_method_;
};

// What the informers of one client do, by resource. `form`: objects or metadata.
struct InformerMetrics {
  Metrics* in = nullptr;
  static std::vector<const char*> labels() { return {"client", "form", "group", "resource"}; }

  // clang-format off
  Family<Counter> lists{in, {Stability::Alpha, "pilothouse_informer_lists_total",
      "Complete states that were read, as lists or streams. A restart that resumes adds none.", labels()}};
  Family<Counter> watches{in, {Stability::Alpha, "pilothouse_informer_watches_total",
      "Watches that were begun.", labels()}};
  Family<Counter> resumes{in, {Stability::Alpha, "pilothouse_informer_resumes_total",
      "Watches that went on from a known revision, without a list.", labels()}};
  Family<Counter> events{in, {Stability::Alpha, "pilothouse_informer_events_total",
      "Events of watches, without bookmarks.", labels()}};
  Family<Counter> errors{in, {Stability::Alpha, "pilothouse_informer_errors_total",
      "Lists and watches that failed or broke.", labels()}};
  Family<Gauge> objects{in, {Stability::Alpha, "pilothouse_informer_objects", "Objects in the copy.", labels()}};
  Family<Gauge> synced{in, {Stability::Alpha, "pilothouse_informer_synced",
      "Whether the copy has been complete.", labels()}};
  Family<Gauge> staleness{in, {Stability::Alpha, "pilothouse_informer_staleness_seconds",
      "How long ago the server last said anything: a list, an event, a bookmark, a watch it took up. The copy may be that old.",
      labels()}};
  // clang-format on
};

// The series of one informer.
struct InformerSeries {
  Counter lists, watches, resumes, events, errors;
  Gauge objects, synced, staleness;
};
InformerSeries informer_series(const InformerMetrics& metrics, std::string_view user_agent, bool metadata_only,
                               const api::Resource& resource);

}  // namespace ph::informers
