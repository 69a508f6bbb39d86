// Acting as somebody else, who is named in headers. It is granted as a whole (the verb `impersonate` on whom it is), or for some
// requests only: `impersonate-on:MODE:VERB` on what the request is for, and `impersonate:MODE` on whom it is.
// Reference: "User Impersonation", constrained impersonation.
#include <algorithm>

#include <fmt/format.h>

#include "api/errors.h"
#include "apiserver/rest/identity.h"
#include "apiserver/rest/query.h"
#include "base/ascii.h"

namespace ph::apiserver {
namespace {

constexpr std::string_view kImpersonation = "impersonate-";
constexpr std::string_view kExtraPrefix = "impersonate-extra-", kNodePrefix = "system:node:";
constexpr const char* kAuthentication = "authentication.k8s.io";
constexpr std::string_view kNodeOfToken = "authentication.kubernetes.io/node-name";

// "system:serviceaccount:ns:name" as its two parts.
std::optional<std::pair<std::string, std::string>> service_account(std::string_view name) {
  constexpr std::string_view kPrefix = "system:serviceaccount:";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  const auto colon = name.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return std::pair(std::string(name.substr(0, colon)), std::string(name.substr(colon + 1)));
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

RequestInfo on(std::string verb, std::string group, std::string resource, std::string name) {
  RequestInfo info;
  info.is_resource = true;
  info.verb = std::move(verb);
  info.group = std::move(group);
  info.version = "v1";
  info.resource = std::move(resource);
  info.name = std::move(name);
  return info;
}

RequestInfo on_account(std::string verb, std::string group, const std::pair<std::string, std::string>& account) {
  RequestInfo info = on(std::move(verb), std::move(group), "serviceaccounts", account.second);
  info.namespace_name = account.first;
  return info;
}

// What a user consists of besides his name.
void add_rest(const Identity& wanted, const std::string& verb, const std::string& group_of_groups,
              std::vector<RequestInfo>& out) {
  for (const std::string& group : wanted.groups) out.push_back(on(verb, group_of_groups, "groups", group));
  if (!wanted.uid.empty()) out.push_back(on(verb, kAuthentication, "uids", wanted.uid));
  for (const auto& [key, values] : wanted.extra) {
    for (const std::string& value : values) {
      out.push_back(on(verb, kAuthentication, "userextras", value));
      out.back().subresource = key;
    }
  }
}

// What one must be allowed to do to be `wanted` in everything.
std::vector<RequestInfo> whole(const Identity& wanted) {
  std::vector<RequestInfo> out;
  if (const auto account = service_account(wanted.name)) out.push_back(on_account("impersonate", "", *account));
  else out.push_back(on("impersonate", "", "users", wanted.name));
  add_rest(wanted, "impersonate", "", out);
  return out;
}

RequestInfo acting(const std::string& mode, RequestInfo info) {
  info.verb = fmt::format("impersonate-on:{}:{}", mode, info.verb);
  return info;
}

bool runs_on(const Identity& user, std::string_view node) {
  return service_account(user.name) && std::ranges::any_of(user.extra, [&](const auto& extra) {
           return extra.first == kNodeOfToken && extra.second.size() == 1 && extra.second[0] == node;
         });
}

// What one must be allowed to do to be `wanted` in this one request: one of these lists.
std::vector<std::vector<RequestInfo>> constrained(const Identity& user, const Identity& wanted, const RequestInfo& request) {
  const bool only_a_name = wanted.groups.empty() && wanted.uid.empty() && wanted.extra.empty();
  std::vector<std::vector<RequestInfo>> out;
  if (const auto account = service_account(wanted.name)) {
    if (!only_a_name) return out;
    out.push_back({acting("serviceaccount", request), on_account("impersonate:serviceaccount", kAuthentication, *account)});
  } else if (wanted.name.starts_with(kNodePrefix)) {
    if (!only_a_name) return out;
    const std::string node = wanted.name.substr(kNodePrefix.size());
    if (runs_on(user, node))
      out.push_back({acting("associated-node", request), on("impersonate:associated-node", kAuthentication, "nodes", "*")});
    out.push_back({acting("arbitrary-node", request), on("impersonate:arbitrary-node", kAuthentication, "nodes", node)});
  } else {
    std::vector<RequestInfo>& list = out.emplace_back();
    list.push_back(acting("user-info", request));
    list.push_back(on("impersonate:user-info", kAuthentication, "users", wanted.name));
    add_rest(wanted, "impersonate:user-info", kAuthentication, list);
  }
  return out;
}

// Why not; nothing when he may do all of them.
Task<std::optional<api::ApiError>> refusal(const Core& core, const Identity& user, const std::vector<RequestInfo>& needed) {
  for (const RequestInfo& info : needed) {
    const Decision decision = co_await core.extensions.authorizer->authorize_soon({user, info});
    if (decision.kind != Decision::Kind::Allow) co_return forbidden_to(user, info, decision.reason);
  }
  co_return std::nullopt;
}

Task<void> check(const Core& core, const Identity& user, const Identity& wanted, const RequestInfo& request) {
  if (!core.extensions.authorizer) co_return;
  std::optional<api::ApiError> why;
  for (const std::vector<RequestInfo>& needed : constrained(user, wanted, request)) {
    why = co_await refusal(core, user, needed);
    if (!why) co_return;
  }
  const std::vector<RequestInfo> everything = whole(wanted);
  const std::optional<api::ApiError> not_whole = co_await refusal(core, user, everything);
  if (not_whole) throw why ? *why : *not_whole;
}

Task<Identity> become(const Core& core, Identity user, Identity wanted, const RequestInfo& request) {
  co_await check(core, user, wanted, request);
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

bool is_impersonation(const HttpRequest& request) {
  return std::ranges::any_of(request.headers, [](const auto& field) { return is_about_impersonation(field.first); });
}

Soon<Identity> impersonate(const Core& core, const HttpRequest& request, const RequestInfo& info, Identity user) {
  Identity wanted = requested(request);
  if (!wanted.name.empty()) return become(core, std::move(user), std::move(wanted), info);
  if (wanted.groups.empty() && wanted.uid.empty() && wanted.extra.empty()) return user;
  throw api::bad_request("requested impersonation without impersonating a user name");
}

}  // namespace ph::apiserver
