#include "tests/vectors/observed_server.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "apiserver/authn/token_keys.h"
#include "apiserver/standard.h"
#include "apiserver/storage/memory.h"
#include "tests/apiserver/body_text.h"

namespace ph::vectors {
namespace {

// The recorder's custom resource.
constexpr const char* kWidgets = R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
"metadata":{"name":"widgets.rec.example.com"},"spec":{"group":"rec.example.com","names":{"categories":["all"],"kind":"Widget",
"listKind":"WidgetList","plural":"widgets","shortNames":["wg"],"singular":"widget"},"scope":"Namespaced","versions":[{
"additionalPrinterColumns":[{"jsonPath":".spec.n","name":"N","type":"integer"},
{"jsonPath":".spec.l[*].k","name":"Keys","type":"string"},{"jsonPath":".spec.s","name":"S","priority":1,"type":"string"},
{"jsonPath":".spec.b","name":"B","type":"boolean"},{"jsonPath":".spec.when","name":"When","type":"date"}],"name":"v1",
"schema":{"openAPIV3Schema":{"properties":{"spec":{"properties":{
"al":{"items":{"type":"string"},"type":"array","x-kubernetes-list-type":"atomic"},
"any":{"type":"object","x-kubernetes-preserve-unknown-fields":true},
"atom":{"properties":{"x":{"type":"string"},"y":{"type":"string"}},"type":"object","x-kubernetes-map-type":"atomic"},
"b":{"type":"boolean"},"d":{"default":"dflt","type":"string"},
"l":{"items":{"properties":{"k":{"type":"string"},"v":{"type":"string"}},"required":["k"],"type":"object"},"type":"array",
"x-kubernetes-list-map-keys":["k"],"x-kubernetes-list-type":"map"},
"m":{"additionalProperties":{"type":"string"},"type":"object"},"n":{"maximum":10,"minimum":0,"type":"integer"},
"plain":{"items":{"type":"string"},"type":"array"},"s":{"type":"string"},
"set":{"items":{"type":"string"},"type":"array","x-kubernetes-list-type":"set"},"when":{"type":"string"}},"required":["n"],
"type":"object"},"status":{"properties":{"r":{"type":"integer"},"sel":{"type":"string"}},"type":"object"}},"required":["spec"],
"type":"object"}},"selectableFields":[{"jsonPath":".spec.s"}],"served":true,"storage":true,
"subresources":{"scale":{"labelSelectorPath":".status.sel","specReplicasPath":".spec.n","statusReplicasPath":".status.r"},
"status":{}}}]}})";

apiserver::ServerOptions server_options() {
  apiserver::ServerOptions options;
  options.service_cidr = "10.0.0.0/24";
  options.advertise_address = "192.0.2.1";
  // What definitions say besides their rules in CEL can be seen only where those are no reason to refuse them.
  options.crd_ignore_cel = true;
  return options;
}

apiserver::StandardOptions standard_options() {
  apiserver::StandardOptions options;
  options.token_keys = apiserver::make_simulated_token_keys();
  options.service_account_issuer = "https://kubernetes.default.svc";
  options.static_tokens = "admintoken,admin,admin-uid,system:masters\nplaintoken,jane,jane-uid,devs\n";
  return options;
}

// `299 - "text"`, with quotes and backslashes escaped.
std::string warning_text(std::string_view header) {
  if (!header.starts_with("299 - \"") || !header.ends_with('"')) return std::string(header);
  header = header.substr(7, header.size() - 8);
  std::string out;
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (header[i] == '\\' && i + 1 < header.size()) ++i;
    out += header[i];
  }
  return out;
}

// A Status is recorded without what all of them have.
Json as_recorded(Json document) {
  if (!document.is_object() || document.value("kind", "") != "Status") return document;
  document.erase("kind");
  document.erase("apiVersion");
  if (document.contains("metadata") && document["metadata"].empty()) document.erase("metadata");
  return document;
}

Answer answer_of(int code, const Headers& headers, const std::string& body, bool stream) {
  Answer out{.code = code, .fields = Json::object()};
  Json warnings = Json::array();
  for (const auto& [name, value] : headers) {
    if (name == "Warning") warnings.push_back(warning_text(value));
  }
  if (!warnings.empty()) out.fields["warn"] = warnings;
  if (headers.has("Retry-After")) out.fields["retryAfter"] = std::string(headers.get("Retry-After"));
  const std::string type(headers.get("Content-Type"));
  if (type != "application/json" && !type.empty()) out.fields["type"] = type;
  if (stream) {
    Json events = Json::array();
    for (std::size_t at = 0; at < body.size();) {
      const std::size_t end = std::min(body.find('\n', at), body.size());
      if (end > at) events.push_back(Json::parse(body.substr(at, end - at)));
      at = end + 1;
    }
    out.fields["events"] = events;
    return out;
  }
  Json document = Json::parse(body, nullptr, false);
  if (document.is_discarded()) {
    if (!body.empty()) out.fields["text"] = body;
  } else {
    out.fields["r"] = as_recorded(std::move(document));
  }
  return out;
}

}  // namespace

