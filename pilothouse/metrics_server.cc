#include "pilothouse/metrics_server.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/codec.h"
#include "api/errors.h"
#include "api/json_text.h"
#include "api/selector.h"
#include "api/times.h"
#include "apiserver/rest/query.h"
#include "base/accept.h"
#include "base/assert.h"
#include "pilothouse/kubelet_client.h"

namespace ph::pilothouse {
namespace {

using apiserver::RequestInfo;
using node::PodUse;

constexpr const char* kGroup = "metrics.k8s.io";
constexpr const char* kWindow = "15s";  // a kubelet measures so often

HttpResponse json(int status, std::string body) {
  HttpResponse out{.status = status};
  out.headers.add("Content-Type", "application/json");
  out.body.push_back(share(std::move(body)));
  return out;
}

HttpResponse json(const api::ApiError& error) { return json(error.code(), api::encode_json(error.status())); }

std::vector<api::Resource> metrics_resources() {
  const auto resource = [](const char* plural, const char* kind, bool namespaced) {
    api::Resource out;
    out.kind = {.group = kGroup, .version = "v1beta1", .kind = kind};
    out.plural = plural;
    out.namespaced = namespaced;
    out.verbs = {"get", "list"};
    return out;
  };
  return {resource("nodes", "NodeMetrics", false), resource("pods", "PodMetrics", true)};
}

// What is asked for, and of which objects.
struct Asked {
  bool pods = false, one = false;
  std::string namespace_name, name;
  api::LabelSelector labels;

  bool takes(std::string_view object, const informers::LabelViews& have) const {
    if (!name.empty() && name != object) return false;
    return labels.empty() || labels.matches([&](std::string_view key) { return informers::find_label(have, key); });
  }
};

// A selector of fields may name the object, and its namespace.
void read_fields(const apiserver::Query& query, Asked& asked) {
  for (const auto& term : api::FieldSelector::parse(query.get("fieldSelector")).terms()) {
    std::string* const member = term.field == "metadata.name"                      ? &asked.name
                                : term.field == "metadata.namespace" && asked.pods ? &asked.namespace_name
                                                                                   : nullptr;
    if (!member || !term.equals) throw api::bad_request(fmt::format("field label not supported: {}", term.field));
    if (!member->empty() && *member != term.value) asked.labels = api::LabelSelector::nothing();
    *member = term.value;
  }
}

Asked read(const HttpRequest& request) {
  const RequestInfo info = apiserver::parse_request(request);
  Asked out{.pods = info.resource == "pods", .one = info.names_object};
  const bool known = info.group == kGroup && info.version == "v1beta1" && (out.pods || info.resource == "nodes");
  const bool lives_here = out.pods ? info.under_namespace || !info.names_object : !info.under_namespace;
  if (!known || !lives_here || info.unknown_shape || !info.subresource.empty()) throw api::page_not_found();
  if (info.verb != "get" && info.verb != "list") throw api::method_not_allowed(info.resource + "." + kGroup, info.verb);
  const auto ranges = accepted(request);
  const bool takes_json = std::ranges::any_of(
      ranges, [](const MediaRange& range) { return range.covers("application/json") && range.parameter("as").empty(); });
  if (!takes_json) throw api::not_acceptable("application/json");
  out.namespace_name = info.under_namespace ? info.namespace_name : std::string();
  if (out.one) out.name = info.name;
  const apiserver::Query query = apiserver::Query::parse(request.query());
  try {
    out.labels = api::LabelSelector::parse(query.get("labelSelector"));
    read_fields(query, out);
  } catch (const api::DecodeError& error) {
    throw api::bad_request(error.what());
  }
  return out;
}

// -- Written as text: there may be a hundred thousand of them.

void append_usage(double cpu, double memory, std::string& out) {
  fmt::format_to(std::back_inserter(out), R"("usage":{{"cpu":"{}n","memory":"{}Ki"}})", std::llround(cpu * 1e9),
                 std::llround(memory / 1024));
}

void append_metadata(std::string_view name, std::string_view namespace_name, const informers::LabelViews& labels,
                     const std::string& time, std::string& out) {
  out += R"("metadata":{"name":)";
  api::append_json_string(name, out);
  if (!namespace_name.empty()) {
    out += R"(,"namespace":)";
    api::append_json_string(namespace_name, out);
  }
  fmt::format_to(std::back_inserter(out), R"(,"creationTimestamp":"{}")", time);
  if (!labels.empty()) {
    out += R"(,"labels":{)";
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (i > 0) out += ',';
      api::append_json_string(labels[i].first.view(), out);
      out += ':';
      api::append_json_string(labels[i].second.view(), out);
    }
    out += '}';
  }
  fmt::format_to(std::back_inserter(out), R"(}},"timestamp":"{}","window":"{}",)", time, kWindow);
}

// An object begins with its kind, an item of a list does not.
void begin_object(const char* kind, bool one, std::string& out) {
  out += '{';
  if (one) fmt::format_to(std::back_inserter(out), R"("kind":"{}","apiVersion":"{}",)", kind, kMetricsVersion);
}

void append_pod(const PodUse& use, const Asked& asked, const std::string& time, std::string& out) {
  begin_object("PodMetrics", asked.one, out);
  append_metadata(use.pod->name, use.pod->namespace_name.view(), use.pod->labels, time, out);
  out += R"("containers":[)";
  for (std::size_t i = 0; i < use.containers.size(); ++i) {
    out += i > 0 ? R"(,{"name":)" : R"({"name":)";
    api::append_json_string(use.containers[i].name, out);
    out += ',';
    append_usage(use.containers[i].cpu, use.containers[i].memory, out);
    out += '}';
  }
  out += "]}";
}

// Of all, when one is asked for what is shared: its part depends on the others.
std::vector<std::string> pod_texts(const node::HollowNodes& nodes, const Asked& asked, const std::string& time) {
  std::vector<std::string> out;
  for (const PodUse& use : nodes.pod_uses(asked.namespace_name)) {
    if (asked.takes(use.pod->name, use.pod->labels)) append_pod(use, asked, time, out.emplace_back());
  }
  return out;
}

std::vector<std::string> node_texts(const node::HollowNodes& nodes, const Asked& asked, const std::string& time) {
  struct Sum {
    double cpu = 0, memory = 0;
  };
  std::map<std::string, Sum, std::less<>> sums;
  for (const PodUse& use : nodes.pod_uses({})) {
    Sum& sum = sums[std::string(use.pod->node_name.view())];
    for (const auto& container : use.containers) {
      sum.cpu += container.cpu;
      sum.memory += container.memory;
    }
  }
  std::vector<std::string> out;
  for (const auto& node : nodes.answering()) {
    if (!asked.takes(node->name, node->labels)) continue;
    std::string& text = out.emplace_back();
    begin_object("NodeMetrics", asked.one, text);
    append_metadata(node->name, {}, node->labels, time, text);
    const Sum& sum = sums[node->name];
    append_usage(sum.cpu, sum.memory, text);
    text += '}';
  }
  return out;
}

std::string list_of(const char* kind, const std::vector<std::string>& items) {
  return fmt::format(R"({{"kind":"{}List","apiVersion":"{}","metadata":{{}},"items":[{}]}})", kind, kMetricsVersion,
                     fmt::join(items, ","));
}

// -- As a group of the apiserver's

class Metrics final : public apiserver::ForeignGroup {
 public:
  using Ask = std::function<Task<HttpResponse>(const HttpRequest& request)>;
  explicit Metrics(Ask ask) : ask_(std::move(ask)) {}
  std::span<const api::Resource> resources() const override { return resources_; }
  Task<HttpResponse> handle(const HttpRequest& request, const RequestInfo&, const Identity&) override { return ask_(request); }

