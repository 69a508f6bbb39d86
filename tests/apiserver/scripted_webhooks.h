// Admission webhooks whose answers are a test's own: a function of the review.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "api/json_text.h"
#include "apiserver/admission/webhook/transports.h"
#include "base/sync.h"

namespace ph::apiserver::testing {

struct HookReply {
  int status = 200;
  std::string body = {};
  Duration after = {};      // how long it takes
  std::string broken = {};  // the connection breaks, with these words
  Headers headers = {};
};

// -- Answers. `more`: members of the response.

inline HookReply say(const nlohmann::json& review, bool allowed, const nlohmann::json& more = nlohmann::json::object()) {
  nlohmann::json response = {{"uid", review["request"]["uid"]}, {"allowed", allowed}};
  response.update(more);
  return {.body =
              nlohmann::json{{"kind", "AdmissionReview"}, {"apiVersion", review["apiVersion"]}, {"response", response}}.dump()};
}
inline HookReply allow(const nlohmann::json& review, const nlohmann::json& more = nlohmann::json::object()) {
  return say(review, true, more);
}
inline HookReply deny(const nlohmann::json& review, const nlohmann::json& status) {
  return say(review, false, status.is_null() ? nlohmann::json::object() : nlohmann::json{{"status", status}});
}
inline HookReply patch(const nlohmann::json& review, const std::string& text) {
  std::string encoded;
  api::append_base64(text, encoded);
  return allow(review, {{"patch", encoded}, {"patchType", "JSONPatch"}});
}

class ScriptedWebhooks {
 public:
  using Answer = std::function<HookReply(const nlohmann::json& review)>;

  // Who answers at "https://host:port".
  void at(const std::string& url, Answer answer) { answers_[url] = std::move(answer); }
  WebhookTransports transports() {
    return [this](const WebhookAddress& address) -> std::unique_ptr<Transport> {
      if (address.ca_pem == "broken") throw std::runtime_error("unable to load root certificates");
      addresses.push_back(address);
      return std::make_unique<Scripted>(*this, address.url);
    };
  }

  std::vector<WebhookAddress> addresses;  // that were connected to
  std::vector<std::string> targets;       // of the requests
  std::vector<std::string> hosts;
  std::vector<nlohmann::json> reviews;
  int waiting = 0, most = 0;  // questions under way at once

 private:
  class Scripted final : public Transport {
   public:
    Scripted(ScriptedWebhooks& script, std::string url) : script_(script), url_(std::move(url)) {}

    Task<HttpResponse> send(HttpRequest request, bool) override {
      const UnderWay under_way(script_);
      script_.targets.push_back(request.target);
      script_.hosts.emplace_back(request.headers.get("Host"));
      const auto review = nlohmann::json::parse(request.body);
      script_.reviews.push_back(review);
      const auto found = script_.answers_.find(url_);
      if (found == script_.answers_.end()) throw TransportError("connection refused");
      const HookReply reply = found->second(review);
      co_await sleep_for(reply.after);
      if (!reply.broken.empty()) throw TransportError(reply.broken);
      HttpResponse response{.status = reply.status, .headers = reply.headers};
      response.body.push_back(share(reply.body));
      co_return response;
    }

   private:
    struct UnderWay {
      explicit UnderWay(ScriptedWebhooks& script) : script(script) { script.most = std::max(script.most, ++script.waiting); }
      ~UnderWay() { --script.waiting; }
      ScriptedWebhooks& script;
    };
    ScriptedWebhooks& script_;
    const std::string url_;
  };

  std::map<std::string, Answer> answers_;
};

}  // namespace ph::apiserver::testing
