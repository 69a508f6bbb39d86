#include "apiserver/rest/identity.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/errors.h"
#include "apiserver/authn/impersonation.h"

namespace ph::apiserver {
namespace {

constexpr std::string_view kAnonymous = "system:anonymous";
constexpr std::string_view kUnauthenticated = "system:unauthenticated";
constexpr std::string_view kAuthenticated = "system:authenticated";

Identity anonymous() { return {.name = std::string(kAnonymous), .groups = {std::string(kUnauthenticated)}}; }

void add_group(Identity& user, std::string_view group) {
  if (std::ranges::find(user.groups, group) == user.groups.end()) user.groups.emplace_back(group);
}

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

class AllowAll final : public Authorizer {
 public:
  Decision authorize(const Attributes&) override { return {Decision::Kind::Allow, {}}; }
};

}  // namespace

Identity authenticate(const Core& core, const HttpRequest& request) {
  std::optional<Identity> user;
  if (core.extensions.authenticator) {
    user = core.extensions.authenticator->authenticate(request);
  } else {
    user = request.peer.identity;
  }
  if (!user) return anonymous();
  if (user->name != kAnonymous) add_group(*user, kAuthenticated);
  return *user;
}

Identity impersonate(const Core& core, const HttpRequest& request, Identity user) {
  static AllowAll allow_all;
  Authorizer* authorizer = core.extensions.authorizer.get();
  auto other = impersonated(request, user, authorizer != nullptr ? *authorizer : allow_all);
  return other ? std::move(*other) : std::move(user);
}

void authorize(const Core& core, const Identity& user, const RequestInfo& info) {
  if (!core.extensions.authorizer) return;
  const Decision decision = core.extensions.authorizer->authorize({user, info});
  if (decision.kind == Decision::Kind::Allow) return;
  throw api::forbidden(qualified(info), info.is_resource ? info.name : std::string(), refusal(user, info, decision.reason));
}

}  // namespace ph::apiserver
