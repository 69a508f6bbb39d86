#include "apiserver/standard.h"

#include <algorithm>

#include "apiserver/admission/admission.h"
#include "apiserver/authn/authenticator.h"
#include "apiserver/authn/openid.h"
#include "apiserver/authz/chain.h"
#include "apiserver/authz/escalation.h"
#include "apiserver/authz/node.h"
#include "apiserver/authz/rbac.h"
#include "apiserver/bootstrap/bootstrap.h"
#include "apiserver/discovery/discovery.h"
#include "apiserver/discovery/metrics_path.h"
#include "apiserver/discovery/root_paths.h"
#include "apiserver/discovery/version.h"
#include "apiserver/openapi/openapi.h"
#include "apiserver/reviews/reviews.h"
#include "apiserver/tables/tables.h"

namespace ph::apiserver {

namespace {

std::vector<std::string> signing_keys(const StandardOptions& options) {
  std::vector<std::string> pems{options.service_account_key};
  pems.insert(pems.end(), options.more_service_account_keys.begin(), options.more_service_account_keys.end());
  return pems;
}

// What the extensions share. The authorizer owns it: it goes with the server, as all of them do.
class Access final : public Authorizer {
 public:
  Access(ApiServer& server, const Clock& clock, Rng& rng, const StandardOptions& options)
      : rbac(server.reader()), node(make_node_authorizer(rbac, server.reader())) {
    chain.emplace(AuthorizerParts{.rbac = rbac,
                                  .node = *node,
                                  .clock = clock,
                                  .abac_policies = options.abac_policies,
                                  .connect = options.authorization_services,
                                  .log = options.log},
                  options.authorization);
    if (options.change_authorization) {
      *options.change_authorization = [this](AuthorizerConfigs configs) { chain->replace(std::move(configs)); };
    }
    auto of_file = StaticTokens::parse(options.static_tokens);
    if (!of_file) throw std::runtime_error("token file: " + of_file.error());
    static_tokens = std::move(*of_file);
    keys = options.token_keys;
    if (!keys && !options.service_account_key.empty()) keys = make_token_keys(signing_keys(options));
    ServiceAccountTokens::Options token_options{.issuer = options.service_account_issuer, .api_audiences = options.api_audiences};
    if (token_options.issuer.empty()) {
      token_options.issuer = "https://kubernetes.default.svc." + server.options().cluster_domain;
    }
    token_options.metrics = server.options().metrics;
    if (token_options.api_audiences.empty()) token_options.api_audiences = {token_options.issuer};
    Audiences api_audiences = token_options.api_audiences;
    if (keys) tokens = std::make_unique<ServiceAccountTokens>(*keys, server.reader(), clock, std::move(token_options));
    token_sources = make_token_sources({.server = server,
                                        .clock = clock,
                                        .rng = rng,
                                        .of_file = static_tokens,
                                        .keys = keys.get(),
                                        .of_accounts = tokens.get(),
                                        .api_audiences = std::move(api_audiences),
                                        .transports = options.webhooks,
                                        .log = options.log},
                                       options.authentication);
  }

  Soon<Decision> authorize_soon(Attributes attributes) override { return chain->authorize_soon(attributes); }
  std::optional<Decision> authorize_here(const Attributes& attributes) const override {
    return chain->authorize_here(attributes);
  }
  void add_rules(const Identity& user, std::string_view namespace_name, RulesOfUser& out) override {
    chain->add_rules(user, namespace_name, out);
  }

  RbacAuthorizer rbac;
  std::unique_ptr<Authorizer> node;
  std::optional<AuthorizerChain> chain;
  std::shared_ptr<const TokenKeys> keys;
  std::unique_ptr<ServiceAccountTokens> tokens;  // null: there are none
  StaticTokens static_tokens;
  std::unique_ptr<TokenSources> token_sources;
};

using Virtual = std::map<std::string, std::unique_ptr<VirtualResource>>;

void add_reviews(Virtual& out, Access& access, ApiServer& server, const Clock& clock, Rng& rng, bool extend) {
  out["subjectaccessreviews.authorization.k8s.io"] = subject_access_review(access);
  out["selfsubjectaccessreviews.authorization.k8s.io"] = self_subject_access_review(access);
  out["localsubjectaccessreviews.authorization.k8s.io"] = local_subject_access_review(access);
  out["selfsubjectrulesreviews.authorization.k8s.io"] = self_subject_rules_review(access);
  out["selfsubjectreviews.authentication.k8s.io"] = self_subject_review(clock);
  out["tokenreviews.authentication.k8s.io"] = token_review(*access.token_sources);
  if (!access.tokens) return;
  out["serviceaccounts/token"] = token_request(*access.tokens, server.reader(), clock, rng, extend);
}

// `bootstrapped` is shared with the start.
std::vector<HealthCheck> health_checks(ApiServer& server, std::shared_ptr<const bool> bootstrapped,
                                       std::vector<HealthCheck> more) {
  const auto unless = [](auto well, const char* problem) {
    return [well, problem]() -> std::optional<std::string> {
      if (well()) return std::nullopt;
      return problem;
    };
  };
  const auto ready = [&server] { return server.ready(); };
  const auto done = [bootstrapped] { return *bootstrapped; };
  std::vector<HealthCheck> out{healthy("ping"), healthy("log")};
  out.push_back({.name = "etcd", .problem = unless(ready, "the store has not been read yet")});
  out.push_back({.name = "informer-sync", .problem = unless(ready, "the caches have not been filled yet"), .ready_only = true});
  out.push_back({"poststarthook/start-system-namespaces-controller", unless(done, "not finished")});
  out.push_back({"poststarthook/rbac/bootstrap-roles", unless(done, "not finished")});
  out.push_back({"poststarthook/scheduling/bootstrap-system-priority-classes", unless(done, "not finished")});
  out.push_back({"poststarthook/kube-apiserver-autoregistration", unless(done, "not finished")});
  for (HealthCheck& check : more) out.push_back(std::move(check));
  out.push_back({.name = "shutdown", .problem = unless(ready, "process is shutting down"), .ready_only = true});
  return out;
}

class HealthHandler final : public PathHandler {
 public:
  explicit HealthHandler(std::vector<HealthCheck> checks) : checks_(std::move(checks)) {}
  Task<std::optional<HttpResponse>> try_handle(const HttpRequest& request, const Identity&) override {
    if (request.path() == "/metrics/slis") co_return metrics_response(slis_.render());
    co_return answer_health(checks_, request, &answers_);
  }

