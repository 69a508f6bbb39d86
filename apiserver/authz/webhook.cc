#include "apiserver/authz/webhook.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/times.h"
#include "apiserver/admission/webhook/conditions.h"
#include "apiserver/authz/access_spec.h"
#include "apiserver/authz/rules.h"
#include "base/within.h"

namespace ph::apiserver {

using authorization::v1::SubjectAccessReviewSpec;
using nlohmann::json;

namespace {

constexpr std::size_t kKeptMax = 8192;          // answers
constexpr std::size_t kAskedBytesMax = 10'000;  // what a client chooses of a question that is kept
constexpr std::size_t kAnswerBytesMax = 1 << 20;
constexpr int kTries = 5;
constexpr Duration kPause = 500ms;  // before the second try; half as much again before each other

class NoAnswer : public std::runtime_error {
 public:
  NoAnswer(const std::string& why, bool try_again) : std::runtime_error(why), try_again(try_again) {}
  const bool try_again;
};

// A question this large is not kept: clients choose how large they are.
bool worth_keeping(const RequestInfo& r) {
  return r.namespace_name.size() + r.verb.size() + r.group.size() + r.version.size() + r.resource.size() + r.subresource.size() +
             r.name.size() + r.path.size() <
         kAskedBytesMax;
}

// All members of who asks, and of what he asks for, whether they say something or not.
json shown_to_conditions(const SubjectAccessReviewSpec& spec, const json& written) {
  json out = {{"user", spec.user()}, {"uid", spec.uid()}, {"groups", json::array()}, {"extra", json::object()}};
  if (written.contains("groups")) out["groups"] = written["groups"];
  if (written.contains("extra")) out["extra"] = written["extra"];
  if (spec.has_resource_attributes()) {
    json& attributes = out["resourceAttributes"] = {{"namespace", ""}, {"verb", ""},        {"group", ""}, {"version", ""},
                                                    {"resource", ""},  {"subresource", ""}, {"name", ""}};
    attributes.update(written["resourceAttributes"]);
  }
  if (spec.has_non_resource_attributes()) {
    json& attributes = out["nonResourceAttributes"] = {{"path", ""}, {"verb", ""}};
    attributes.update(written["nonResourceAttributes"]);
  }
  return out;
}

// The review in the version that the service speaks; v1beta1 calls groups "group".
std::string review_of(json spec, const std::string& version) {
  if (version == "v1beta1" && spec.contains("groups")) {
    spec["group"] = std::move(spec["groups"]);
    spec.erase("groups");
  }
  return json{{"kind", "SubjectAccessReview"},
              {"apiVersion", "authorization.k8s.io/" + version},
              {"metadata", {{"creationTimestamp", nullptr}}},
              {"spec", std::move(spec)},
              {"status", {{"allowed", false}}}}
      .dump();
}

std::string body_of(const HttpResponse& response) {
  std::string text;
  for (const SharedBytes& piece : response.body) {
    if (text.size() + piece->size() > kAnswerBytesMax) {
      throw NoAnswer(fmt::format("the answer is larger than {} bytes", kAnswerBytesMax), false);
    }
    text += *piece;
  }
  return text;
}

}  // namespace

struct WebhookAuthorizer::Conditions {
  explicit Conditions(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      all.push_back({.text = text,
                     .expression = std::make_shared<const api::cel::Expression>(compile_authorization_condition(text)),
                     .error = {}});
    }
  }
  std::vector<webhook::Condition> all;
};

WebhookAuthorizer::WebhookAuthorizer(const AuthorizerConfig& config, const ConnectAuthorizer& connect, const Clock& clock,
                                     Log log)
    : config_(config.webhook),
      clock_(clock),
      log_(std::move(log)),
      conditions_(std::make_unique<const Conditions>(config.webhook.match_conditions)) {
  if (!connect) throw std::runtime_error("this server calls nobody");
  service_ = connect(config_);
}

WebhookAuthorizer::~WebhookAuthorizer() = default;

void WebhookAuthorizer::add_rules(const Identity&, std::string_view, RulesOfUser& out) {
  out.errors.emplace_back("webhook authorizer does not support user rule resolution");
}

std::optional<Decision> WebhookAuthorizer::authorize_here(const Attributes& attributes) const {
  if (conditions_->all.empty()) return std::nullopt;
  const SubjectAccessReviewSpec spec = spec_of(attributes);
  const json shown = shown_to_conditions(spec, api::to_json(spec));
  const webhook::Judgement judgement = webhook::judge(conditions_->all, {{"request", webhook::value_of(shown)}});
  if (!judgement.error.empty()) return failed("cel evaluation error: " + judgement.error);
  if (!judgement.holds) return Decision();
  return std::nullopt;
}

