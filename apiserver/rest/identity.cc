#include "apiserver/rest/identity.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/errors.h"

namespace ph::apiserver {
namespace {

Identity anonymous() { return {.name = std::string(kAnonymous), .groups = {std::string(kUnauthenticated)}}; }

std::string refusal(const Identity& user, const RequestInfo& info, std::string_view reason) {
  std::string text;
  if (!info.is_resource) {
    text = fmt::format("User \"{}\" cannot {} path \"{}\"", user.name, info.verb, info.path);
  } else {
    const std::string resource = info.subresource.empty() ? info.resource : info.resource + "/" + info.subresource;
    text = fmt::format("User \"{}\" cannot {} resource \"{}\" in API group \"{}\"", user.name, info.verb, resource, info.group);
    text += info.namespace_name.empty() ? " at the cluster scope" : fmt::format(" in the namespace \"{}\"", info.namespace_name);
  }
  if (!reason.empty()) text += fmt::format(": {}", reason);
  return text;
}

std::string qualified(const RequestInfo& info) {
  return info.group.empty() || info.resource.empty() ? info.resource : info.resource + "." + info.group;
}

void judge(const Decision& decision, const Identity& user, const RequestInfo& info) {
  if (decision.kind != Decision::Kind::Allow) throw forbidden_to(user, info, decision.reason);
}

Identity named(std::optional<Identity> user) {
  if (!user) return anonymous();
  if (user->name != kAnonymous) add_group(*user, kAuthenticated);
  return std::move(*user);
}

}  // namespace

void add_group(Identity& user, std::string_view group) {
  if (std::ranges::find(user.groups, group) == user.groups.end()) user.groups.emplace_back(group);
}

Soon<Identity> authenticate(const Core& core, const HttpRequest& request) {
  if (!core.extensions.authenticator) return named(request.peer.identity);
  return then(core.extensions.authenticator->authenticate_soon(request), &named);
}

api::ApiError forbidden_to(const Identity& user, const RequestInfo& info, std::string_view reason) {
  return api::forbidden(qualified(info), info.is_resource ? info.name : std::string(), refusal(user, info, reason));
}

Soon<> authorize(const Core& core, const Identity& user, const RequestInfo& info) {
  if (!core.extensions.authorizer) return {};
  return then(core.extensions.authorizer->authorize_soon({user, info}),
              [&user, &info](const Decision& decision) { judge(decision, user, info); });
}

std::optional<Identity> authenticate_here(const Front& front, const HttpRequest& request) {
  if (!front.authenticator) return named(request.peer.identity);
  std::optional<std::optional<Identity>> user = front.authenticator->authenticate_here(request);
  if (!user) return std::nullopt;
  return named(std::move(*user));
}

bool authorize_here(const Front& front, const Identity& user, const RequestInfo& info) {
  if (!front.authorizer) return true;
  const std::optional<Decision> decision = front.authorizer->authorize_here({user, info});
  if (!decision) return false;
  judge(*decision, user, info);
  return true;
}

}  // namespace ph::apiserver
