#include "pilothouse/who_can.h"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "apiserver/authz/rules.h"
#include "daemon/program.h"
#include "pilothouse/asking.h"
#include "pilothouse/version.h"

namespace ph::pilothouse {

using apiserver::RequestInfo;
using daemon::FlagError;
using nlohmann::json;
using rbac::v1::PolicyRule;

void add_flags(daemon::FlagSet& flags, WhoCanOptions& options) {
  flags.take_words(options.words, "VERB RESOURCE [NAME]");
  flags.section("What is asked");
  flags.add("namespace", options.namespace_name, "Where; else the kubeconfig's");
  flags.shorthand('n', "namespace");
  flags.add("all-namespaces", options.all_namespaces, "In which namespaces whoever may");
  flags.shorthand('A', "all-namespaces");
  add_asking_flags(flags, options.asking);
}

AskedResource asked_resource(std::string_view word) {
  AskedResource out;
  if (const auto slash = word.find('/'); slash != word.npos) {
    out.subresource = word.substr(slash + 1);
    word = word.substr(0, slash);
  }
  const auto dot = word.find('.');
  out.resource = word.substr(0, dot);
  if (dot != word.npos) out.group = word.substr(dot + 1);
  return out;
}

// -- Who

namespace {

template <class Roles>
std::map<std::string, const google::protobuf::RepeatedPtrField<PolicyRule>*> rules_by_name(const Roles& roles) {
  std::map<std::string, const google::protobuf::RepeatedPtrField<PolicyRule>*> out;
  for (const auto& role : roles) out[role.metadata().namespace_() + "/" + role.metadata().name()] = &role.rules();
  return out;
}

class Search {
 public:
  Search(const RbacObjects& cluster, const RequestInfo& asked)
      : asked_(asked), cluster_roles_(rules_by_name(cluster.cluster_roles)), roles_(rules_by_name(cluster.roles)) {}

  template <class Binding>
  void look_at(const std::vector<Binding>& bindings, const char* kind) {
    std::vector<const Binding*> ordered;
    for (const Binding& binding : bindings) ordered.push_back(&binding);
    std::ranges::sort(ordered, {}, [](const Binding* each) {
      return std::pair<std::string_view, std::string_view>(each->metadata().namespace_(), each->metadata().name());
    });
    for (const Binding* binding : ordered) {
      const std::string& space = binding->metadata().namespace_();
      if (!grants(binding->role_ref(), space)) continue;
      for (rbac::v1::Subject subject : binding->subjects()) {
        if (subject.kind() == "ServiceAccount" && subject.namespace_().empty()) subject.set_namespace_(space);
        found.push_back({.subject = std::move(subject),
                         .namespace_name = space,
                         .binding = fmt::format("{}/{}", kind, binding->metadata().name()),
                         .role = fmt::format("{}/{}", binding->role_ref().kind(), binding->role_ref().name())});
      }
    }
  }

  std::vector<Permit> found;

 private:
  bool grants(const rbac::v1::RoleRef& ref, const std::string& space) const {
    const bool of_namespace = ref.kind() == "Role";
    const auto& roles = of_namespace ? roles_ : cluster_roles_;
    const auto role = roles.find((of_namespace ? space : std::string()) + "/" + ref.name());
    if (role == roles.end()) return false;
    return std::ranges::any_of(*role->second, [&](const PolicyRule& rule) { return apiserver::rule_allows(rule, asked_); });
  }

