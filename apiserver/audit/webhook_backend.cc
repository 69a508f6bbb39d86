// Upstream: apiserver/plugin/pkg/audit/webhook, apiserver/pkg/util/webhook
#include "apiserver/audit/webhook_backend.h"

#include <fmt/format.h>

#include "base/sync.h"

namespace ph::apiserver::audit {
namespace {

constexpr int kAttempts = 5;
constexpr double kGrowth = 1.5, kJitter = 0.2;

bool may_succeed_later(const HttpResponse& response) { return response.status == 429 || response.status == 500; }

class Sender {
 public:
  Sender(Rng& rng, std::shared_ptr<Transport> transport, WebhookOptions options, Log log)
      : rng_(rng), transport_(std::move(transport)), options_(std::move(options)), log_(std::move(log)) {}

  // In as few pieces as the bounds allow.
  Task<void> send_all(Events events) {
    std::string items;
    std::size_t number = 0;
    for (const EventRef& event : events) {
      const std::string item = bounded_json(*event, false, options_.truncation);
      if (item.empty()) {
        log_.warning("an event is too large to be audited", "auditID", event->id);
        options_.errors.add();
        continue;
      }
      const bool full = options_.truncation.enabled && items.size() + item.size() > options_.truncation.batch_bytes;
      if (full && number > 0) {
        co_await send(items, number);
        items.clear();
        number = 0;
      }
      items += (items.empty() ? "" : ",") + item;
      ++number;
    }
    if (number > 0) co_await send(items, number);
  }

 private:
  Task<void> send(const std::string& items, std::size_t number) {
    Duration wait = options_.initial_backoff;
    std::string why;
    for (int attempt = 1;; ++attempt) {
      bool again = false;
      try {
        const HttpResponse response = co_await transport_->send(request_of(items), false);
        if (response.status >= 200 && response.status < 300) co_return;
        why = fmt::format("it answered {}", response.status);
        again = may_succeed_later(response);
      } catch (const TransportError& error) {
        why = error.what();
        again = true;
      }
      if (!again || attempt == kAttempts) break;
      const double factor = 1 + kJitter * rng_.fraction();
      co_await sleep_for(std::chrono::duration_cast<Duration>(wait * factor));
      wait = std::chrono::duration_cast<Duration>(wait * kGrowth);
    }
    options_.errors.add(number);
    log_.error("audit events could not be sent", "events", number, "err", why);
  }

  HttpRequest request_of(const std::string& items) const {
    HttpRequest request{.method = "POST", .target = options_.target};
    request.headers.add("Host", options_.host);
    request.headers.add("Content-Type", "application/json");
    request.headers.add("Accept", "application/json, */*");
    request.headers.add("User-Agent", "kube-apiserver-audit");
    if (!options_.token.empty()) request.headers.add("Authorization", "Bearer " + options_.token);
    request.body = R"({"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[)" + items + "]}";
    return request;
  }

  Rng& rng_;
  const std::shared_ptr<Transport> transport_;
  const WebhookOptions options_;
  const Log log_;
};

}  // namespace

std::unique_ptr<Backend> webhook_backend(Executor& executor, Rng& rng, std::shared_ptr<Transport> transport,
                                         WebhookOptions options, Log log) {
  const BatchOptions batch = options.batch;
  const auto sender = std::make_shared<Sender>(rng, std::move(transport), std::move(options), log);
  return batching(
      executor, batch, [sender](Events events) { return sender->send_all(std::move(events)); },
      [log](Events events) { log.warning("audit events were not sent before the end", "events", events.size()); }, true, log);
}

}  // namespace ph::apiserver::audit
