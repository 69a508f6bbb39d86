// What a request's path and method mean.
#include <algorithm>
#include <array>

#include "api/errors.h"
#include "api/selector.h"
#include "apiserver/access.h"
#include "apiserver/rest/query.h"

namespace ph::apiserver {
namespace {

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const auto slash = path.find('/');
    if (slash != 0) parts.push_back(percent_decode(path.substr(0, slash)));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return parts;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

std::string verb_of(std::string_view method) {
  if (method == "POST") return "create";
  if (method == "GET" || method == "HEAD") return "get";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  if (method == "DELETE") return "delete";
  return {};
}

// The collection forms of the verbs, and the one name a field selector may pin a list to.
void refine_verb(const HttpRequest& request, RequestInfo& info) {
  if (!info.name.empty()) return;
  if (info.verb == "delete") info.verb = "deletecollection";
  if (info.verb == "get") info.verb = "list";
  if (info.verb != "list" && info.verb != "watch") return;
  const Query query = Query::parse(request.query());
  if (query.flag("watch")) info.verb = "watch";
  if (!query.has("fieldSelector")) return;
  try {
    const auto selector = api::FieldSelector::parse(query.get("fieldSelector"));
    if (const auto name = selector.demanded("metadata.name")) info.name = std::string(*name);
  } catch (const api::DecodeError&) {
    // The verb refuses it with the right words; here it only would have narrowed what is asked for.
  }
}

}  // namespace

RequestInfo parse_request(const HttpRequest& request) {
  RequestInfo info;
  info.path = percent_decode(request.path());
  info.verb = lower(request.method);
  std::vector<std::string> parts = split_path(request.path());
  const bool core = !parts.empty() && parts[0] == "api";
  if (parts.size() < 3 || (!core && parts[0] != "apis")) return info;
  if (!core && parts.size() < 4) return info;

  std::size_t at = 1;
  if (!core) info.group = parts[at++];
  info.version = parts[at++];
  info.is_resource = true;
  info.verb = verb_of(request.method);
  if (parts[at] == "watch") {
    if (at + 1 == parts.size()) throw api::bad_request("unable to determine kind and namespace from url");
    info.verb = "watch";
    ++at;
  }

  // A namespace stands before what it holds, but /namespaces/x, /namespaces/x/status and …/finalize are about itself.
  if (parts[at] == "namespaces" && at + 1 < parts.size()) {
    info.namespace_name = parts[at + 1];
    const bool itself = at + 2 == parts.size() || parts[at + 2] == "status" || parts[at + 2] == "finalize";
    if (!itself) at += 2;
  }
  info.resource = parts[at];
  if (at + 1 < parts.size()) info.name = parts[at + 1];
  if (at + 2 < parts.size()) info.subresource = parts[at + 2];
  refine_verb(request, info);
  return info;
}

}  // namespace ph::apiserver
