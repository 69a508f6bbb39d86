// What a request's path and method mean.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "api/errors.h"
#include "api/selector.h"
#include "apiserver/access.h"
#include "apiserver/rest/query.h"
#include "base/ascii.h"

namespace ph::apiserver {
namespace {

// The parts of a decoded path. Empty ones within it are parts, too: what is authorized must be what is routed.
std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  while (!path.empty()) {
    const auto slash = path.find('/');
    parts.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return parts;
}

std::string verb_of(std::string_view method) {
  if (method == "POST") return "create";
  if (method == "GET" || method == "HEAD") return "get";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  if (method == "DELETE") return "delete";
  return {};
}

// What a collection is narrowed to, and the one name that a field selector may pin a list to.
void read_selectors(const Query& query, RequestInfo& info) {
  // The verb refuses with the right words what cannot be read; here it only would have narrowed what is asked for.
  try {
    if (query.has("fieldSelector")) {
      const auto selector = api::FieldSelector::parse(query.get("fieldSelector"));
      const auto name = selector.demanded("metadata.name");
      if (info.verb != "deletecollection" && info.name.empty() && name && !bad_path_segment(*name))
        info.name = std::string(*name);
      info.fields = selector.terms();
    }
  } catch (const api::DecodeError&) {
  }
  try {
    if (query.has("labelSelector")) info.labels = api::LabelSelector::parse(query.get("labelSelector")).requirements();
  } catch (const api::DecodeError&) {
  }
}

// The collection forms of the verbs, and what a collection is narrowed to.
void refine_verb(const HttpRequest& request, RequestInfo& info) {
  if (!info.name.empty() && info.verb != "watch") return;
  if (info.verb == "delete") info.verb = "deletecollection";
  if (info.verb == "get") info.verb = "list";
  const bool read = info.verb == "list" || info.verb == "watch";
  if (!read && info.verb != "deletecollection") return;
  const Query query = Query::parse(request.query());
  if (read && query.flag("watch")) info.verb = "watch";
  read_selectors(query, info);
}

}  // namespace

std::optional<std::string> bad_path_segment(std::string_view name) {
  if (name == "." || name == "..") return fmt::format("may not be '{}'", name);
  for (const char c : {'/', '%'}) {
    if (name.find(c) != std::string_view::npos) return fmt::format("may not contain '{}'", c);
  }
  return std::nullopt;
}

RequestInfo parse_request(const HttpRequest& request) {
  RequestInfo info;
  info.path = percent_decode(request.path());
  info.verb = lower_ascii(request.method);
  // Decoded first, then split: %2F is a slash like any other, so that no name ever holds one.
  std::vector<std::string> parts = split_path(info.path);
  const bool core = !parts.empty() && parts[0] == "api";
  if (parts.size() < 3 || (!core && parts[0] != "apis")) return info;
  if (!core && parts.size() < 4) return info;

  std::size_t at = 1;
  if (!core) info.group = parts[at++];
  info.version = parts[at++];
  info.is_resource = true;
  info.verb = verb_of(request.method);
  // Paths that began with these were served once; whoever asks for one is still told what he may not do there.
  const bool proxied = parts[at] == "proxy";
  if (parts[at] == "watch" || proxied) {
    if (at + 1 == parts.size()) throw api::bad_request("unable to determine kind and namespace from url");
    info.by_watch_prefix = !proxied;
    info.verb = parts[at++];
  }

  // A namespace stands before what it holds, but /namespaces/x, /namespaces/x/status and …/finalize are about itself.
  if (parts[at] == "namespaces" && at + 1 < parts.size()) {
    info.namespace_name = parts[at + 1];
    info.under_namespace = at + 2 < parts.size() && parts[at + 2] != "status" && parts[at + 2] != "finalize";
    if (info.under_namespace) at += 2;
  }
  info.unknown_shape =
      proxied || at + 3 < parts.size() || info.path.starts_with("//") || std::ranges::find(parts, "") != parts.end();
  info.resource = parts[at];
  info.names_object = at + 1 < parts.size();
  if (info.names_object) info.name = parts[at + 1];
  if (at + 2 < parts.size() && !proxied) info.subresource = parts[at + 2];
  refine_verb(request, info);
  return info;
}

}  // namespace ph::apiserver
