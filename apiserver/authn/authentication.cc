#include "apiserver/authn/authentication.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apiserver/authn/bootstrap_tokens.h"
#include "apiserver/authn/oidc/tokens.h"
#include "apiserver/authn/secret_tokens.h"

namespace ph::apiserver {
namespace {

// As the server itself. Whether it succeeds changes nothing for who has used the token: the next use tries again.
Task<void> set_label(ApiServer* server, Log log, ObjectKey secret, std::string label, std::string value) {
  HttpRequest request{.method = "PATCH",
                      .target = fmt::format("/api/v1/namespaces/{}/secrets/{}", secret.namespace_name, secret.name)};
  request.headers.add("Content-Type", "application/merge-patch+json");
  request.headers.add("Accept", "application/json");
  request.headers.add("User-Agent", "kube-apiserver");
  request.body = nlohmann::json{{"metadata", {{"labels", {{label, value}}}}}}.dump();
  request.peer.identity = Identity{.name = "system:apiserver", .uid = {}, .groups = {"system:masters"}, .extra = {}};
  const HttpResponse response = co_await server->handle(std::move(request));
  if (response.status < 300) co_return;
  log.error("the use of a token cannot be noted at its secret", "secret", secret.text(), "status", response.status);
}

}  // namespace

std::unique_ptr<TokenSources> make_token_sources(TokenWorld world, const AuthenticationOptions& options) {
  auto out = std::make_unique<TokenSources>(world.api_audiences);
  ObjectReader& reader = world.server.reader();
  out->add(static_token_source(world.of_file, world.api_audiences));
  if (world.of_accounts) {
    SecretTokensWorld secrets{.keys = *world.keys,
                              .reader = reader,
                              .clock = world.clock,
                              .api_audiences = world.api_audiences,
                              .set_label = {},
                              .log = world.log,
                              .metrics = world.server.options().metrics};
    secrets.set_label = [server = &world.server, log = world.log](ObjectKey secret, std::string label, std::string day) {
      return set_label(server, log, std::move(secret), std::move(label), std::move(day));
    };
    out->add(secret_token_source(std::move(secrets)));
    out->add(service_account_source(*world.of_accounts));
  }
  if (options.bootstrap_tokens) out->add(bootstrap_token_source(reader, world.clock, world.api_audiences));
  if (options.configuration) {
    out->add(jwt_token_source(options.configuration, world.transports, world.clock, world.log, world.api_audiences));
  }
  if (options.webhook) {
    out->add(webhook_token_source(world.clock, world.rng, world.transports, *options.webhook, world.api_audiences));
  }
  return out;
}

std::function<bool(std::string_view path)> open_paths(bool anonymous, bool never,
                                                      std::shared_ptr<const CurrentAuthentication> current) {
  return [=, current = std::move(current)](std::string_view path) {
    if (never) return false;
    const CurrentAuthentication::Held configuration = current ? current->get() : nullptr;
    if (!configuration || !configuration->anonymous) return anonymous;
    const auto& [enabled, paths] = *configuration->anonymous;
    return enabled && (paths.empty() || std::ranges::find(paths, path) != paths.end());
  };
}

}  // namespace ph::apiserver
