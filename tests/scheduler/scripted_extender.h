// Extenders whose answers are a test's own: a function of the verb and the question.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/sync.h"
#include "scheduler/extender/spec.h"

namespace ph::scheduler::test {

struct Reply {
  int status = 200;
  std::string body;
  Duration after{};         // how long it takes
  std::string broken = {};  // the connection breaks, with these words
};

inline Reply say(const nlohmann::json& body) { return {.body = body.dump()}; }
inline Reply late(Duration after, Reply reply) { return reply.after = after, reply; }
inline Reply broken(std::string words) { return {.broken = std::move(words)}; }

// The nodes that a question is about.
inline std::vector<std::string> nodes_of(const nlohmann::json& question) {
  std::vector<std::string> out;
  if (!question["NodeNames"].is_null()) return question["NodeNames"].get<std::vector<std::string>>();
  for (const auto& node : question["Nodes"]["items"]) out.push_back(node["metadata"]["name"].get<std::string>());
  return out;
}

// The answer to a filter question that leaves `names`.
inline Reply leave(const std::vector<std::string>& names, const std::map<std::string, std::string>& failed = {}) {
  return say({{"NodeNames", names}, {"FailedNodes", failed}});
}

class ScriptedExtenders {
 public:
  using Answer = std::function<Reply(const std::string& verb, const nlohmann::json& question)>;

  // The extender at that address.
  ScriptedExtenders& at(const std::string& url, Answer answer) {
    answers_[url] = std::move(answer);
    return *this;
  }
  ExtenderTransports transports() {
    return [this](const ExtenderSpec& spec) { return std::make_unique<Scripted>(*this, spec.url_prefix); };
  }

  std::vector<std::string> asked;            // verb and pod of each question
  std::vector<nlohmann::json> questions;     // the same questions
  std::map<std::string, int> waiting, most;  // questions under way at once, by address

 private:
  class Scripted final : public Transport {
   public:
    Scripted(ScriptedExtenders& script, std::string url) : script_(script), url_(std::move(url)) {}

    Task<HttpResponse> send(HttpRequest request, bool) override {
      const UnderWay under_way(script_, url_);
      const std::string verb = request.target.substr(1);
      const auto question = nlohmann::json::parse(request.body);
      script_.asked.push_back(
          verb + " " + (question.contains("Pod") ? question["Pod"]["metadata"]["name"] : question["PodName"]).get<std::string>());
      script_.questions.push_back(question);
      const Reply reply = script_.answers_.at(url_)(verb, question);
      co_await sleep_for(reply.after);
      if (!reply.broken.empty()) throw TransportError(reply.broken);
      HttpResponse response{.status = reply.status};
      response.body.push_back(share(reply.body));
      co_return response;
    }

   private:
    struct UnderWay {
      UnderWay(ScriptedExtenders& script, std::string url) : script(script), url(std::move(url)) {
        const int now = ++script.waiting[this->url];
        script.most[this->url] = std::max(script.most[this->url], now);
      }
      ~UnderWay() { --script.waiting[url]; }
      UnderWay(const UnderWay&) = delete;
      UnderWay& operator=(const UnderWay&) = delete;
      ScriptedExtenders& script;
      const std::string url;
    };
    ScriptedExtenders& script_;
    const std::string url_;
  };

  std::map<std::string, Answer> answers_;
};

}  // namespace ph::scheduler::test
