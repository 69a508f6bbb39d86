// A whole apiserver as users meet it: standard access, admission and discovery, on the memory store and virtual time.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "apiserver/standard.h"
#include "apiserver/storage/memory.h"
#include "base/rng.h"
#include "base/sync.h"
#include "tests/apiserver/body_text.h"
#include "tests/sim/executor.h"

namespace ph::apiserver::testing {

struct Reply {
  int status = 0;
  Headers headers;
  std::string body;
  nlohmann::json json() const { return nlohmann::json::parse(body); }
  std::string message() const { return json().value("message", ""); }
};

class StandardWorld {
 public:
  using Change = std::function<void(Extensions&)>;

  // `change`: something else than the standard is plugged in.
  explicit StandardWorld(StandardOptions options = {}, Change change = {})
      : store(memory_store(executor, executor.clock())),
        options_(std::move(options)),
        change_(std::move(change)),
        scope_(executor) {
    if (!options_.token_keys) options_.token_keys = make_simulated_token_keys();
    boot();
  }
  ~StandardWorld() {
    scope_.cancel();
    server.reset();
    executor.clear();
  }

  // Another server in the place of the first, over what that has stored.
  void restart() {
    scope_.cancel();
    server.reset();
    boot();
  }

  static Identity admin() { return {.name = "admin", .uid = {}, .groups = {"system:masters"}, .extra = {}}; }
  static Identity user(std::string name, std::vector<std::string> groups = {}) {
    return {.name = std::move(name), .uid = {}, .groups = std::move(groups), .extra = {}};
  }

  // Without waiting for the answer.
  std::shared_ptr<std::optional<Reply>> start(HttpRequest request) {
    auto reply = std::make_shared<std::optional<Reply>>();
    scope_.spawn(exchange(server.get(), std::move(request), reply));
    executor.drain();
    return reply;
  }
  Reply send(HttpRequest request) {
    const auto reply = start(std::move(request));
    for (int i = 0; i < 100 && !*reply; ++i) executor.advance(100ms);
    return reply->value_or(Reply{});
  }

  static HttpRequest request(std::string method, std::string target, std::string body = {},
                             std::optional<Identity> who = admin()) {
    HttpRequest out;
    out.method = std::move(method);
    out.target = std::move(target);
    out.body = std::move(body);
    if (!out.body.empty()) out.headers.add("Content-Type", "application/json");
    out.peer.identity = std::move(who);
    return out;
  }
  Reply get(std::string target, std::optional<Identity> who = admin()) {
    return send(request("GET", std::move(target), {}, std::move(who)));
  }
  Reply post(std::string target, std::string body, std::optional<Identity> who = admin()) {
    return send(request("POST", std::move(target), std::move(body), std::move(who)));
  }
  Reply get_as(std::string target, std::string accept) {
    HttpRequest out = request("GET", std::move(target));
    out.headers.add("Accept", std::move(accept));
    return send(std::move(out));
  }
  Reply with_token(std::string target, const std::string& token) {
    HttpRequest out = request("GET", std::move(target), {}, std::nullopt);
    out.headers.add("Authorization", "Bearer " + token);
    return send(std::move(out));
  }

  std::shared_ptr<std::optional<HeadVerdict>> start_judging(HttpRequest head) {
    auto verdict = std::make_shared<std::optional<HeadVerdict>>();
    scope_.spawn(judge(server.get(), std::move(head), verdict));
    executor.drain();
    return verdict;
  }
  HeadVerdict judge_head(HttpRequest head) { return std::move(start_judging(std::move(head))->value()); }

  Metrics metrics;
  sim::SimExecutor executor;
  SeededRng rng{1};
  std::unique_ptr<Store> store;
  std::unique_ptr<ApiServer> server;

 private:
  void boot() {
    server = std::make_unique<ApiServer>(executor, rng, *store, Log(), server_options(metrics));
    Extensions extensions = standard_extensions(*server, executor.clock(), rng, options_);
    if (change_) change_(extensions);
    server->install(std::move(extensions));
    scope_.spawn(server->start());
    executor.drain();
  }

  static ServerOptions server_options(Metrics& metrics) {
    ServerOptions options;
    options.metrics = &metrics;
    options.keep_kubernetes_service = false;
    options.advertise_address = "192.0.2.1";
    return options;
  }

  static Task<void> exchange(ApiServer* server, HttpRequest request, std::shared_ptr<std::optional<Reply>> out) {
    HttpResponse response = co_await server->handle(std::move(request));
    Reply reply{response.status, response.headers, body_text(response)};
    *out = std::move(reply);
  }

  static Task<void> judge(ApiServer* server, HttpRequest head, std::shared_ptr<std::optional<HeadVerdict>> out) {
    *out = co_await server->judge_head(std::move(head));
  }

  StandardOptions options_;
  const Change change_;
  Scope scope_;
};

}  // namespace ph::apiserver::testing
