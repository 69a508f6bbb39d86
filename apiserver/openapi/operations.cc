#include "apiserver/openapi/operations.h"

#include <algorithm>
#include <cctype>
#include <iterator>

#include "api/structural/structural.h"

namespace ph::apiserver {

using api::Resource;
using api::Schema;
using api::Subresource;
using namespace parameters;

namespace {

// -- Media types

constexpr const char* kAny[] = {"*/*"};
constexpr const char* kObjects[] = {"application/json", "application/yaml", "application/vnd.kubernetes.protobuf",
                                    "application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"};
constexpr const char* kLogs[] = {"text/plain", "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"};
constexpr const char* kPatches[] = {"application/json-patch+json", "application/merge-patch+json",
                                    "application/strategic-merge-patch+json", "application/apply-patch+yaml"};
constexpr const char* kCustomPatches[] = {"application/json-patch+json", "application/merge-patch+json",
                                          "application/apply-patch+yaml"};
constexpr Forms kWatched = kObjects, kUsual = kWatched.first(3), kDocuments = kWatched.first(2);

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
  // "connectCoreV1GetNamespacedPodExec"
  std::string id(std::string_view verb, std::string_view middle) const {
    return std::string(verb) + group_version + std::string(middle) + scope + kind + suffix;
  }
};

Operation make(std::string_view method, std::string_view action, std::string id, const api::GroupVersionKind& kind) {
  return {.method = method, .action = action, .id = std::move(id), .kind = kind, .consumes = kAny, .produces = kUsual};
}

bool can(const std::vector<std::string>& verbs, std::string_view verb) { return std::ranges::find(verbs, verb) != verbs.end(); }

void add_object_operations(const std::vector<std::string>& verbs, const Naming& naming, const api::GroupVersionKind& kind,
                           const Schema* schema, std::vector<Operation>& out) {
  if (can(verbs, "get")) {
    Operation& get = out.emplace_back(make("get", "get", naming.id("read"), kind));
    get.answer = schema;
    get.codes = {200};
  }
  if (can(verbs, "update")) {
    Operation& put = out.emplace_back(make("put", "put", naming.id("replace"), kind));
    put.parameters = {kDryRun, kFieldManager, kFieldValidation};
    put.body = put.answer = schema;
    put.codes = {200, 201};
  }
  if (can(verbs, "patch")) {
    Operation& patch = out.emplace_back(make("patch", "patch", naming.id("patch"), kind));
    patch.parameters = {kDryRun, kPatchManager, kFieldValidation, kForce};
    patch.is_patch = true;
    patch.consumes = kPatches;
    patch.answer = schema;
    patch.codes = {200, 201};
  }
  if (can(verbs, "delete")) {
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
  list.produces = kWatched;
  return list;
}

Operation collection_delete(const Resource& resource, const Naming& naming) {
  Operation out = make("delete", "deletecollection", naming.id("delete", "Collection"), resource.kind);
  out.answer = kind_schema("Status");
  out.codes = {200};
  if (resource.schema->custom) {
    out.parameters.assign(std::begin(kList), std::end(kList));
    return out;
  }
  out.parameters.assign(std::begin(kDelete), std::end(kDelete));
  for (const Parameter& parameter : kList) {
    if (parameter.name != "allowWatchBookmarks" && parameter.name != "watch") out.parameters.push_back(parameter);
  }
  std::ranges::sort(out.parameters, {}, &Parameter::name);
  out.body = kind_schema("DeleteOptions");
  out.body_required = false;
  return out;
}

// -- Sub-resources that connect to something which speaks for itself

std::span<const Parameter> connect_parameters(std::string_view kind) {
  if (kind == "PodAttachOptions") return kAttach;
  if (kind == "PodExecOptions") return kExec;
  if (kind == "PodPortForwardOptions") return kPortForward;
  if (kind == "PodProxyOptions") return kPodProxy;
  if (kind == "ServiceProxyOptions") return kServiceProxy;
  if (kind == "NodeProxyOptions") return kNodeProxy;
  return {};
}

std::vector<Operation> connect_operations(const Subresource& sub, const Naming& naming, std::string_view with) {
  static constexpr std::pair<std::string_view, std::string_view> kMethods[] = {
      {"get", "get"},     {"update", "put"},  {"create", "post"},    {"delete", "delete"},
      {"patch", "patch"}, {"update", "head"}, {"update", "options"},  // who passes on every method does these, too
  };
  std::vector<Operation> out;
  const std::span<const Parameter> parameters = connect_parameters(sub.kind.kind);
  for (const auto& [verb, method] : kMethods) {
    if (!can(sub.verbs, verb)) continue;
    Operation& operation =
        out.emplace_back(make(method, "connect", naming.id("connect", capitalized(method)) + std::string(with), sub.kind));
    operation.parameters.assign(parameters.begin(), parameters.end());
    operation.codes = {200};
    operation.produces = kAny;
  }
  return out;
}

// -- What is common

bool takes(const Operation& operation, const Parameter& parameter) {
  return std::ranges::find(operation.parameters, parameter) != operation.parameters.end();
}

// What all operations of a path take is told once, for the path.
void gather_parameters(Path& path) {
  if (path.operations.empty()) return;
  std::vector<Parameter> common;
  for (const Parameter& parameter : path.operations.front().parameters) {
    const bool all = std::ranges::all_of(path.operations, [&](const Operation& each) { return takes(each, parameter); });
    if (all) common.push_back(parameter);
  }
  for (Operation& operation : path.operations) {
    std::erase_if(operation.parameters, [&](const Parameter& each) { return std::ranges::find(common, each) != common.end(); });
  }
  std::ranges::copy(common, std::back_inserter(path.parameters));
  std::ranges::stable_sort(path.parameters, {}, &Parameter::name);
}

class Builder {
 public:
  Builder(std::string_view group, std::string_view version)
      : prefix_("/" + group_version_path(group, version)), tag_(short_group(group) + "_" + std::string(version)) {
    group_version_ = capitalized(short_group(group)) + capitalized(version);
  }

  void add(const Resource& resource) {
    const std::size_t before = paths_.size();
    add_paths(resource);
    if (!resource.schema->custom) return add_watches(resource);
    for (std::size_t i = before; i < paths_.size(); ++i) {
      for (Operation& operation : paths_[i].operations) make_custom(resource, operation);
    }
  }

  // What the group version has, of built-in ones.
  void add_discovery() {
    Path& path = paths_.emplace_back(Path{prefix_ + "/", tag_, {}, {}});
    Operation& get = path.operations.emplace_back();
    get.method = "get";
    get.id = "get" + group_version_ + "APIResources";
    get.answer = kind_schema("APIResourceList");
    get.codes = {200};
    get.consumes = get.produces = kUsual;
  }

  std::vector<Path> take() {
    for (Path& path : paths_) gather_parameters(path);
    std::ranges::sort(paths_, {}, &Path::path);
    return std::move(paths_);
  }

 private:
  // What upstream's server of custom resources says otherwise.
  static void make_custom(const Resource& resource, Operation& operation) {
    operation.kind = resource.kind;
    operation.produces = kDocuments;
    operation.consumes = operation.is_patch ? Forms(kCustomPatches) : kDocuments;
    if (operation.is_patch) operation.codes = {200};
    if (operation.action != "get") return;
    operation.parameters.push_back(*std::ranges::find(kList, std::string_view("resourceVersion"), &Parameter::name));
  }

  std::string root_of(const Resource& resource, std::string_view between = {}) const {
    return prefix_ + std::string(between) + (resource.namespaced ? "/namespaces/{namespace}/" : "/") + resource.plural;
  }

  Naming naming_of(const Resource& resource) const {
    return {group_version_, resource.namespaced ? "Namespaced" : "", resource.kind.kind, {}};
  }

  void add_paths(const Resource& resource) {
    const Naming naming = naming_of(resource);
    const std::string root = root_of(resource);
    add_collection(resource, naming, root);
    if (resource.namespaced && resource.has_verb("list")) {
      Path& all = begin(prefix_ + "/" + resource.plural, {});
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
    if (resource.has_verb("deletecollection")) operations.push_back(collection_delete(resource, naming));
    if (operations.empty()) return;
    begin(root, in_namespace(resource)).operations = std::move(operations);
  }

  // The old way to watch, by a path of its own.
  void add_watches(const Resource& resource) {
    if (!resource.has_verb("watch")) return;
    const Naming naming = naming_of(resource);
    const std::string root = root_of(resource, "/watch");
    add_watch(resource, root, in_namespace(resource), "watchlist", naming.id("watch") + "List");
    std::vector<Parameter> named = in_namespace(resource);
    named.push_back(kName);
    add_watch(resource, root + "/{name}", std::move(named), "watch", naming.id("watch"));
    if (!resource.namespaced) return;
    add_watch(resource, prefix_ + "/watch/" + resource.plural, {}, "watchlist",
              "watch" + group_version_ + resource.kind.kind + "ListForAllNamespaces");
  }

  void add_watch(const Resource& resource, std::string path, std::vector<Parameter> parameters, std::string_view action,
                 std::string id) {
    Operation& watch =
        begin(std::move(path), std::move(parameters)).operations.emplace_back(make("get", action, std::move(id), resource.kind));
    watch.parameters.assign(std::begin(kList), std::end(kList));
    watch.answer = &api::schema_of<meta::v1::WatchEvent>();
    watch.codes = {200};
    watch.produces = kWatched;
  }

  void add_subresource(const Resource& resource, const Subresource& sub, Naming naming, const std::string& root) {
    naming.suffix = capitalized(sub.name);
    const Schema* schema = sub.kind == resource.kind ? resource.schema : api::Scheme::builtin().find(sub.kind);
    const std::string path = root + "/{name}/" + sub.name;
    if (sub.name == "log") return add_log(resource, sub, naming, path);
    const bool connects = !schema || !connect_parameters(sub.kind.kind).empty();
    if (connects) return add_connect(resource, sub, naming, path);
    std::vector<Operation> operations;
    add_object_operations(sub.verbs, naming, sub.kind, schema, operations);
    if (can(sub.verbs, "create")) add_create(naming, sub.kind, schema, operations);
    object_path(resource, path).operations = std::move(operations);
  }

  void add_log(const Resource& resource, const Subresource& sub, const Naming& naming, const std::string& path) {
    Operation get = make("get", "get", naming.id("read"), sub.kind);
    get.parameters.assign(std::begin(kLog), std::end(kLog));
    get.codes = {200};
    get.produces = kLogs;
    object_path(resource, path).operations = {std::move(get)};
  }

  void add_connect(const Resource& resource, const Subresource& sub, const Naming& naming, const std::string& path) {
    std::vector<Parameter> parameters = in_namespace(resource);
    parameters.push_back(kName);
    paths_.push_back({path, tag_, parameters, connect_operations(sub, naming, {})});
    if (!can(sub.verbs, "update")) return;
    parameters.push_back(kProxyPath);
    paths_.push_back({path + "/{path}", tag_, std::move(parameters), connect_operations(sub, naming, "WithPath")});
  }

  static std::vector<Parameter> in_namespace(const Resource& resource) {
    return resource.namespaced ? std::vector{kNamespace} : std::vector<Parameter>{};
  }

  Path& object_path(const Resource& resource, std::string path) {
    std::vector<Parameter> parameters = in_namespace(resource);
    parameters.push_back(kName);
    return begin(std::move(path), std::move(parameters));
  }

  Path& begin(std::string path, std::vector<Parameter> parameters) {
    parameters.push_back(kPretty);
    return paths_.emplace_back(Path{std::move(path), tag_, std::move(parameters), {}});
  }

  std::string prefix_, tag_, group_version_;
  std::vector<Path> paths_;
};

}  // namespace

std::string capitalized(std::string_view text) {
  std::string out(text);
  if (!out.empty()) out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
  return out;
}

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

std::string group_version_path(std::string_view group, std::string_view version) {
  if (group.empty()) return "api/" + std::string(version);
  return "apis/" + std::string(group) + "/" + std::string(version);
}

std::vector<Path> paths_of(Resources resources, std::string_view group, std::string_view version) {
  Builder builder(group, version);
  bool built_in = false;
  for (const Resource& resource : resources) {
    if (resource.kind.group != group || resource.kind.version != version) continue;
    builder.add(resource);
    built_in |= !resource.owner;
  }
  if (built_in) builder.add_discovery();
  return builder.take();
}

}  // namespace ph::apiserver
