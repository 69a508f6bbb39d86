#include "informers/metrics.h"

#include <algorithm>

#include "base/executor.h"

namespace ph::informers {

ClientMetrics::ClientMetrics(Metrics* metrics, std::string host) : in_(metrics), host_(std::move(host)) {}

void ClientMetrics::count(std::string_view method, int code) {
  auto& counters = of(method).requests;
  auto known = std::ranges::find(counters, code, [](const auto& entry) { return entry.first; });
  if (known == counters.end()) {
    const std::string text = code == 0 ? "<error>" : std::to_string(code);
    known = counters.insert(known, {code, requests_.with({text, host_, method})});
  }
  known->second.add();
}

ClientMetrics::OfMethod& ClientMetrics::of(std::string_view method) {
  const auto found = by_method_.find(method);
  if (found != by_method_.end()) return found->second;
  return by_method_
      .emplace(std::string(method), OfMethod{.duration = duration_.with({host_, method}),
                                             .request_size = request_size_.with({host_, method}),
                                             .response_size = response_size_.with({host_, method}),
                                             .requests = {}})
      .first->second;
}

ClientMetrics::Attempt::Attempt(ClientMetrics* metrics, const HttpRequest& request, bool lasting)
    : metrics_(metrics && metrics->in_ ? metrics : nullptr) {
  if (!metrics_) return;
  method_ = &request.method;
  clock_ = &Executor::current()->clock();
  begun_ = clock_->steady();
  lasting_ = lasting;
  size_ = request.body.size();
}

ClientMetrics::Attempt::~Attempt() {
  if (!metrics_ || answered_) return;
  metrics_->count(*method_, 0);
  if (!lasting_) metrics_->of(*method_).duration.observe(clock_->steady() - begun_);
}

void ClientMetrics::Attempt::answered(const HttpResponse& response) {
  if (!metrics_) return;
  answered_ = true;
  metrics_->count(*method_, response.status);
  if (lasting_) return;
  const OfMethod& of = metrics_->of(*method_);
  of.duration.observe(clock_->steady() - begun_);
  of.request_size.observe(static_cast<double>(size_));
  std::size_t size = 0;
  for (const SharedBytes& piece : response.body) size += piece->size();
  of.response_size.observe(static_cast<double>(size));
}

void ClientMetrics::Attempt::retried(int status) {
  if (metrics_) metrics_->retries_.with({std::to_string(status), metrics_->host_, *method_}).add();
}

InformerSeries informer_series(const InformerMetrics& metrics, std::string_view user_agent, bool metadata_only,
                               const api::Resource& resource) {
  const std::string_view client = user_agent.substr(0, user_agent.find('/'));
  const std::initializer_list<std::string_view> values{client, metadata_only ? "metadata" : "object", resource.kind.group,
                                                       resource.plural};
  return {.lists = metrics.lists.with(values),
          .watches = metrics.watches.with(values),
          .resumes = metrics.resumes.with(values),
          .events = metrics.events.with(values),
          .errors = metrics.errors.with(values),
          .objects = metrics.objects.with(values),
          .synced = metrics.synced.with(values),
          .staleness = metrics.staleness.with(values)};
}

}  // namespace ph::informers
