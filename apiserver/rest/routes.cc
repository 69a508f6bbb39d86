#include "apiserver/rest/routes.h"

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "api/errors.h"
#include "apiserver/rest/core.h"

namespace ph::apiserver {
namespace {

using Verbs = std::vector<std::string_view>;

// Of a path, not of a kind: it says nothing of what was asked for.
api::ApiError method_not_allowed() {
  meta::v1::Status status;
  status.set_status("Failure");
  status.set_code(405);
  status.set_reason("MethodNotAllowed");
  status.set_message("the server does not allow this method on the requested resource");
  status.mutable_details();
  return api::ApiError(std::move(status));
}

// Those of `verbs` that are among `these`.
Verbs among(const std::vector<std::string>& verbs, std::span<const std::string_view> these) {
  Verbs out;
  std::ranges::copy_if(verbs, std::back_inserter(out),
                       [&](std::string_view verb) { return std::ranges::find(these, verb) != these.end(); });
  return out;
}

// What can be done at such a path; nothing when there is no such path.
Verbs verbs_at(const api::Resource& resource, const RequestInfo& info) {
  static constexpr std::string_view kObject[] = {"get", "update", "patch", "delete"};
  static constexpr std::string_view kCollection[] = {"list", "watch", "create", "deletecollection"};
  static constexpr std::string_view kEverywhere[] = {"list", "watch"};
  static constexpr std::string_view kWatch[] = {"watch"};
  if (info.unknown_shape) return {};
  const bool lives_here = resource.namespaced == info.under_namespace;
  if (!info.subresource.empty()) {
    const api::Subresource* part = resource.subresource(info.subresource);
    if (!lives_here || !part || info.by_watch_prefix) return {};
    return {part->verbs.begin(), part->verbs.end()};
  }
  const bool of_all_namespaces = resource.namespaced && !info.under_namespace && !info.names_object;
  if (info.by_watch_prefix) return lives_here || of_all_namespaces ? among(resource.verbs, kWatch) : Verbs();
  if (of_all_namespaces) return among(resource.verbs, kEverywhere);
  return !lives_here ? Verbs() : info.names_object ? among(resource.verbs, kObject) : among(resource.verbs, kCollection);
}

}  // namespace

void check_route(const api::Resource& resource, const RequestInfo& info, std::string_view method) {
  const Verbs verbs = verbs_at(resource, info);
  if (verbs.empty()) throw api::page_not_found();
  const bool reads = method == "GET" || method == "HEAD";
  if (info.verb == "watch" && reads && !info.by_watch_prefix && resource.has_verb("list")) return;
  if (std::ranges::find(verbs, info.verb) == verbs.end() || (info.by_watch_prefix && !reads)) {
    // Custom kinds have no paths of their own: what answers for them all knows what is asked for.
    if (resource.schema->custom && !info.subresource.empty())
      throw api::method_not_allowed(qualified_resource(resource), info.verb);
    throw method_not_allowed();
  }
  if (const auto why = bad_path_segment(info.name)) {
    throw api::bad_request(fmt::format("Name parameter invalid: \"{}\": {}", info.name, *why));
  }
}

}  // namespace ph::apiserver