 private:
  const std::vector<HealthCheck> checks_;
  Metrics slis_;
  const HealthMetrics answers_{&slis_};
};

std::string address_of(const ServerOptions& options) {
  if (options.advertise_address.empty()) return {};
  return options.advertise_address + ":" + std::to_string(options.advertise_port);
}

void add_paths(std::vector<std::unique_ptr<PathHandler>>& out, ApiServer& server, std::vector<HealthCheck> checks,
               std::unique_ptr<PathHandler> openid, const std::vector<std::string>& more, const ForeignGroups& foreign) {
  const std::string address = address_of(server.options());
  std::vector<std::string> paths;
  std::ranges::copy(health_paths(checks), std::back_inserter(paths));
  for (const char* path : {"/openapi/v2", "/openapi/v3", "/openapi/v3/", "/version"}) paths.push_back(path);
  if (openid) {
    for (const char* path : {"/.well-known/openid-configuration", "/openid/v1/jwks"}) paths.push_back(path);
    out.push_back(std::move(openid));
  }
  if (Metrics* metrics = server.options().metrics) {
    paths.push_back("/metrics");
    out.push_back(std::make_unique<MetricsHandler>(*metrics));
  }
  paths.push_back("/metrics/slis");
  paths.insert(paths.end(), more.begin(), more.end());
  out.push_back(std::make_unique<HealthHandler>(std::move(checks)));
  out.push_back(std::make_unique<DiscoveryHandler>(server.reader(), address, foreign));
  out.push_back(std::make_unique<OpenApiHandler>(server.reader()));
  out.push_back(std::make_unique<VersionHandler>());
  out.push_back(std::make_unique<RootPathsHandler>(server.reader(), std::move(paths)));
}

// Not a lambda coroutine: its captures would die with the lambda.
Task<void> start(ApiServer* server, const Clock* clock, BootstrapOptions options, std::shared_ptr<bool> done) {
  co_await bootstrap_cluster(*server, *clock, std::move(options));
  *done = true;
}

}  // namespace

Extensions standard_extensions(ApiServer& server, const Clock& clock, Rng& rng, StandardOptions options) {
  Extensions out;
  auto access = std::make_unique<Access>(server, clock, rng, options);
  using Authorization = StandardOptions::Authorization;
  const bool everything_allowed = std::ranges::find(options.authorization, Authorization::AlwaysAllow, &AuthorizerConfig::type) !=
                                  options.authorization.end();
  if (options.anonymous && everything_allowed) {
    options.log.warning(
        "AnonymousAuth is not allowed with the AlwaysAllow authorizer. Resetting AnonymousAuth to false. You should use a "
        "different authorizer");
  }
  out.authenticator = make_authenticator(
      *access->token_sources,
      {.front_proxy = options.authentication.front_proxy,
       .open_to_nobody = open_paths(options.anonymous, everything_allowed, options.authentication.configuration)});
  out.admission = make_admission({.reader = server.reader(),
                                  .rng = rng,
                                  .clock = clock,
                                  .authorizer = *access,
                                  .webhooks = options.webhooks,
                                  .webhooks_at_endpoints = options.webhooks_at_endpoints,
                                  .ensure = [&server](api::Object object) { return server.ensure(std::move(object)); },
                                  .configurations = options.admission_configurations,
                                  .backends = options.webhook_backends},
                                 options.enable_admission, options.disable_admission);
  out.webhooks = options.webhooks;
  out.webhooks_at_endpoints = options.webhooks_at_endpoints;
  out.admission.push_back(make_escalation_check(access->rbac, *access));
  add_reviews(out.virtual_resources, *access, server, clock, rng, options.extend_token_expiration);
  std::unique_ptr<PathHandler> openid;
  if (!options.service_account_key.empty()) {
    openid = std::make_unique<OpenIdHandler>(access->tokens->issuer(), address_of(server.options()), signing_keys(options));
  }
  out.authorizer = std::move(access);
  out.tables = make_table_converter();
  auto bootstrapped = std::make_shared<bool>(false);
  add_paths(out.paths, server, health_checks(server, bootstrapped, std::move(options.health)), std::move(openid),
            options.listed_paths, options.foreign);
  out.foreign = std::move(options.foreign);
  AuthenticationTrust trust{std::move(options.client_ca), std::move(options.authentication.front_proxy)};
  out.at_start.push_back([&server, &clock, trust = std::move(trust), bootstrapped] {
    return start(&server, &clock, {.trust = trust}, bootstrapped);
  });
  return out;
}

}  // namespace ph::apiserver
