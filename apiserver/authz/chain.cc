#include "apiserver/authz/chain.h"

#include <algorithm>

#include <fmt/format.h>

#include "apiserver/authz/authorizers.h"
#include "apiserver/authz/rules.h"

namespace ph::apiserver {

using Type = AuthorizerConfig::Type;

namespace {

class AlwaysAllow final : public Authorizer {
 public:
  std::optional<Decision> authorize_here(const Attributes&) const override { return Decision{Decision::Kind::Allow, {}}; }
  void add_rules(const Identity&, std::string_view, RulesOfUser& out) override {
    rbac::v1::PolicyRule everything, everywhere;
    everything.add_verbs("*"), everything.add_api_groups("*"), everything.add_resources("*");
    everywhere.add_verbs("*"), everywhere.add_non_resource_urls("*");
    out.rules.push_back(std::move(everything));
    out.rules.push_back(std::move(everywhere));
  }

 private:
  Decision authorize(const Attributes&) override { return {Decision::Kind::Allow, {}}; }
};

// It has no opinion, so that its place among others means nothing.
class AlwaysDeny final : public Authorizer {
 public:
  std::optional<Decision> authorize_here(const Attributes&) const override {
    return Decision{Decision::Kind::NoOpinion, "Everything is forbidden."};
  }

 private:
  Decision authorize(const Attributes& attributes) override { return *authorize_here(attributes); }
};

}  // namespace

struct AuthorizerChain::Links {
  AuthorizerConfigs configs;
  std::vector<std::shared_ptr<Authorizer>> authorizers;  // beside `configs`
  std::unique_ptr<Authorizer> all;
};

AuthorizerChain::AuthorizerChain(AuthorizerParts parts, AuthorizerConfigs configs) : parts_(std::move(parts)) {
  links_.set(made(std::move(configs), nullptr));
}

AuthorizerChain::~AuthorizerChain() = default;

std::shared_ptr<const AuthorizerChain::Links> AuthorizerChain::made(AuthorizerConfigs configs, const Links* before) const {
  const auto make = [&](const AuthorizerConfig& config) -> std::shared_ptr<Authorizer> {
    if (before) {
      const auto known = std::ranges::find(before->configs, config);
      if (known != before->configs.end()) {
        return before->authorizers[static_cast<std::size_t>(known - before->configs.begin())];
      }
    }
    switch (config.type) {
      case Type::Node: return {std::shared_ptr<void>(), &parts_.node};
      case Type::Rbac: return {std::shared_ptr<void>(), &parts_.rbac};
      case Type::AlwaysAllow: return std::make_shared<AlwaysAllow>();
      case Type::AlwaysDeny: return std::make_shared<AlwaysDeny>();
      case Type::Webhook: return std::make_shared<WebhookAuthorizer>(config, parts_.connect, parts_.clock, parts_.log);
      case Type::Abac: break;
    }
    auto policies = AbacPolicies::parse(parts_.abac_policies, "");
    if (!policies) throw std::runtime_error(policies.error());
    if (policies->unversioned_lines > 0) {
      parts_.log.warning("the policy file contains unversioned rules", "lines", policies->unversioned_lines);
    }
    return std::make_shared<AbacAuthorizer>(std::move(*policies));
  };
  auto links = std::make_shared<Links>();
  std::vector<Authorizer*> asked;
  for (const AuthorizerConfig& config : configs) {
    try {
      links->authorizers.push_back(make(config));
    } catch (const std::exception& error) {
      throw std::runtime_error(fmt::format("authorizer {} {}: {}", name_of(config.type), config.name, error.what()));
    }
    asked.push_back(links->authorizers.back().get());
  }
  links->configs = std::move(configs);
  links->all = make_union(std::move(asked));
  return links;
}

void AuthorizerChain::replace(AuthorizerConfigs configs) {
  const auto before = links_.get();
  links_.set(made(std::move(configs), before.get()));
}

// What answers may be gone from the chain when it does.
Task<Decision> AuthorizerChain::kept(std::shared_ptr<const Links> links, Soon<Decision> answer) {
  const auto held = std::move(links);
  co_return co_await answer;
}

Soon<Decision> AuthorizerChain::authorize_soon(Attributes attributes) {
  auto links = links_.get();
  Soon<Decision> answer = links->all->authorize_soon(attributes);
  if (answer.ready()) return answer;
  return kept(std::move(links), std::move(answer));
}

std::optional<Decision> AuthorizerChain::authorize_here(const Attributes& attributes) const {
  return links_.get()->all->authorize_here(attributes);
}

void AuthorizerChain::add_rules(const Identity& user, std::string_view namespace_name, RulesOfUser& out) {
  const auto links = links_.get();
  for (const auto& authorizer : links->authorizers) authorizer->add_rules(user, namespace_name, out);
}

}  // namespace ph::apiserver