Request Request::of(const Json& step, const Bindings& bindings) {
  Request out;
  out.method = step.value("m", "GET");
  out.path = bindings.fill(step.at("p").get<std::string>(), true);
  if (step.contains("raw")) {
    out.body = step["raw"].get<std::string>();
  } else if (step.contains("b") && !step["b"].is_null()) {
    out.body = bindings.fill(step["b"]).dump();
  }
  std::map<std::string, Json> headers = {
      {"Accept", "application/json"}, {"Content-Type", "application/json"}, {"Authorization", "Bearer admintoken"}};
  for (const auto& [name, value] : step.value("h", Json::object()).items()) headers[name] = value;
  for (const auto& [name, value] : headers) {
    if (!value.is_null()) out.headers.emplace_back(name, bindings.fill(value.get<std::string>()));
  }
  return out;
}

Request Request::make(std::string method, std::string path, const Json& body, std::string type) {
  Json step = {{"m", std::move(method)}, {"p", std::move(path)}, {"h", {{"Content-Type", std::move(type)}}}};
  if (!body.is_null()) step["b"] = body;
  return of(step, {});
}

ObservedServer::ObservedServer()
    : store_(apiserver::memory_store(executor_, executor_.clock(), {})),
      server_(std::make_unique<apiserver::ApiServer>(executor_, rng_, *store_, Log(), server_options())),
      scope_(executor_) {
  server_->install(apiserver::standard_extensions(*server_, executor_.clock(), rng_, standard_options()));
  scope_.spawn(server_->start());
  executor_.advance(1s);
  send(Request::make("POST", "/api/v1/namespaces/default/serviceaccounts",
                     {{"apiVersion", "v1"}, {"kind", "ServiceAccount"}, {"metadata", {{"name", "default"}}}}));
}

ObservedServer::~ObservedServer() {
  scope_.cancel();
  server_.reset();
  executor_.clear();
}

void ObservedServer::add_widgets() {
  send(Request::make("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", Json::parse(kWidgets)));
  executor_.advance(1s);
}

// The memory store forgets by age; and so does what the server keeps of old states.
void ObservedServer::compact() { executor_.advance(1h); }

Answer ObservedServer::send(const Request& request) {
  HttpRequest out;
  out.method = request.method;
  out.target = request.path;
  out.body = request.body;
  for (const auto& [name, value] : request.headers) out.headers.add(name, value);
  if (!out.headers.has("User-Agent")) out.headers.add("User-Agent", "recorder/1.0");
  const auto answer = std::make_shared<std::optional<Answer>>();
  scope_.spawn(exchange(std::move(out), answer));
  executor_.drain();
  for (int i = 0; i < 1200 && !*answer; ++i) executor_.advance(100ms);
  if (!*answer) throw std::runtime_error("no answer");
  return std::move(**answer);
}

Task<void> ObservedServer::exchange(HttpRequest request, std::shared_ptr<std::optional<Answer>> out) {
  HttpResponse response = co_await server_->handle(std::move(request));
  std::string body = apiserver::testing::body_text(response);
  const bool is_watch = response.stream != nullptr;
  if (is_watch) {
    while (const auto piece = co_await response.stream->next()) body += **piece;
  }
  *out = answer_of(response.status, response.headers, body, is_watch);
}

Json without_managed_fields(Json document) {
  if (document.is_object()) {
    if (document.contains("metadata") && document["metadata"].is_object()) document["metadata"].erase("managedFields");
    for (Json& each : document) each = without_managed_fields(std::move(each));
  } else if (document.is_array()) {
    for (Json& each : document) each = without_managed_fields(std::move(each));
  }
  return document;
}

Json in_order(Json document) {
  if (!document.is_structured()) return document;
  for (Json& each : document) each = in_order(std::move(each));
  if (!document.is_object()) return document;
  const auto sort = [&](const char* name, auto key) {
    const auto list = document.find(name);
    if (list != document.end() && list->is_array()) sort_list(*list, key);
  };
  const auto text = [](const Json& each) { return each.dump(); };
  sort("managedFields", [](const Json& each) {
    return each.value("manager", "") + "\n" + each.value("operation", "") + "\n" + each.value("subresource", "") + "\n" +
           each.value("apiVersion", "");
  });
  sort("resourceRules", text);
  sort("nonResourceRules", text);
  if (document.value("reason", Json()) == "Conflict" && document.contains("details") && document["details"].contains("causes")) {
    sort_list(document["details"]["causes"]);
  }
  return document;
}

std::string compare_answers(const Json& recorded, const Json& got, Bindings& bindings) {
  Json ours = got;
  // Said of the recorded answer: everything but its code.
  Json theirs = recorded;
  theirs.erase("code");
  return differences(in_order(std::move(theirs)), in_order(std::move(ours)), bindings);
}

}  // namespace ph::vectors
