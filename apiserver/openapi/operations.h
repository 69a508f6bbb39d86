// What can be done at which path, the same for every version of OpenAPI.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/schema.h"
#include "apiserver/discovery/groups.h"
#include "apiserver/openapi/parameters.h"

namespace ph::apiserver {

// Media types, for one or several purposes. The text of one lives for good.
using Forms = std::span<const char* const>;

struct Operation {
  std::string_view method;  // get, put, post, delete, patch, options, head
  std::string_view action;  // x-kubernetes-action; empty: it is about no resource
  std::string id;
  api::GroupVersionKind kind;  // x-kubernetes-group-version-kind, where there is an action
  std::vector<Parameter> parameters;
  const api::Schema* body = nullptr;  // of a patch: any document
  bool body_required = true;
  bool is_patch = false;
  const api::Schema* answer = nullptr;  // null: text
  bool tells_version = false;           // … or what the server is
  std::vector<int> codes;               // all with the answer
  Forms consumes, produces;             // of its body, and of its answer
};

struct Path {
  std::string path;  // /api/v1/namespaces/{namespace}/pods/{name}
  std::string tag;   // core_v1
  std::vector<Parameter> parameters;
  std::vector<Operation> operations;
};

// Everything below /api/v1 or /apis/GROUP/VERSION, in order of the paths; what all operations of a path have in common of parameters is
// the path's.
std::vector<Path> paths_of(Resources resources, std::string_view group, std::string_view version);

// What is described besides: discovery of all groups and of each, the server's version, OpenID. Each has a document of its own.
struct OtherPath {
  std::string document;  // "apis/apps"
  Path path;
};
std::vector<OtherPath> other_paths(Resources resources);

// rbac.authorization.k8s.io → rbacAuthorization; the core group is "core".
std::string short_group(std::string_view group);
std::string capitalized(std::string_view text);

// "api/v1", "apis/apps/v1"
std::string group_version_path(std::string_view group, std::string_view version);

}  // namespace ph::apiserver
