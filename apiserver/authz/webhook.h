// The webhook authorizer: a service is posted a SubjectAccessReview, and its answer is kept for a while. Reference: "Webhook Mode".
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "apiserver/access.h"
#include "apiserver/authz/configuration.h"
#include "base/log.h"

namespace ph::apiserver {

// The way to the service of one webhook.
struct AuthorizationService {
  std::unique_ptr<Transport> transport;  // results arrive on the server's executor
  std::string path = "/";                // where reviews are posted
};
// Makes it, by the webhook's connection. Throws std::runtime_error in words for an administrator.
using ConnectAuthorizer = std::function<AuthorizationService(const AuthorizerConfig::Webhook&)>;

// Belongs to the server's executor.
class WebhookAuthorizer final : public Authorizer {
 public:
  // Throws std::runtime_error when there is no way to the service. The clock outlives it.
  WebhookAuthorizer(const AuthorizerConfig& config, const ConnectAuthorizer& connect, const Clock& clock, Log log);
  ~WebhookAuthorizer() override;

  Soon<Decision> authorize_soon(Attributes attributes) override;
  // Whether the conditions say that the service is not to be asked; what it says only the executor knows.
  std::optional<Decision> authorize_here(const Attributes& attributes) const override;
  void add_rules(const Identity& user, std::string_view namespace_name, RulesOfUser& out) override;

 private:
  struct Conditions;
  // What is kept of an answer.
  struct Answer {
    bool allowed = false, denied = false;
    std::string reason;
  };
  struct Kept {
    std::string question;
    Answer answer;
    Time until;
  };

  Task<Decision> ask(std::string question, std::string body, bool keep);
  Task<Answer> post(std::string body);
  Decision failed(const std::string& why) const;
  static Decision decision_of(const Answer& answer);
  const Answer* recall(const std::string& question);
  void remember(std::string question, Answer answer);

  const AuthorizerConfig::Webhook config_;
  const Clock& clock_;
  const Log log_;
  std::unique_ptr<const Conditions> conditions_;
  AuthorizationService service_;
  std::list<Kept> kept_;  // used last comes first
  std::unordered_map<std::string_view, std::list<Kept>::iterator> by_question_;
};

}  // namespace ph::apiserver
