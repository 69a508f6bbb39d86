// What the apiserver counts of its requests, watches and admission. Names, labels and buckets are upstream's.
//
// Belongs to the server's executor, but for Request and Doors, which any thread may use. Label values are bounded: they come from the resources that are served, not from
// what is asked for.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "apiserver/access.h"
#include "base/metrics.h"

namespace ph::apiserver {

class Core;
struct Call;
struct Served;

struct RequestFamilies {
  Metrics* in = nullptr;
  static std::vector<const char*> labels() {
    return {"component", "group", "resource", "scope", "subresource", "verb", "version"};
  }
  static std::vector<const char*> with(std::vector<const char*> more) {
    for (const char* label : labels()) more.push_back(label);
    return more;
  }

  // clang-format off
  // -- Requests
  Family<Counter> total{in, {Stability::Stable, "apiserver_request_total",
      "Requests that were answered. Watches count when they end.", with({"code", "dry_run", "system_client"})}};
  Family<Histogram> duration{in, {Stability::Stable, "apiserver_request_duration_seconds",
      "How long requests took until their answer was ready, and watches until they ended.",
      with({"dry_run"}), {0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60}}};
  Family<Histogram> response_sizes{in, {Stability::Stable, "apiserver_response_sizes",
      "Bytes of answers, before compression; of watches all that was sent.", labels(), exponential_buckets(1000, 10, 7)}};
  Family<Gauge> inflight{in, {Stability::Stable, "apiserver_current_inflight_requests",
      "The most requests that were under way at once since the last look, by kind. Watches are not counted.",
      {"request_kind"}}};
  Family<Gauge> longrunning{in, {Stability::Stable, "apiserver_longrunning_requests",
      "Watches that are open.", labels()}};

  // -- Watches
  Family<Counter> watch_events{in, {Stability::Alpha, "apiserver_watch_events_total",
      "Events that were sent to watchers.", {"group", "resource", "version"}}};
  Family<Histogram> watch_event_sizes{in, {Stability::Alpha, "apiserver_watch_events_sizes",
      "Bytes of the events that were sent to watchers.", {"group", "resource", "version"}, exponential_buckets(1024, 2, 8)}};
  Family<Counter> initial_events{in, {Stability::Alpha, "apiserver_init_events_total",
      "Initial events that were sent to watchers: objects that were there when the watch began.", {"group", "resource"}}};
  Family<Total> terminated_watches{in, {Stability::Alpha, "apiserver_terminated_watchers_total",
      "Watches that were ended because they were too slow.", {"group", "resource"}}};
  Family<Histogram> watch_list{in, {Stability::Beta, "apiserver_watch_list_duration_seconds",
      "How long it took until a streamed list was complete.",
      {"group", "resource", "scope", "version"}, {0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 4, 6, 8, 10, 15, 20, 30, 45, 60}}};

  // -- Who asks, and whether he may
  Family<Counter> authentications{in, {Stability::Alpha, "authentication_attempts",
      "Requests by what their credentials were worth.", {"result"}}};
  Family<Histogram> authentication_duration{in, {Stability::Alpha, "authentication_duration_seconds",
      "How long it took to tell who asks.", {"result"}, exponential_buckets(0.001, 2, 15)}};
  Family<Counter> users{in, {Stability::Alpha, "authenticated_user_requests",
      "Requests of authenticated users; names of people are not told apart.", {"username"}}};
  Family<Counter> authorizations{in, {Stability::Alpha, "authorization_attempts_total",
      "Requests by whether they were allowed.", {"result"}}};
  Family<Histogram> authorization_duration{in, {Stability::Alpha, "authorization_duration_seconds",
      "How long it took to tell whether a request is allowed.", {"result"}, exponential_buckets(0.001, 2, 15)}};

  // -- Admission
  Family<Histogram> admission_plugin{in, {Stability::Stable, "apiserver_admission_controller_admission_duration_seconds",
      "How long admission plugins took.", {"name", "operation", "rejected", "type"}, {0.005, 0.025, 0.1, 0.5, 1, 2.5}}};
  Family<Histogram> admission_step{in, {Stability::Stable, "apiserver_admission_step_admission_duration_seconds",
      "How long all admission plugins together took.", {"operation", "rejected", "type"}, {0.005, 0.025, 0.1, 0.5, 1, 2.5}}};

  // -- What is stored
  Family<Gauge> storage_objects{in, {.stability = Stability::Stable, .name = "apiserver_storage_objects",
      .help = "Objects that are stored.", .labels = {"resource"}, .deprecated = "1.34.0"}};
  Family<Gauge> resource_objects{in, {Stability::Alpha, "apiserver_resource_objects",
      "Objects that are stored.", {"group", "resource"}}};
  Family<Total> events_received{in, {Stability::Beta, "apiserver_storage_events_received_total",
      "Changes that the store has told the watch cache.", {"group", "resource"}}};
  Family<Gauge> cache_bytes{in, {Stability::Alpha, "pilothouse_watch_cache_bytes",
      "Bytes of the objects in the watch cache, and of older states that watches may still need.", {"group", "resource"}}};
  Family<Gauge> cache_events{in, {Stability::Alpha, "pilothouse_watch_cache_events",
      "Changes from which a watch can go on.", {"group", "resource"}}};
  Family<Gauge> window_bytes{in, {Stability::Alpha, "pilothouse_watch_cache_window_bytes",
      "Bytes of the recent changes in the watch cache.", {"group", "resource"}}};
  Family<Gauge> backlog_bytes{in, {Stability::Alpha, "pilothouse_watch_cache_backlog_bytes",
      "Bytes of older changes that are held for watches which have still to be sent them.", {"group", "resource"}}};
  Family<Total> squeezed_events{in, {Stability::Alpha, "pilothouse_watch_cache_squeezed_events_total",
      "Changes that did not stay in the watch cache for their time, for want of room.", {"group", "resource"}}};
  // clang-format on
};

class ServerMetrics {
 public:
  // Shows what `core` holds, which must outlive it.
  ServerMetrics(Metrics& metrics, Core& core);
  ~ServerMetrics();

