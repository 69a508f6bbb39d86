#include "pilothouse/pod_logs.h"

#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/errors.h"
#include "core/v1.pb.h"
#include "pilothouse/kubelet_client.h"
#include "pilothouse/node_component.h"

namespace ph::pilothouse {
namespace {

using core::v1::Pod;

// A parameter of the query; container names and numbers need no decoding.
std::string_view parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('=')) return pair.substr(name.size() + 1);
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
  }
  return {};
}

std::string last_lines(std::string text, std::string_view lines) {
  std::size_t wanted = 0;
  if (std::from_chars(lines.data(), lines.data() + lines.size(), wanted).ec != std::errc()) return text;
  std::size_t at = text.size();
  for (std::size_t found = 0; at > 0; --at) {
    if (text[at - 1] == '\n' && at != text.size() && ++found == wanted) break;
  }
  return wanted == 0 ? std::string() : text.substr(at);
}

// The container that is meant, or the Status upstream answers.
std::string container_of(const Pod& pod, std::string_view asked) {
  std::vector<std::string> names, init_names;
  for (const auto& container : pod.spec().containers()) names.push_back(container.name());
  for (const auto& container : pod.spec().init_containers()) init_names.push_back(container.name());
  if (asked.empty() && names.size() == 1) return names.front();
  const auto has = [&](const std::vector<std::string>& list) { return std::ranges::find(list, asked) != list.end(); };
  if (!asked.empty() && (has(names) || has(init_names))) return std::string(asked);
  if (!asked.empty()) {
    throw api::bad_request(fmt::format("container {} is not valid for pod {}", asked, pod.metadata().name()));
  }
  std::string message = fmt::format("a container name must be specified for pod {}, choose one of: [{}]", pod.metadata().name(),
                                    fmt::join(names, " "));
  if (!init_names.empty()) message += fmt::format(" or one of the init containers: [{}]", fmt::join(init_names, " "));
  throw api::bad_request(std::move(message));
}

class PodLogs final : public apiserver::SubresourceHandler {
 public:
  PodLogs(const NodeLogs& logs, apiserver::ObjectReader& reader, KubeletClient* kubelets)
      : logs_(logs), reader_(reader), kubelets_(kubelets) {}

  Task<HttpResponse> handle(const HttpRequest& request, const apiserver::RequestInfo& info, const Identity&) override {
    const ObjectKey key{info.namespace_name, info.name};
    const auto pod = reader_.read<Pod>(key);
    if (!pod) throw api::not_found("pods", info.name);
    const std::string container = container_of(*pod, parameter(request.query(), "container"));
    if (pod->spec().node_name().empty()) {
      throw api::bad_request(fmt::format("pod {} does not have a host assigned", info.name));
    }
    const std::string query(request.query()), node_name = pod->spec().node_name();
    if (auto text = co_await logs_.read(key, container)) co_return log_response(std::move(*text), query);
    const auto node = reader_.read<core::v1::Node>({"", node_name});
    if (!kubelets_ || !node) throw api::internal(fmt::format("no hollow node here runs pod {}", key.text()));
    std::string target = fmt::format("/containerLogs/{}/{}/{}", key.namespace_name, key.name, container);
    if (!query.empty()) target += "?" + query;
    HttpResponse answer = co_await kubelets_->get(*node, std::move(target));
    if (answer.status == 404) throw api::not_found("pods", info.name);
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

HttpResponse log_response(std::string text, std::string_view query) {
  const std::string tail(parameter(query, "tailLines"));
  if (!tail.empty()) text = last_lines(std::move(text), tail);
  HttpResponse response;
  response.headers.add("Content-Type", "text/plain");
  if (!text.empty()) response.body.push_back(share(std::move(text)));
  return response;
}

std::unique_ptr<apiserver::SubresourceHandler> pod_logs(const NodeLogs& logs, apiserver::ObjectReader& reader,
                                                        KubeletClient* kubelets) {
  return std::make_unique<PodLogs>(logs, reader, kubelets);
}

}  // namespace ph::pilothouse
