#include "apiserver/rest/identity.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/errors.h"
#include "apiserver/audit/auditor.h"

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

void judge(const Decision& decision, const Identity& user, const RequestInfo& info, audit::Trail* trail) {
  if (trail != nullptr) {
    trail->annotate("authorization.k8s.io/decision", decision.kind == Decision::Kind::Allow ? "allow" : "forbid");
    trail->annotate("authorization.k8s.io/reason", decision.reason);
  }
  if (decision.kind == Decision::Kind::Allow) return;
  // Nobody knows whether he may: that is no refusal.
  if (!decision.error.empty()) throw api::internal(fmt::format("Internal Server Error: \"{}\": {}", info.path, decision.error));
  throw forbidden_to(user, info, decision.reason);
}

Identity named(std::optional<Identity> user) {
  if (!user) return anonymous();
  const bool unknown = user->name == kAnonymous || std::ranges::find(user->groups, kUnauthenticated) != user->groups.end();
  if (!unknown) add_group(*user, kAuthenticated);
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

Soon<> authorize(const Core& core, const Identity& user, const RequestInfo& info, audit::Trail* trail) {
  if (!core.extensions.authorizer) return {};
  return then(core.extensions.authorizer->authorize_soon({user, info}),
              [&user, &info, trail](const Decision& decision) { judge(decision, user, info, trail); });
}

std::string missing_right(const Identity& user, const RequestInfo& info) {
  const std::string who =
      fmt::format("bound to User \"{}\" or to one of the groups [\"{}\"]", user.name, fmt::join(user.groups, "\" \""));
  if (!info.is_resource) {
    return fmt::format(
        "missing: a rule {{NonResourceURLs:[\"{}\"], Verbs:[\"{}\"]}} of a ClusterRole, {} by a ClusterRoleBinding", info.path,
        info.verb, who);
  }
  const std::string resource = info.subresource.empty() ? info.resource : info.resource + "/" + info.subresource;
  const std::string names = info.name.empty() ? "" : fmt::format(", ResourceNames:[\"{}\"] or none", info.name);
  const std::string where =
      info.namespace_name.empty()
          ? fmt::format("of a ClusterRole, {} by a ClusterRoleBinding", who)
          : fmt::format("of a Role in namespace \"{}\" or of a ClusterRole, {} there", info.namespace_name, who);
  return fmt::format("missing: a rule {{APIGroups:[\"{}\"], Resources:[\"{}\"]{}, Verbs:[\"{}\"]}} {}", info.group, resource,
                     names, info.verb, where);
}

void explain_refusal(Call& call) {
  if (call.request.headers.get("Pilothouse-Explain") != "true" || call.user.name.empty()) return;
  try {
    throw;
  } catch (const api::ApiError& error) {
    if (error.code() == 403) call.warnings.push_back(missing_right(call.user, call.info));
  } catch (...) {
    // No refusal: whoever catches it knows what to do with it.
  }
}

std::optional<Identity> authenticate_here(const Front& front, const HttpRequest& request) {
  if (!front.authenticator) return named(request.peer.identity);
  std::optional<std::optional<Identity>> user = front.authenticator->authenticate_here(request);
  if (!user) return std::nullopt;
  return named(std::move(*user));
}

bool authorize_here(const Front& front, const Identity& user, const RequestInfo& info, audit::Trail* trail) {
  if (!front.authorizer) return true;
  const std::optional<Decision> decision = front.authorizer->authorize_here({user, info});
  if (!decision) return false;
  judge(*decision, user, info, trail);
  return true;
}

}  // namespace ph::apiserver