  // It is served no more.
  void forget(const Served& served);

  // What the labels of a request are made of.
  struct Kind {
    const Served* served = nullptr;  // null: not a resource that is served
    std::uint64_t serial = 0;        // … its own: another may come to stand where one was that is gone
    const api::Subresource* subresource = nullptr;
    std::string_view path;  // of what is not a resource: one of a few, or empty
    std::string_view verb, scope;
    bool dry_run = false;
    bool operator==(const Kind&) const = default;
  };

  // One request, from its coming until it is answered, or dropped. Threads: any, one after the other.
  class Request {
   public:
    // `metrics` may be null.
    explicit Request(ServerMetrics* metrics);
    ~Request();
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    // What it asks for is known.
    void parsed(const Call& call);
    // A watch that goes on is counted by its Watching.
    void answered(const Call& call, HttpResponse& response);

   private:
    ServerMetrics* metrics_;
    Steady begun_{};
    int kind_ = -1;  // index of its request_kind
  };

  // A watch, from its begin until its end. May outlive the server, but not its Metrics.
  class Watching {
   public:
    Watching(ServerMetrics& metrics, const Call& call);
    ~Watching();
    Watching(const Watching&) = delete;
    Watching& operator=(const Watching&) = delete;

    void sent(std::size_t bytes) {
      events_.add();
      event_sizes_.observe(static_cast<double>(bytes));
      bytes_ += bytes;
    }
    void initial_sent() { initial_events_.add(); }
    // The mark at the end of the initial events has been sent.
    void list_complete() { list_.observe(clock_.steady() - begun_); }

   private:
    const Clock& clock_;
    const Steady begun_;
    Counted open_;
    Counter events_, initial_events_, total_;
    Histogram event_sizes_, list_, duration_, sizes_;
    std::size_t bytes_ = 0;
  };

  // One pass through the admission plugins; when it is not told that each of them has passed, the next one has
  // rejected.
  class Admission {
   public:
    // `metrics` may be null. `operation` outlives this.
    Admission(ServerMetrics* metrics, std::string_view operation, bool validating);
    ~Admission();
    Admission(Admission&& other) noexcept
        : metrics_(std::exchange(other.metrics_, nullptr)),
          operation_(other.operation_),
          validating_(other.validating_),
          plugin_(other.plugin_),
          begun_(other.begun_),
          last_(other.last_) {}
    Admission& operator=(Admission&&) = delete;

    void passed();

   private:
    ServerMetrics* metrics_;
    const std::string_view operation_;
    const bool validating_;
    std::size_t plugin_ = 0;
    Steady begun_{}, last_{};
  };

  // What the doors say of one request, and how long they take. It counts when it is told to: a head may be judged that is judged
  // again with its body. Threads: any, one after the other.
  class Doors {
   public:
    // `metrics` may be null.
    explicit Doors(ServerMetrics* metrics) : metrics_(metrics) {}

    void asked();
    void known(const Identity& user);
    void allowed();
    // Nothing when they were not asked. What has not been told was refused.
    void count() const;

   private:
    ServerMetrics* metrics_;
    enum { Unasked, Asked, Known, Allowed } passed_ = Unasked;
    std::string_view user_;  // as the label says
    Steady begun_{}, known_{}, allowed_{};
  };

 private:
  struct OfKind {
    Histogram duration, sizes;  // sizes: of reads only
    std::vector<std::pair<int, Counter>> by_code;
  };
  struct Result {
    Counter attempts;
    Histogram duration;
  };
  struct Hash {
    std::size_t operator()(const Kind& kind) const;
  };

  Steady now() const;
  static Kind kind_of(const Call& call);
  // The next three: with `mutex_`.
  OfKind& of(const Kind& kind);
  Counter answers(OfKind& of, const Kind& kind, int code);
  Counter requests_of(std::string_view user);
  void admitted(std::optional<std::size_t> plugin, std::string_view operation, bool validating, bool rejected, Duration took);
  void show();

  Core& core_;
  const RequestFamilies families_;
  std::mutex mutex_;
  std::unordered_map<Kind, OfKind, Hash> kinds_;         // guarded
  std::unordered_map<std::string_view, Counter> users_;  // guarded
  Result known_, unknown_, allowed_, denied_;
  std::unordered_map<std::uint64_t, Histogram> admission_;
  std::array<std::atomic<int>, 2> inflight_{}, most_inflight_{};
  ScrapeHook hook_;
};

}  // namespace ph::apiserver
