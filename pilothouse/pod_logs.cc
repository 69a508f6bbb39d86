#include "pilothouse/pod_logs.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/errors.h"
#include "base/sync.h"
#include "core/v1.pb.h"
#include "pilothouse/kubelet_client.h"
#include "pilothouse/node_component.h"

namespace ph::pilothouse {
namespace {

using core::v1::Pod;

// How often a log that is followed is looked at.
constexpr Duration kLook = 200ms;
// Of what a kubelet says when it refuses.
constexpr std::size_t kRefusalMax = 4096;

// The container that is meant, or the Status upstream answers.
std::string container_of(const Pod& pod, std::string_view asked) {
  std::vector<std::string> names, init_names, ephemeral_names;
  for (const auto& container : pod.spec().containers()) names.push_back(container.name());
  for (const auto& container : pod.spec().init_containers()) init_names.push_back(container.name());
  for (const auto& container : pod.spec().ephemeral_containers()) {
    ephemeral_names.push_back(container.ephemeral_container_common().name());
  }
  if (asked.empty() && names.size() == 1) return names.front();
  const auto has = [&](const std::vector<std::string>& list) { return std::ranges::find(list, asked) != list.end(); };
  if (!asked.empty() && (has(names) || has(init_names) || has(ephemeral_names))) return std::string(asked);
  if (!asked.empty()) {
    throw api::bad_request(fmt::format("container {} is not valid for pod {}", asked, pod.metadata().name()));
  }
  std::string message = fmt::format("a container name must be specified for pod {}, choose one of: [{}]", pod.metadata().name(),
                                    fmt::join(names, " "));
  if (!init_names.empty()) message += fmt::format(" or one of the init containers: [{}]", fmt::join(init_names, " "));
  if (!ephemeral_names.empty()) {
    message += fmt::format(" or one of the ephemeral containers: [{}]", fmt::join(ephemeral_names, " "));
  }
  throw api::bad_request(std::move(message));
}

class FollowedLog final : public BodyStream {
 public:
  FollowedLog(std::string run, LogRequest asked, LogSource source)
      : run_(std::move(run)), previous_(asked.previous), text_(std::move(asked)), source_(std::move(source)) {}

  Task<std::optional<SharedBytes>> next() override {
    while (!done_) {
      const auto log = co_await source_.logs.read(source_.pod, source_.container, previous_);
      if (!log || log->run != run_) break;
      std::string text = text_.take(*log);
      done_ = log->ended || text_.full();
      if (!text.empty()) co_return share(std::move(text));
      if (!done_) co_await sleep_for(kLook);
    }
    done_ = true;
    co_return std::nullopt;
  }

 private:
  const std::string run_;
  const bool previous_;
  LogText text_;
  const LogSource source_;
  bool done_ = false;
};

Task<std::string> text_of(HttpResponse& response) {
  std::string out;
  for (const SharedBytes& piece : response.body) out += *piece;
  while (response.stream && out.size() < kRefusalMax) {
    const auto piece = co_await response.stream->next();
    if (!piece) break;
    out += **piece;
  }
  out.resize(std::min(out.size(), kRefusalMax));
  co_return out;
}

class PodLogs final : public apiserver::SubresourceHandler {
 public:
  PodLogs(const NodeLogs& logs, apiserver::ObjectReader& reader, KubeletClient* kubelets)
      : logs_(logs), reader_(reader), kubelets_(kubelets) {}

  Task<HttpResponse> handle(const HttpRequest& request, const apiserver::RequestInfo& info, const Identity&) override {
    const ObjectKey key{info.namespace_name, info.name};
    LogRequest asked = read_log_request(request.query(), info.name, Executor::current()->clock().now());
    const auto pod = reader_.read<Pod>(key);
    if (!pod) throw api::not_found("pods", info.name);
    const std::string container = container_of(*pod, asked.container);
    // Nobody has a log of it yet: no content, and no error.
    if (pod->spec().node_name().empty()) co_return HttpResponse{.status = 204};
    const std::string query(request.query()), node_name = pod->spec().node_name();
    if (const auto log = co_await logs_.read(key, container, asked.previous)) {
      if (!log->refusal.empty()) throw api::bad_request(log->refusal);
      co_return log_response(*log, std::move(asked), {logs_, key, container});
    }
    const auto node = reader_.read<core::v1::Node>({"", node_name});
    if (!kubelets_ || !node) throw api::internal(fmt::format("no hollow node here runs pod {}", key.text()));
    std::string target = fmt::format("/containerLogs/{}/{}/{}", key.namespace_name, key.name, container);
    if (!query.empty()) target += "?" + query;
    HttpResponse answer = co_await kubelets_->get(*node, std::move(target));
    if (answer.status == 404) throw api::not_found("pods", info.name);
    if (answer.status == 400) throw api::bad_request(co_await text_of(answer));
    if (answer.status == 500) throw api::internal(co_await text_of(answer));
    HttpResponse response{.status = answer.status};
    response.headers.add("Content-Type", "text/plain");
    response.body = std::move(answer.body);
    response.stream = std::move(answer.stream);
    co_return response;
  }

 private:
  const NodeLogs& logs_;
  apiserver::ObjectReader& reader_;
  KubeletClient* kubelets_;
};

}  // namespace

HttpResponse log_response(const node::ContainerLog& log, LogRequest asked, LogSource source) {
  HttpResponse response;
  response.headers.add("Content-Type", "text/plain");
  if (asked.follow && !log.ended) {
    response.stream = std::make_unique<FollowedLog>(log.run, std::move(asked), std::move(source));
    return response;
  }
  std::string text = LogText(std::move(asked)).take(log);
  if (!text.empty()) response.body.push_back(share(std::move(text)));
  return response;
}

std::unique_ptr<apiserver::SubresourceHandler> pod_logs(const NodeLogs& logs, apiserver::ObjectReader& reader,
                                                        KubeletClient* kubelets) {
  return std::make_unique<PodLogs>(logs, reader, kubelets);
}

}  // namespace ph::pilothouse
