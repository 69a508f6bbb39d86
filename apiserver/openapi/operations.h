// What can be done at which path, the same for every version of OpenAPI.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/schema.h"
#include "apiserver/discovery/groups.h"

namespace ph::apiserver {

struct Parameter {
  std::string_view name;
  std::string_view type;  // string, boolean, integer
  std::string_view in = "query";
  bool required = false;
};

struct Operation {
  std::string_view method;  // get, put, post, delete, patch
  std::string_view action;  // x-kubernetes-action
  std::string id;
  api::GroupVersionKind kind;  // x-kubernetes-group-version-kind
  std::vector<Parameter> parameters;
  const api::Schema* body = nullptr;  // of a patch: any document
  bool body_required = true;
  bool is_patch = false;
  const api::Schema* answer = nullptr;  // null: text
  std::vector<int> codes;               // all with the answer
  bool custom = false;                  // of documents: neither protobuf nor strategic patches
};

struct Path {
  std::string path;  // /api/v1/namespaces/{namespace}/pods/{name}
  std::string tag;   // core_v1
  std::vector<Parameter> parameters;
  std::vector<Operation> operations;
};

// Everything below /api/v1 or /apis/GROUP/VERSION, in order of the paths.
std::vector<Path> paths_of(Resources resources, std::string_view group, std::string_view version);

// "api/v1", "apis/apps/v1"
std::string group_version_path(std::string_view group, std::string_view version);

}  // namespace ph::apiserver