  const RequestInfo& asked_;
  const std::map<std::string, const google::protobuf::RepeatedPtrField<PolicyRule>*> cluster_roles_, roles_;
};

}  // namespace

std::vector<Permit> who_can(const RbacObjects& cluster, const RequestInfo& asked, bool all_namespaces) {
  Search search(cluster, asked);
  search.look_at(cluster.cluster_role_bindings, "ClusterRoleBinding");
  if (!asked.is_resource) return std::move(search.found);  // bindings of a namespace grant no paths
  std::vector<rbac::v1::RoleBinding> bindings;
  for (const auto& binding : cluster.role_bindings) {
    const bool here = !asked.namespace_name.empty() && binding.metadata().namespace_() == asked.namespace_name;
    if (all_namespaces || here) bindings.push_back(binding);
  }
  search.look_at(bindings, "RoleBinding");
  return std::move(search.found);
}

// -- Asking a server

namespace {

json must_get(AskedServer& server, const std::string& target, const std::string& accept = "application/json") {
  Headers headers;
  headers.add("Accept", accept);
  const Reply reply = server.ask(target, std::nullopt, std::move(headers));
  const json body = json::parse(reply.body, nullptr, false);
  if (reply.status == 200 && body.is_object()) return body;
  if (body.is_object() && body.contains("message") && body["message"].is_string()) {
    throw std::runtime_error(body["message"].get<std::string>());
  }
  throw std::runtime_error(fmt::format("{} answered {}: {}", server.url(), reply.status, reply.body));
}

template <class T>
std::vector<T> all(AskedServer& server, const char* plural) {
  std::vector<T> out;
  const json list = must_get(server, fmt::format("/apis/rbac.authorization.k8s.io/v1/{}", plural));
  for (const json& item : list.value("items", json::array())) {
    T object;
    api::decode_json(item.dump(), object);
    out.push_back(std::move(object));
  }
  return out;
}

// A resource as the server knows it.
struct Known {
  std::string group, plural;
  bool namespaced = true;
};

bool is_called(const json& resource, const std::string& word) {
  if (resource.value("resource", "") == word || resource.value("singularResource", "") == word) return true;
  for (const json& name : resource.value("shortNames", json::array())) {
    if (name == word) return true;
  }
  return false;
}

// The first of that name, in the order of discovery.
std::optional<Known> find_resource(AskedServer& server, const AskedResource& asked) {
  const std::string accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
  for (const char* target : {"/api", "/apis"}) {
    const json discovered = must_get(server, target, accept);
    for (const json& group : discovered.value("items", json::array())) {
      const std::string name = group.value("metadata", json::object()).value("name", "");
      if (!asked.group.empty() && name != asked.group) continue;
      for (const json& version : group.value("versions", json::array())) {
        for (const json& resource : version.value("resources", json::array())) {
          if (!is_called(resource, asked.resource)) continue;
          return Known{name, resource.value("resource", ""), resource.value("scope", "") == "Namespaced"};
        }
      }
    }
  }
  return std::nullopt;
}

RequestInfo question(const WhoCanOptions& options, AskedServer& server, const std::string& space) {
  RequestInfo out;
  out.verb = options.words[0];
  const std::string& what = options.words[1];
  if (what.starts_with('/')) {
    if (options.words.size() > 2) throw FlagError("a path has no name");
    out.path = what;
    return out;
  }
  const AskedResource asked = asked_resource(what);
  out.is_resource = true;
  out.subresource = asked.subresource;
  if (options.words.size() > 2) out.name = options.words[2];
  const auto known = find_resource(server, asked);
  if (!known) {
    fmt::print(stderr, "Warning: the server doesn't have a resource type '{}'\n", what);
    out.group = asked.group, out.resource = asked.resource, out.namespace_name = space;
    return out;
  }
  out.group = known->group, out.resource = known->plural;
  if (known->namespaced && !options.all_namespaces) out.namespace_name = space;
  return out;
}

std::string text_of(const rbac::v1::Subject& subject) {
  return subject.kind() == "ServiceAccount" ? subject.namespace_() + "/" + subject.name() : subject.name();
}

void print_table(const std::vector<Permit>& permits) {
  using Row = std::array<std::string, 5>;
  std::vector<Row> rows{{"KIND", "SUBJECT", "NAMESPACE", "BINDING", "ROLE"}};
  for (const Permit& permit : permits) {
    rows.push_back({permit.subject.kind(), text_of(permit.subject), permit.namespace_name.empty() ? "*" : permit.namespace_name,
                    permit.binding, permit.role});
  }
  std::array<std::size_t, 5> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const Row& row : rows) {
    fmt::print("{:<{}}   {:<{}}   {:<{}}   {:<{}}   {}\n", row[0], widths[0], row[1], widths[1], row[2], widths[2], row[3],
               widths[3], row[4]);
  }
}

void print_json(const std::vector<Permit>& permits) {
  json out = json::array();
  for (const Permit& permit : permits) {
    out.push_back({{"subject", api::to_json(permit.subject)},
                   {"namespace", permit.namespace_name},
                   {"binding", permit.binding},
                   {"role", permit.role}});
  }
  fmt::print("{}\n", out.dump(2));
}

int run(const WhoCanOptions& options) {
  if (options.words.size() < 2 || options.words.size() > 3) {
    throw FlagError("who can do what? `pilothouse who-can VERB RESOURCE [NAME]`, or `pilothouse who-can get /metrics`");
  }
  check(options.asking);
  const daemon::ClientConfig config =
      daemon::load_kubeconfig(kubeconfig_path(options.asking.kubeconfig), {}, options.asking.context);
  std::string space = options.namespace_name.empty() ? config.namespace_name : options.namespace_name;
  if (space.empty()) space = "default";
  const SystemClock clock;
  net::IoThreads io(1);
  AskedServer server(io, clock, user_agent("pilothouse-who-can"), config);
  const RequestInfo asked = question(options, server, space);
  const RbacObjects cluster{.cluster_roles = all<rbac::v1::ClusterRole>(server, "clusterroles"),
                            .cluster_role_bindings = all<rbac::v1::ClusterRoleBinding>(server, "clusterrolebindings"),
                            .roles = all<rbac::v1::Role>(server, "roles"),
                            .role_bindings = all<rbac::v1::RoleBinding>(server, "rolebindings")};
  const std::vector<Permit> permits = who_can(cluster, asked, options.all_namespaces);
  if (options.asking.output == "json") {
    print_json(permits);
    return 0;
  }
  if (permits.empty()) fmt::print("No roles and bindings let anybody do that.\n");
  else print_table(permits);
  fmt::print("Members of the group system:masters may do everything; nodes, policies of files and webhooks are not looked at.\n");
  return 0;
}

}  // namespace

int who_can_program(const std::string& program, std::span<const std::string> args) {
  WhoCanOptions options;
  daemon::FlagSet flags(program);
  add_flags(flags, options);
  return daemon::run_program(program, kVersion, flags, args, [&] { return run(options); });
}

}  // namespace ph::pilothouse
