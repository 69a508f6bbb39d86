#include "apiserver/openapi/operations.h"

#include <algorithm>
#include <cctype>

#include "api/structural/structural.h"

namespace ph::apiserver {

using api::Resource;
using api::Schema;
using api::Subresource;

namespace {

constexpr Parameter kDryRun{"dryRun", "string"}, kFieldManager{"fieldManager", "string"},
    kFieldValidation{"fieldValidation", "string"}, kForce{"force", "boolean"}, kPretty{"pretty", "string"};

constexpr Parameter kList[] = {{"allowWatchBookmarks", "boolean"},
                               {"continue", "string"},
                               {"fieldSelector", "string"},
                               {"labelSelector", "string"},
                               {"limit", "integer"},
                               {"resourceVersion", "string"},
                               {"resourceVersionMatch", "string"},
                               {"sendInitialEvents", "boolean"},
                               {"timeoutSeconds", "integer"},
                               {"watch", "boolean"}};
constexpr Parameter kDelete[] = {kDryRun,
                                 {"gracePeriodSeconds", "integer"},
                                 {"ignoreStoreReadErrorWithClusterBreakingPotential", "boolean"},
                                 {"orphanDependents", "boolean"},
                                 {"propagationPolicy", "string"}};
constexpr Parameter kName{"name", "string", "path", true}, kNamespace{"namespace", "string", "path", true};

std::string capitalized(std::string_view text) {
  std::string out(text);
  if (!out.empty()) out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
  return out;
}

// rbac.authorization.k8s.io → rbacAuthorization; the core group is "core".
std::string short_group(std::string_view group) {
  if (group.empty()) return "core";
  if (group.ends_with(".k8s.io")) group.remove_suffix(7);
  std::string out;
  while (!group.empty()) {
    const auto dot = group.find('.');
    out += out.empty() ? std::string(group.substr(0, dot)) : capitalized(group.substr(0, dot));
    group = dot == std::string_view::npos ? std::string_view() : group.substr(dot + 1);
  }
  return out;
}

const Schema* kind_schema(const char* kind) { return api::Scheme::builtin().find({"", "v1", kind}); }

const Schema* list_schema(const Resource& resource) {
  if (resource.schema->structural) return &resource.schema->structural->list_schema();
  return api::Scheme::builtin().find({resource.kind.group, resource.kind.version, resource.kind.kind + "List"});
}

// What the names of a resource's operations are made of.
struct Naming {
  std::string group_version;  // CoreV1
  std::string scope;          // Namespaced, or nothing
  std::string kind;
  std::string suffix;  // of a sub-resource: Status
  std::string id(std::string_view verb) const { return std::string(verb) + group_version + scope + kind + suffix; }
};

Operation make(std::string_view method, std::string_view action, std::string id, const api::GroupVersionKind& kind) {
  return {.method = method, .action = action, .id = std::move(id), .kind = kind};
}

void add_object_operations(const std::vector<std::string>& verbs, const Naming& naming, const api::GroupVersionKind& kind,
                           const Schema* schema, std::vector<Operation>& out) {
  const auto can = [&](std::string_view verb) { return std::ranges::find(verbs, verb) != verbs.end(); };
  if (can("get")) {
    Operation& get = out.emplace_back(make("get", "get", naming.id("read"), kind));
    get.answer = schema;
    get.codes = {200};
  }
  if (can("update")) {
    Operation& put = out.emplace_back(make("put", "put", naming.id("replace"), kind));
    put.parameters = {kDryRun, kFieldManager, kFieldValidation};
    put.body = put.answer = schema;
    put.codes = {200, 201};
  }
  if (can("patch")) {
    Operation& patch = out.emplace_back(make("patch", "patch", naming.id("patch"), kind));
    patch.parameters = {kDryRun, kFieldManager, kFieldValidation, kForce};
    patch.is_patch = true;
    patch.answer = schema;
    patch.codes = {200, 201};
  }
  if (can("delete")) {
    Operation& remove = out.emplace_back(make("delete", "delete", naming.id("delete"), kind));
    remove.parameters.assign(std::begin(kDelete), std::end(kDelete));
    remove.body = kind_schema("DeleteOptions");
    remove.body_required = false;
    remove.answer = kind_schema("Status");
    remove.codes = {200, 202};
  }
}

void add_create(const Naming& naming, const api::GroupVersionKind& kind, const Schema* schema, std::vector<Operation>& out) {
  Operation& post = out.emplace_back(make("post", "post", naming.id("create"), kind));
  post.parameters = {kDryRun, kFieldManager, kFieldValidation};
  post.body = post.answer = schema;
  post.codes = {200, 201, 202};
}

Operation list_operation(const Resource& resource, std::string id) {
  Operation list = make("get", "list", std::move(id), resource.kind);
  list.parameters.assign(std::begin(kList), std::end(kList));
  list.answer = list_schema(resource);
  list.codes = {200};
  return list;
}

class Builder {
 public:
  Builder(std::string_view group, std::string_view version)
      : base_("/" + group_version_path(group, version)), tag_(short_group(group) + "_" + std::string(version)) {
    group_version_ = capitalized(short_group(group)) + capitalized(version);
  }

