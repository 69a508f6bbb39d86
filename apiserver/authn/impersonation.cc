#include "apiserver/authn/impersonation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "api/errors.h"

namespace ph::apiserver {

namespace {

constexpr std::string_view kExtraPrefix = "impersonate-extra-";

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

// Header names cannot hold everything a key can, so keys come percent-encoded.
std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto digit = [&](std::size_t at) {
      const char c = text[at];
      return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    };
    if (text[i] == '%' && i + 2 < text.size() && digit(i + 1) >= 0 && digit(i + 2) >= 0) {
      out += static_cast<char>(digit(i + 1) * 16 + digit(i + 2));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

void add_extra(Identity& to, std::string key, std::string value) {
  auto found = std::ranges::find(to.extra, key, [](const auto& e) -> const std::string& { return e.first; });
  if (found == to.extra.end()) found = to.extra.insert(to.extra.end(), {std::move(key), {}});
  found->second.push_back(std::move(value));
}

Identity wanted(const HttpRequest& request) {
  Identity out;
  for (const auto& [name, value] : request.headers) {
    const std::string key = lower(name);
    if (key == "impersonate-user") out.name = value;
    else if (key == "impersonate-uid") out.uid = value;
    else if (key == "impersonate-group") out.groups.push_back(value);
    else if (key.starts_with(kExtraPrefix)) add_extra(out, unescape(std::string_view(key).substr(kExtraPrefix.size())), value);
  }
  return out;
}

void demand(Authorizer& authorizer, const Identity& user, RequestInfo info) {
  info.is_resource = true;
  info.verb = "impersonate";
  info.version = "v1";
  const Decision decision = authorizer.authorize({user, info});
  if (decision.kind == Decision::Kind::Allow) return;
  const std::string resource = info.group.empty() ? info.resource : info.resource + "." + info.group;
  std::string why = fmt::format("User \"{}\" cannot impersonate resource \"{}\" in API group \"{}\"", user.name,
                                info.resource, info.group);
  why += info.namespace_name.empty() ? " at the cluster scope" : fmt::format(" in the namespace \"{}\"", info.namespace_name);
  throw api::forbidden(resource, info.name, why);
}

// A service account by its user name.
std::optional<std::pair<std::string, std::string>> service_account(std::string_view name) {
  static constexpr std::string_view kPrefix = "system:serviceaccount:";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  const auto colon = name.find(':');
  if (colon == std::string_view::npos || name.find(':', colon + 1) != std::string_view::npos) return std::nullopt;
  return std::pair(std::string(name.substr(0, colon)), std::string(name.substr(colon + 1)));
}

}  // namespace

std::optional<Identity> impersonated(const HttpRequest& request, const Identity& user, Authorizer& authorizer) {
  Identity out = wanted(request);
  if (out.name.empty()) {
    if (out.uid.empty() && out.groups.empty() && out.extra.empty()) return std::nullopt;
    throw api::bad_request("requested uid, groups or extra without impersonating a user");
  }
  const auto account = service_account(out.name);
  if (account) demand(authorizer, user, {.resource = "serviceaccounts", .namespace_name = account->first, .name = account->second});
  else demand(authorizer, user, {.resource = "users", .name = out.name});
  if (!out.uid.empty()) demand(authorizer, user, {.group = "authentication.k8s.io", .resource = "uids", .name = out.uid});
  for (const std::string& group : out.groups) demand(authorizer, user, {.resource = "groups", .name = group});
  for (const auto& [key, values] : out.extra) {
    for (const std::string& value : values) {
      demand(authorizer, user, {.group = "authentication.k8s.io", .resource = "userextras", .subresource = key, .name = value});
    }
  }
  if (account && out.groups.empty()) out.groups = {"system:serviceaccounts", "system:serviceaccounts:" + account->first};
  const char* everybody = out.name == "system:anonymous" ? "system:unauthenticated" : "system:authenticated";
  if (std::ranges::find(out.groups, everybody) == out.groups.end()) out.groups.push_back(everybody);
  return out;
}

}  // namespace ph::apiserver