 private:
  const Ask ask_;
  const std::vector<api::Resource> resources_ = metrics_resources();
};

struct Address {
  std::string host;
  std::uint16_t port = 0;
};
// Nothing: it is not https://HOST:PORT.
std::optional<Address> read_url(const std::string& url) {
  constexpr std::string_view kScheme = "https://";
  const auto colon = url.rfind(':');
  if (!url.starts_with(kScheme) || colon == url.npos || colon <= kScheme.size()) return std::nullopt;
  Address out{.host = url.substr(kScheme.size(), colon - kScheme.size())};
  const char* const end = url.data() + url.size();
  const auto [stop, error] = std::from_chars(url.data() + colon + 1, end, out.port);
  if (error != std::errc() || stop != end || out.port == 0 || out.host.find('/') != out.host.npos) return std::nullopt;
  return out;
}

// Not lambda coroutines: their captures would die with the lambda.
Task<HttpResponse> ask_here(const NodeDoor* nodes, const HttpRequest* request) {
  HttpRequest asked{.method = request->method, .target = request->target, .headers = request->headers, .body = {}, .peer = {}};
  auto answer = co_await nodes->ask<HttpResponse>([asked = std::make_shared<const HttpRequest>(std::move(asked))](
                                                      const node::HollowNodes& all) { return answer_metrics(all, *asked); });
  if (!answer) throw api::unavailable("there are no hollow nodes that could tell what is used");
  co_return std::move(*answer);
}

Task<HttpResponse> ask_there(KubeletClient* client, std::string host, std::uint16_t port, const HttpRequest* request) {
  if (request->method != "GET" && request->method != "HEAD") throw api::method_not_allowed(kGroup, request->method);
  std::string trouble;
  try {
    HttpResponse answer = co_await client->get_at(host, port, request->target);
    HttpResponse response{.status = answer.status};
    response.headers.add("Content-Type", "application/json");
    response.body = std::move(answer.body);
    response.stream = std::move(answer.stream);
    co_return response;
  } catch (const api::ApiError& error) {
    trouble = error.what();
  }
  throw api::unavailable("error trying to reach service: " + trouble);
}

}  // namespace

HttpResponse answer_metrics(const node::HollowNodes& nodes, const HttpRequest& request) {
  try {
    const Asked asked = read(request);
    const std::string time = api::rfc3339(std::chrono::floor<std::chrono::seconds>(nodes.now()));
    const char* const kind = asked.pods ? "PodMetrics" : "NodeMetrics";
    std::vector<std::string> items = asked.pods ? pod_texts(nodes, asked, time) : node_texts(nodes, asked, time);
    if (!asked.one) return json(200, list_of(kind, items));
    const std::string key = asked.pods ? asked.namespace_name + "/" + asked.name : asked.name;
    if (items.empty()) throw api::not_found(asked.pods ? "podmetrics.metrics.k8s.io" : "nodemetrics.metrics.k8s.io", key);
    return json(200, std::move(items.front()));
  } catch (const api::ApiError& error) {
    return json(error);
  }
}

std::shared_ptr<apiserver::ForeignGroup> metrics_of(const NodeDoor& nodes) {
  return std::make_shared<Metrics>([&nodes](const HttpRequest& request) { return ask_here(&nodes, &request); });
}

bool is_metrics_url(const std::string& url) { return read_url(url).has_value(); }

std::shared_ptr<apiserver::ForeignGroup> metrics_at(KubeletClient& client, const std::string& url) {
  const std::optional<Address> at = read_url(url);
  PH_ASSERT(at);
  return std::make_shared<Metrics>(
      [&client, at = *at](const HttpRequest& request) { return ask_there(&client, at.host, at.port, &request); });
}

}  // namespace ph::pilothouse