  void add(const Resource& resource) {
    const std::size_t before = paths_.size();
    add_paths(resource);
    if (!resource.schema->custom) return;
    for (std::size_t i = before; i < paths_.size(); ++i) {
      for (Operation& operation : paths_[i].operations) make_custom(resource, operation);
    }
  }

  std::vector<Path> take() {
    std::ranges::sort(paths_, {}, &Path::path);
    return std::move(paths_);
  }

 private:
  // What upstream's server of custom resources says otherwise.
  static void make_custom(const Resource& resource, Operation& operation) {
    operation.custom = true;
    operation.kind = resource.kind;
    if (operation.is_patch) operation.codes = {200};
    if (operation.action == "get") operation.parameters.push_back({"resourceVersion", "string"});
  }

  void add_paths(const Resource& resource) {
    const Naming naming{group_version_, resource.namespaced ? "Namespaced" : "", resource.kind.kind, {}};
    const std::string root = base_ + (resource.namespaced ? "/namespaces/{namespace}/" : "/") + resource.plural;
    add_collection(resource, naming, root);
    if (resource.namespaced && resource.has_verb("list")) {
      Path& all = begin(base_ + "/" + resource.plural, {});
      all.operations.push_back(list_operation(resource, "list" + group_version_ + resource.kind.kind + "ForAllNamespaces"));
    }
    std::vector<Operation> operations;
    add_object_operations(resource.verbs, naming, resource.kind, resource.schema, operations);
    if (!operations.empty()) object_path(resource, root + "/{name}").operations = std::move(operations);
    for (const Subresource& sub : resource.subresources) add_subresource(resource, sub, naming, root);
  }

  void add_collection(const Resource& resource, const Naming& naming, const std::string& root) {
    std::vector<Operation> operations;
    if (resource.has_verb("list")) operations.push_back(list_operation(resource, naming.id("list")));
    if (resource.has_verb("create")) add_create(naming, resource.kind, resource.schema, operations);
    if (resource.has_verb("deletecollection")) {
      Operation& all = operations.emplace_back(make(
          "delete", "deletecollection", "delete" + group_version_ + "Collection" + naming.scope + naming.kind, resource.kind));
      all.parameters.assign(std::begin(kDelete), std::end(kDelete));
      for (const Parameter& parameter : kList) {
        if (parameter.name != "allowWatchBookmarks" && parameter.name != "watch") all.parameters.push_back(parameter);
      }
      std::ranges::sort(all.parameters, {}, &Parameter::name);
      all.body = kind_schema("DeleteOptions");
      all.body_required = false;
      all.answer = kind_schema("Status");
      all.codes = {200};
    }
    if (operations.empty()) return;
    begin(root, resource.namespaced ? std::vector{kNamespace} : std::vector<Parameter>{}).operations = std::move(operations);
  }

  void add_subresource(const Resource& resource, const Subresource& sub, Naming naming, const std::string& root) {
    naming.suffix = capitalized(sub.name);
    const Schema* schema = sub.kind == resource.kind ? resource.schema : api::Scheme::builtin().find(sub.kind);
    // Those that only connect (exec, proxy) have no body that a document could describe.
    if (!schema && sub.name != "log") return;
    std::vector<Operation> operations;
    add_object_operations(sub.verbs, naming, sub.kind, sub.name == "log" ? nullptr : schema, operations);
    if (std::ranges::find(sub.verbs, "create") != sub.verbs.end()) add_create(naming, sub.kind, schema, operations);
    object_path(resource, root + "/{name}/" + sub.name).operations = std::move(operations);
  }

  Path& object_path(const Resource& resource, std::string path) {
    return begin(std::move(path), resource.namespaced ? std::vector{kName, kNamespace} : std::vector{kName});
  }

  Path& begin(std::string path, std::vector<Parameter> parameters) {
    parameters.push_back(kPretty);
    return paths_.emplace_back(Path{std::move(path), tag_, std::move(parameters), {}});
  }

  std::string base_, tag_, group_version_;
  std::vector<Path> paths_;
};

}  // namespace

std::string group_version_path(std::string_view group, std::string_view version) {
  if (group.empty()) return "api/" + std::string(version);
  return "apis/" + std::string(group) + "/" + std::string(version);
}

std::vector<Path> paths_of(Resources resources, std::string_view group, std::string_view version) {
  Builder builder(group, version);
  for (const Resource& resource : resources) {
    if (resource.kind.group == group && resource.kind.version == version) builder.add(resource);
  }
  return builder.take();
}

}  // namespace ph::apiserver
