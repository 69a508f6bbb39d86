#include "apiserver/rest/identity.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/errors.h"
#include "apiserver/rest/query.h"
#include "base/ascii.h"

namespace ph::apiserver {
namespace {

constexpr std::string_view kAnonymous = "system:anonymous";
constexpr std::string_view kUnauthenticated = "system:unauthenticated";
constexpr std::string_view kAuthenticated = "system:authenticated";
constexpr std::string_view kImpersonation = "impersonate-";
constexpr std::string_view kExtraPrefix = "impersonate-extra-";

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

// "system:serviceaccount:ns:name" as its two parts.
std::optional<std::pair<std::string, std::string>> service_account(std::string_view name) {
  constexpr std::string_view kPrefix = "system:serviceaccount:";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  const auto colon = name.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return std::pair(std::string(name.substr(0, colon)), std::string(name.substr(colon + 1)));
}

RequestInfo impersonation(std::string resource, std::string subresource, std::string name) {
  RequestInfo info;
  info.is_resource = true;
  info.verb = "impersonate";
  info.version = "v1";
  info.resource = std::move(resource);
  info.subresource = std::move(subresource);
  info.name = std::move(name);
  return info;
}

bool is_about_impersonation(std::string_view header) {
  const auto same = [](char a, char b) { return a == b || (a >= 'A' && a <= 'Z' && a + ('a' - 'A') == b); };
  return header.size() > kImpersonation.size() &&
         std::ranges::equal(header.substr(0, kImpersonation.size()), kImpersonation, same);
}

// What is asked for in the headers; an empty name when nothing is.
Identity requested(const HttpRequest& request) {
  Identity wanted;
  for (const auto& [name, value] : request.headers) {
    if (!is_about_impersonation(name)) continue;
    const std::string header = lower_ascii(name);
    if (header == "impersonate-user") wanted.name = value;
    if (header == "impersonate-uid") wanted.uid = value;
    if (header == "impersonate-group") wanted.groups.push_back(value);
    if (!header.starts_with(kExtraPrefix)) continue;
    const std::string key = percent_decode(header.substr(kExtraPrefix.size()));
    auto found = std::ranges::find(wanted.extra, key, [](const auto& extra) { return extra.first; });
    if (found == wanted.extra.end()) found = wanted.extra.insert(wanted.extra.end(), {key, {}});
    found->second.push_back(value);
  }
  return wanted;
}

// What one must be allowed to do to be `wanted`.
std::vector<RequestInfo> impersonations(const Identity& wanted) {
  std::vector<RequestInfo> out;
  if (const auto account = service_account(wanted.name)) {
    out.push_back(impersonation("serviceaccounts", {}, account->second));
    out.back().namespace_name = account->first;
  } else {
    out.push_back(impersonation("users", {}, wanted.name));
  }
  for (const std::string& group : wanted.groups) out.push_back(impersonation("groups", {}, group));
  const auto in_authentication = [&](RequestInfo info) {
    info.group = "authentication.k8s.io";
    out.push_back(std::move(info));
  };
  if (!wanted.uid.empty()) in_authentication(impersonation("uids", {}, wanted.uid));
  for (const auto& [key, values] : wanted.extra) {
    for (const std::string& value : values) in_authentication(impersonation("userextras", key, value));
  }
  return out;
}

void judge(const Decision& decision, const Identity& user, const RequestInfo& info) {
  if (decision.kind == Decision::Kind::Allow) return;
  throw api::forbidden(qualified(info), info.is_resource ? info.name : std::string(), refusal(user, info, decision.reason));
}

Identity named(std::optional<Identity> user) {
  if (!user) return anonymous();
  if (user->name != kAnonymous) add_group(*user, kAuthenticated);
  return std::move(*user);
}

Task<Identity> become(const Core& core, Identity user, Identity wanted) {
  const std::vector<RequestInfo> needed = impersonations(wanted);
  for (const RequestInfo& info : needed) co_await authorize(core, user, info);
  if (wanted.groups.empty()) {
    if (const auto account = service_account(wanted.name)) {
      wanted.groups = {"system:serviceaccounts", "system:serviceaccounts:" + account->first};
    }
  }
  if (wanted.name == kAnonymous) {
    add_group(wanted, kUnauthenticated);
  } else if (std::ranges::find(wanted.groups, kUnauthenticated) == wanted.groups.end()) {
    add_group(wanted, kAuthenticated);
  }
  co_return wanted;
}

}  // namespace

Soon<Identity> authenticate(const Core& core, const HttpRequest& request) {
  if (!core.extensions.authenticator) return named(request.peer.identity);
  return then(core.extensions.authenticator->authenticate_soon(request), &named);
}

Soon<Identity> impersonate(const Core& core, const HttpRequest& request, Identity user) {
  Identity wanted = requested(request);
  if (!wanted.name.empty()) return become(core, std::move(user), std::move(wanted));
  if (wanted.groups.empty() && wanted.uid.empty() && wanted.extra.empty()) return user;
  throw api::internal("requested impersonation without impersonating a user");
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

bool is_impersonation(const HttpRequest& request) {
  return std::ranges::any_of(request.headers, [](const auto& field) { return is_about_impersonation(field.first); });
}

}  // namespace ph::apiserver
