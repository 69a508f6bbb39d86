#include "controllers/horizontal_pod_autoscaler/measuring.h"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/errors.h"
#include "api/quantity.h"
#include "api/times.h"
#include "informers/request.h"

namespace ph::controllers::horizontal_pod_autoscaler {
namespace {

using Json = nlohmann::json;
using informers::percent_encoded;

constexpr const char* kCustomGroup = "custom.metrics.k8s.io";
constexpr const char* kExternalRoot = "/apis/external.metrics.k8s.io/v1beta1";
// Newest first; both are read alike.
constexpr std::array<std::string_view, 2> kCustomVersions{"v1beta2", "v1beta1"};
// Of custom metrics that name no window.
constexpr Duration kWindow = 1min;
// So long it is taken for granted that they are served.
constexpr Duration kFresh = 30s;

Measured failed(std::string why) { return {.samples = {}, .value = 0, .failure = std::move(why)}; }

// How client-go tells what a server has answered without saying why.
std::string_view text_of_code(int code) {
  switch (code) {
    case 400: return "the server rejected our request for an unknown reason";
    case 401: return "the server has asked for the client to provide credentials";
    case 403: return "forbidden";
    case 404: return "the server could not find the requested resource";
    case 405: return "the server does not allow this method on the requested resource";
    case 429: return "the server has received too many requests and has asked us to try again later";
    case 503: return "the server is currently unable to handle the request";
    case 504: return "the server was unable to return a response in the time allotted, but may still be processing the request";
    default: return "unknown";
  }
}

std::string text_of(const api::ApiError& error, const std::string& resource, const std::string& name) {
  const auto& details = error.status().details();
  const bool says_why = !details.kind().empty() || !details.name().empty() || !details.causes().empty();
  if (says_why || (error.code() >= 500 && error.code() != 503 && error.code() != 504)) return error.what();
  return fmt::format("{} (get {}{}{})", text_of_code(error.code()), resource, name.empty() ? "" : " ", name);
}

// Members that may be missing, or be something else: what others serve is not ours to trust.
const Json& member(const Json& object, const char* name) {
  static const Json none;
  if (!object.is_object()) return none;
  const auto found = object.find(name);
  return found == object.end() ? none : *found;
}
std::string text(const Json& value) { return value.is_string() ? value.get<std::string>() : std::string(); }

// Of a list; nothing when it is none.
std::vector<Json> items_of(const std::string& body) {
  const Json document = Json::parse(body, nullptr, false);
  const Json& items = member(document, "items");
  return items.is_array() ? items.get<std::vector<Json>>() : std::vector<Json>();
}

std::optional<std::int64_t> milli(const Json& value) {
  const std::string written = value.is_string() ? value.get<std::string>() : value.is_number() ? value.dump() : std::string();
  const auto quantity = api::Quantity::parse(written);
  return quantity ? std::optional(quantity->milli_value()) : std::nullopt;
}

Time time_of(const Json& value) { return api::parse_rfc3339(text(value)).value_or(Time{}); }

std::int64_t sum(std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  if (__builtin_add_overflow(a, b, &out))
    return b > 0 ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min();
  return out;
}

// Of all containers, each of which has to say it; or of the one that is named.
std::optional<std::int64_t> use_of(const Json& containers, std::string_view resource, std::string_view container) {
  std::optional<std::int64_t> out;
  if (!containers.is_array()) return out;
  for (const Json& each : containers) {
    if (!container.empty() && text(member(each, "name")) != container) continue;
    const auto use = milli(member(member(each, "usage"), std::string(resource).c_str()));
    if (!use) return std::nullopt;
    out = sum(out.value_or(0), *use);
    if (!container.empty()) return out;
  }
  return out;
}

std::string query(std::initializer_list<std::pair<const char*, std::string>> parameters) {
  std::string out;
  for (const auto& [name, value] : parameters) {
    if (!value.empty()) out += fmt::format("{}{}={}", out.empty() ? '?' : '&', name, percent_encoded(value));
  }
  return out;
}

// As a query has it; without a selector nothing is asked for.
std::string selector_text(const autoscaling::v2::MetricIdentifier& metric) {
  return metric.has_selector() ? api::LabelSelector::from(metric.selector()).text() : std::string();
}

}  // namespace

Task<Measured> Measuring::measure(MetricSpec metric, std::string namespace_name, std::string pods) {
  if (!unaskable(metric).empty()) co_return Measured{};
  try {
    if (metric.type() == "Resource")
      co_return co_await measure_resource(metric.resource().name(), {}, std::move(namespace_name), std::move(pods));
    if (metric.type() == "ContainerResource")
      co_return co_await measure_resource(metric.container_resource().name(), metric.container_resource().container(),
                                          std::move(namespace_name), std::move(pods));
    if (metric.type() == "Pods")
      co_return co_await measure_pods(metric.pods().metric(), std::move(namespace_name), std::move(pods));
    if (metric.type() == "Object") co_return co_await measure_object(metric.object(), std::move(namespace_name));
    if (metric.type() == "External") co_return co_await measure_external(metric.external().metric(), std::move(namespace_name));
  } catch (const api::DecodeError& error) {  // a selector that is none
    co_return failed(error.what());
  }
  co_return Measured{};
}

Task<std::string> Measuring::read(std::string path, std::string resource, std::string name, std::string& failure) {
  try {
    Client::Document document = co_await client_.get_document(std::move(path), "application/json", {});
    co_return std::move(document.body);
  } catch (const api::ApiError& error) {
    failure = text_of(error, resource, name);
  }
  co_return std::string();
}

Task<Measured> Measuring::measure_resource(std::string resource, std::string container, std::string namespace_name,
                                           std::string pods) {
  std::string failure;
  const std::string body = co_await read(
      fmt::format("/apis/metrics.k8s.io/v1beta1/namespaces/{}/pods{}", namespace_name, query({{"labelSelector", pods}})),
      "pods.metrics.k8s.io", {}, failure);
  if (!failure.empty()) co_return failed("unable to fetch metrics from resource metrics API: " + failure);
  const std::vector<Json> items = items_of(body);
  if (items.empty()) co_return failed("no metrics returned from resource metrics API");
  Measured out;
  for (const Json& item : items) {
    const auto use = use_of(member(item, "containers"), resource, container);
    if (!use) continue;
    const Duration window = api::parse_duration(text(member(item, "window"))).value_or(Duration{});
    out.samples[text(member(member(item, "metadata"), "name"))] = {*use, time_of(member(item, "timestamp")), window};
  }
  co_return out;
}

Task<std::string> Measuring::custom_root(std::string& failure) {
  if (!custom_root_.empty() && clock_.steady() - custom_asked_ < kFresh) co_return custom_root_;
  custom_asked_ = clock_.steady();
  custom_root_.clear();
  meta::v1::APIGroup group;
  try {
    const Client::Document document =
        co_await client_.get_document(fmt::format("/apis/{}", kCustomGroup), "application/json", {});
    api::decode_json(document.body, group);
  } catch (const api::ApiError& error) {
    if (error.code() != 404) throw;
    failure = fmt::format("no custom metrics API ({}) registered", kCustomGroup);
    co_return std::string();
  }
  for (const std::string_view version : kCustomVersions) {
    const auto is_it = [&](const auto& each) { return each.version() == version; };
    if (std::ranges::any_of(group.versions(), is_it)) custom_root_ = fmt::format("/apis/{}/{}", kCustomGroup, version);
    if (!custom_root_.empty()) co_return custom_root_;
  }
  failure = "no known available metric versions found";
  co_return std::string();
}

Task<Measured> Measuring::measure_pods(autoscaling::v2::MetricIdentifier metric, std::string namespace_name, std::string pods) {
  std::string failure, body;
  const std::string root = co_await custom_root(failure);
  if (failure.empty()) {
    body = co_await read(fmt::format("{}/namespaces/{}/pods/%2A/{}{}", root, namespace_name, percent_encoded(metric.name()),
                                     query({{"labelSelector", pods}, {"metricLabelSelector", selector_text(metric)}})),
                         "pods.custom.metrics.k8s.io", "*", failure);
  }
  if (!failure.empty()) co_return failed("unable to fetch metrics from custom metrics API: " + failure);
  const std::vector<Json> items = items_of(body);
  if (items.empty()) co_return failed("no metrics returned from custom metrics API");
  Measured out;
  for (const Json& item : items) {
    const Json& window = member(item, "windowSeconds");
    out.samples[text(member(member(item, "describedObject"), "name"))] = {
        milli(member(item, "value")).value_or(0), time_of(member(item, "timestamp")),
        window.is_number_integer() ? std::chrono::seconds(window.get<std::int32_t>()) : kWindow};
  }
  co_return out;
}

Task<Measured> Measuring::measure_object(autoscaling::v2::ObjectMetricSource source, std::string namespace_name) {
  std::string failure, body;
  const std::string root = co_await custom_root(failure);
  const auto& about = source.described_object();
  const std::string group = about.api_version().find('/') == std::string::npos
                                ? std::string()
                                : about.api_version().substr(0, about.api_version().find('/'));
  std::string resource = "metrics", name = namespace_name, path;
  // A reference does not lead out of its namespace: a Namespace can only be that.
  const bool is_namespace = about.kind() == "Namespace" && group.empty();
  if (failure.empty() && !is_namespace) {
    const auto target = co_await targets_.find(group, about.kind());
    name = about.name();
    if (target) resource = target->group.empty() ? target->plural : target->plural + "." + target->group;
    else failure = target.error();
  }
  if (failure.empty()) {
    const std::string where = is_namespace ? std::string("metrics") : fmt::format("{}/{}", resource, percent_encoded(name));
    body = co_await read(
        fmt::format("{}/namespaces/{}/{}/{}{}", root, namespace_name, where, percent_encoded(source.metric().name()),
                    query({{"metricLabelSelector", selector_text(source.metric())}})),
        fmt::format("{}.{}", resource, kCustomGroup), is_namespace ? source.metric().name() : name, failure);
  }
  if (!failure.empty()) co_return failed("unable to fetch metrics from custom metrics API: " + failure);
  const std::vector<Json> items = items_of(body);
  if (items.size() != 1) {
    co_return failed(
        fmt::format("unable to fetch metrics from custom metrics API: the custom metrics API server returned {} "
                    "results when we asked for exactly one",
                    items.size()));
  }
  co_return Measured{.samples = {}, .value = milli(member(items.front(), "value")).value_or(0), .failure = {}};
}

Task<Measured> Measuring::measure_external(autoscaling::v2::MetricIdentifier metric, std::string namespace_name) {
  std::string failure;
  const std::string body =
      co_await read(fmt::format("{}/namespaces/{}/{}{}", kExternalRoot, namespace_name, percent_encoded(metric.name()),
                                query({{"labelSelector", selector_text(metric)}})),
                    metric.name() + ".external.metrics.k8s.io", {}, failure);
  if (!failure.empty()) co_return failed("unable to fetch metrics from external metrics API: " + failure);
  const std::vector<Json> items = items_of(body);
  if (items.empty()) co_return failed("no metrics returned from external metrics API");
  Measured out;
  for (const Json& item : items) out.value = sum(out.value, milli(member(item, "value")).value_or(0));
  co_return out;
}

}  // namespace ph::controllers::horizontal_pod_autoscaler
