// An apiserver on the memory store and virtual time, spoken to in requests and answers.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "apiserver/server.h"
#include "apiserver/storage/memory.h"
#include "base/rng.h"
#include "base/sync.h"
#include "tests/apiserver/body_text.h"
#include "tests/sim/executor.h"

namespace ph::apiserver::testing {

using Json = nlohmann::json;

struct Answer {
  int status = 0;
  Headers headers;
  std::string body;

  Json json() const { return Json::parse(body); }
  std::string message() const { return json().value("message", ""); }
  std::string reason() const { return json().value("reason", ""); }
};

// A watch that is read as fast as it speaks.
struct WatchLog {
  std::deque<std::string> frames;
  bool ended = false;

  // Takes all that has come: "ADDED ns/name", with the kind's revision left out.
  std::vector<std::string> take() {
    std::vector<std::string> out;
    for (const std::string& frame : frames) {
      const Json event = Json::parse(frame);
      const Json& metadata = event["object"].contains("metadata") ? event["object"]["metadata"] : Json::object();
      out.push_back(event["type"].get<std::string>() + " " + metadata.value("name", event["object"].value("reason", "")));
    }
    frames.clear();
    return out;
  }
};

inline ServerOptions quiet_options() {
  ServerOptions options;
  options.keep_kubernetes_service = false;
  options.keep_api_services = false;
  options.keep_flow_schemas = false;
  return options;
}

class Harness {
 public:
  explicit Harness(ServerOptions options = quiet_options(), Extensions extensions = {}, MemoryOptions memory = {},
                   std::unique_ptr<Rng> random = std::make_unique<SeededRng>(1))
      : rng(std::move(random)),
        store(memory_store(executor, executor.clock(), std::move(memory))),
        server(std::make_unique<ApiServer>(executor, *rng, *store, Log(), std::move(options))),
        scope_(executor) {
    server->install(std::move(extensions));
    scope_.spawn(server->start());
    executor.drain();
  }
  ~Harness() {
    scope_.cancel();
    server.reset();
    executor.clear();
  }

  // Another server over the same store.
  void restart() {
    scope_.cancel();
    server = std::make_unique<ApiServer>(executor, *rng, *store, Log(), server->options());
    scope_.spawn(server->start());
    executor.drain();
  }

  Answer send(HttpRequest request) {
    auto answer = std::make_shared<std::optional<Answer>>();
    scope_.spawn(exchange(server.get(), std::move(request), answer));
    executor.drain();
    for (int i = 0; i < 100 && !*answer; ++i) executor.advance(100ms);
    return answer->value_or(Answer{});
  }
  // Without waiting for the answer: what several clients do at the same time.
  std::shared_ptr<std::optional<Answer>> start(HttpRequest request) {
    auto answer = std::make_shared<std::optional<Answer>>();
    scope_.spawn(exchange(server.get(), std::move(request), answer));
    return answer;
  }

  Answer get(std::string target, std::string accept = {}) {
    return send(request("GET", std::move(target), {}, {}, std::move(accept)));
  }
  Answer post(std::string target, const std::string& body, std::string type = "application/json") {
    return send(request("POST", std::move(target), body, std::move(type), {}));
  }
  Answer put(std::string target, const std::string& body) {
    return send(request("PUT", std::move(target), body, "application/json", {}));
  }
  Answer patch(std::string target, const std::string& body, std::string type = "application/merge-patch+json") {
    return send(request("PATCH", std::move(target), body, std::move(type), {}));
  }
  Answer remove(std::string target, const std::string& body = {}) {
    return send(request("DELETE", std::move(target), body, "application/json", {}));
  }

  static HttpRequest request(std::string method, std::string target, std::string body = {}, std::string type = {},
                             std::string accept = {}) {
    HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.body = std::move(body);
    request.headers.add("User-Agent", "harness/1.0");
    if (!type.empty()) request.headers.add("Content-Type", std::move(type));
    if (!accept.empty()) request.headers.add("Accept", std::move(accept));
    request.peer.identity = Identity{.name = "admin", .groups = {"system:masters"}};
    return request;
  }

  std::shared_ptr<WatchLog> watch(std::string target, std::string accept = {}) {
    auto log = std::make_shared<WatchLog>();
    scope_.spawn(follow(server.get(), request("GET", std::move(target), {}, {}, std::move(accept)), log));
    executor.drain();
    return log;
  }

  // The names in a list.
  std::vector<std::string> names(const std::string& target) {
    std::vector<std::string> out;
    for (const Json& item : get(target).json().at("items")) out.push_back(item["metadata"]["name"]);
    return out;
  }

  sim::SimExecutor executor;
  std::unique_ptr<Rng> rng;
  std::unique_ptr<Store> store;
  std::unique_ptr<ApiServer> server;

 private:
  static Task<void> exchange(ApiServer* server, HttpRequest request, std::shared_ptr<std::optional<Answer>> out) {
    HttpResponse response = co_await server->handle(std::move(request));
    Answer answer;
    answer.status = response.status;
    answer.headers = response.headers;
    answer.body = body_text(response);
    *out = std::move(answer);
  }

  static Task<void> follow(ApiServer* server, HttpRequest request, std::shared_ptr<WatchLog> log) {
    HttpResponse response = co_await server->handle(std::move(request));
    if (response.stream) {
      while (auto piece = co_await response.stream->next()) log->frames.push_back(**piece);
    }
    log->ended = true;
  }

  Scope scope_;
};

}  // namespace ph::apiserver::testing