Soon<Decision> WebhookAuthorizer::authorize_soon(Attributes attributes) {
  if (std::optional<Decision> decided = authorize_here(attributes)) return std::move(*decided);
  json spec = api::to_json(spec_of(attributes));
  std::string question = spec.dump();
  if (const Answer* known = recall(question)) return decision_of(*known);
  return ask(std::move(question), review_of(std::move(spec), config_.review_version), worth_keeping(attributes.request));
}

Task<Decision> WebhookAuthorizer::ask(std::string question, std::string body, bool keep) {
  Duration pause = kPause;
  for (int tried = 1;; ++tried, pause += pause / 2) {
    std::string why;
    try {
      Answer answer = co_await post(body);
      if (keep) remember(std::move(question), answer);
      co_return decision_of(answer);
    } catch (const NoAnswer& error) {
      why = error.what();
      if (!error.try_again || tried == kTries) {
        log_.error("Failed to make webhook authorizer request", "err", why);
        co_return failed(why);
      }
    }
    co_await sleep_for(pause);
  }
}

Task<WebhookAuthorizer::Answer> WebhookAuthorizer::post(std::string body) {
  HttpRequest request{.method = "POST",
                      .target = fmt::format("{}?timeout={}", service_.path, api::duration_text(config_.timeout)),
                      .headers = {},
                      .body = std::move(body)};
  request.headers.add("Content-Type", "application/json");
  request.headers.add("Accept", "application/json, */*");
  std::optional<HttpResponse> response;
  try {
    response = co_await within(config_.timeout, service_.transport->send(std::move(request), false));
  } catch (const TransportError& error) {
    throw NoAnswer(fmt::format("Post \"{}\": {}", service_.path, error.what()), false);
  }
  if (!response) throw NoAnswer(fmt::format("Post \"{}\": context deadline exceeded", service_.path), false);
  if (response->status < 200 || response->status >= 300) {
    const bool again = response->status == 500 || response->status == 429;
    throw NoAnswer(fmt::format("the webhook answered with the status code {}", response->status), again);
  }
  try {
    const json review = json::parse(body_of(*response));
    const json status = review.value("status", json::object());
    co_return Answer{.allowed = status.value("allowed", false),
                     .denied = status.value("denied", false),
                     .reason = status.value("reason", std::string())};
  } catch (const json::exception& error) {
    throw NoAnswer(fmt::format("the webhook's answer cannot be read: {}", error.what()), false);
  }
}

Decision WebhookAuthorizer::failed(const std::string& why) const {
  return {config_.deny_on_failure ? Decision::Kind::Deny : Decision::Kind::NoOpinion, {}, why};
}

Decision WebhookAuthorizer::decision_of(const Answer& answer) {
  if (answer.denied && answer.allowed) {
    return {Decision::Kind::Deny, answer.reason, "webhook subject access review returned both allow and deny response"};
  }
  if (answer.denied) return {Decision::Kind::Deny, answer.reason};
  if (answer.allowed) return {Decision::Kind::Allow, answer.reason};
  return {Decision::Kind::NoOpinion, answer.reason};
}

const WebhookAuthorizer::Answer* WebhookAuthorizer::recall(const std::string& question) {
  const auto found = by_question_.find(question);
  if (found == by_question_.end()) return nullptr;
  const auto entry = found->second;
  if (entry->until <= clock_.now()) {
    by_question_.erase(found);
    kept_.erase(entry);
    return nullptr;
  }
  kept_.splice(kept_.begin(), kept_, entry);
  return &entry->answer;
}

void WebhookAuthorizer::remember(std::string question, Answer answer) {
  const bool wanted = answer.allowed ? config_.keep_allowed : config_.keep_others;
  const Duration ttl = answer.allowed ? config_.authorized_ttl : config_.unauthorized_ttl;
  if (!wanted || ttl <= Duration::zero()) return;
  if (const auto known = by_question_.find(question); known != by_question_.end()) {
    const auto entry = known->second;
    by_question_.erase(known);
    kept_.erase(entry);
  }
  kept_.push_front({std::move(question), std::move(answer), clock_.now() + ttl});
  by_question_.emplace(kept_.front().question, kept_.begin());
  if (kept_.size() <= kKeptMax) return;
  by_question_.erase(kept_.back().question);
  kept_.pop_back();
}

}  // namespace ph::apiserver
