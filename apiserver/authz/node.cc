#include "apiserver/authz/node.h"

#include <fmt/format.h>

#include "api/codec.h"
#include "apiserver/authz/rules.h"

namespace ph::apiserver {

using core::v1::Pod;

namespace {

template <class Containers>
bool environment_names(const Containers& containers, bool secret, const std::string& name) {
  for (const auto& container : containers) {
    for (const auto& from : container.env_from()) {
      if (secret && from.has_secret_ref() && from.secret_ref().local_object_reference().name() == name) return true;
      if (!secret && from.has_config_map_ref() && from.config_map_ref().local_object_reference().name() == name) return true;
    }
    for (const auto& env : container.env()) {
      const auto& source = env.value_from();
      if (secret && source.has_secret_key_ref() && source.secret_key_ref().local_object_reference().name() == name) return true;
      if (!secret && source.has_config_map_key_ref() && source.config_map_key_ref().local_object_reference().name() == name) {
        return true;
      }
    }
  }
  return false;
}

bool volume_names_secret(const core::v1::VolumeSource& volume, const std::string& name) {
  if (volume.has_secret() && volume.secret().secret_name() == name) return true;
  return std::ranges::any_of(volume.projected().sources(), [&](const auto& source) {
    return source.has_secret() && source.secret().local_object_reference().name() == name;
  });
}

bool volume_names_config_map(const core::v1::VolumeSource& volume, const std::string& name) {
  if (volume.has_config_map() && volume.config_map().local_object_reference().name() == name) return true;
  return std::ranges::any_of(volume.projected().sources(), [&](const auto& source) {
    return source.has_config_map() && source.config_map().local_object_reference().name() == name;
  });
}

bool needs_secret(const Pod& pod, const std::string& name) {
  const auto& spec = pod.spec();
  if (std::ranges::any_of(spec.image_pull_secrets(), [&](const auto& s) { return s.name() == name; })) return true;
  if (environment_names(spec.containers(), true, name) || environment_names(spec.init_containers(), true, name)) return true;

  return std::ranges::any_of(spec.volumes(), [&](const auto& v) { return volume_names_secret(v.volume_source(), name); });
}

bool needs_config_map(const Pod& pod, const std::string& name) {
  const auto& spec = pod.spec();
  if (environment_names(spec.containers(), false, name) || environment_names(spec.init_containers(), false, name)) return true;
  return std::ranges::any_of(spec.volumes(), [&](const auto& v) { return volume_names_config_map(v.volume_source(), name); });
}

bool needs_claim(const Pod& pod, const std::string& name) {
  return std::ranges::any_of(pod.spec().volumes(), [&](const auto& volume) {
    const auto& source = volume.volume_source();
    if (source.has_persistent_volume_claim()) return source.persistent_volume_claim().claim_name() == name;
    return source.has_ephemeral() && pod.metadata().name() + "-" + volume.name() == name;
  });
}

bool needs_device_claim(const Pod& pod, const std::string& name) {
  if (pod.status().extended_resource_claim_status().resource_claim_name() == name) return true;
  return std::ranges::any_of(pod.spec().resource_claims(),
                             [&](const auto& each) { return each.resource_claim_name() == name; }) ||
         std::ranges::any_of(pod.status().resource_claim_statuses(),
                             [&](const auto& each) { return each.resource_claim_name() == name; });
}

// Whether the request is for what a field selector confines to the node.
bool selects_node(const RequestInfo& request, const std::string& node) {
  return std::ranges::any_of(request.fields, [&](const api::FieldSelector::Term& term) {
    return term.field == "spec.nodeName" && term.equals && term.value == node;
  });
}

class NodeAuthorizer final : public Authorizer {
 public:
  NodeAuthorizer(RbacAuthorizer& rbac, ObjectReader& reader) : rbac_(rbac), reader_(reader) {}

  Decision authorize(const Attributes& attributes) override {
    const std::optional<std::string> node = node_name_of(attributes.user);
    return node ? decide(*rbac_.present(), attributes.request, *node) : Decision();
  }

  void add_rules(const Identity& user, std::string_view, RulesOfUser& out) override {
    if (node_name_of(user)) out.errors.emplace_back("node authorizer does not support user rule resolution");
  }

  std::optional<Decision> authorize_here(const Attributes& attributes) const override {
    const std::optional<std::string> node = node_name_of(attributes.user);
    if (!node) return Decision();
    if (needs_objects(attributes.request)) return std::nullopt;
    const auto index = rbac_.present_here();
    if (!index) return std::nullopt;
    return decide(*index, attributes.request, *node);
  }

 private:
  Decision decide(const RbacIndex& index, const RequestInfo& request, const std::string& node) const {
    if (request.is_resource) {
      const std::string problem = problem_with(request, node);
      if (!problem.empty()) return {Decision::Kind::NoOpinion, problem};
    }
    if (!by_rules(index, request)) return {};
    return {Decision::Kind::Allow, {}};
  }

  static bool by_rules(const RbacIndex& index, const RequestInfo& request) {
    rbac::v1::RoleRef role;
    role.set_kind("ClusterRole");
    role.set_name("system:node");
    const auto rules = index.rules_of(role, {});
    return rules && std::ranges::any_of(*rules, [&](const auto& rule) { return rule_allows(rule, request); });
  }

  // What `problem_with` looks at objects for.
  static bool needs_objects(const RequestInfo& r) {
    if (!r.is_resource) return false;
    if (r.group == "storage.k8s.io") return r.resource == "volumeattachments";
    if (r.group == "resource.k8s.io") return r.resource == "resourceclaims";
    if (!r.group.empty()) return false;
    return r.resource == "secrets" || r.resource == "configmaps" || r.resource == "persistentvolumeclaims" ||
           r.resource == "serviceaccounts" || r.resource == "persistentvolumes" || r.resource == "pods";
  }

  // Why the rules alone are not enough; empty when they are.
  std::string problem_with(const RequestInfo& r, const std::string& node) const {
    if (r.group.empty()) return core_problem(r, node);
    if (r.group == "coordination.k8s.io" && r.resource == "leases") {
      if (r.namespace_name != "kube-node-lease") {
        return "can only access leases in the \"kube-node-lease\" system namespace";
      }
      if (r.verb != "create" && r.name != node) return "can only access node lease with the same name as the requesting node";
    }
    if (r.group == "storage.k8s.io" && r.resource == "csinodes" && r.verb != "create" && r.name != node) {
      return "can only access CSINode with the same name as the requesting node";
    }
    if (r.group == "storage.k8s.io" && r.resource == "volumeattachments") {
      return only_got(r, node, [&] {
        const auto attachment = reader_.read<storage::v1::VolumeAttachment>({"", r.name});
        return attachment && attachment->spec().node_name() == node;
      });
    }
    if (r.group == "resource.k8s.io" && r.resource == "resourceclaims") {
      return only_got(
          r, node, [&] { return some_pod(node, r.namespace_name, [&](const Pod& p) { return needs_device_claim(p, r.name); }); });
    }
    if (r.group == "resource.k8s.io" && r.resource == "resourceslices" && r.name.empty() && r.verb != "create" &&
        !selects_node(r, node)) {
      return "can only list/watch/deletecollection resourceslices with spec.nodeName field selector";
    }
    return {};
  }

  std::string core_problem(const RequestInfo& r, const std::string& node) const {
    const bool read = r.verb == "get" || r.verb == "list" || r.verb == "watch";
    const auto only_read = [&](auto needs) -> std::string {
      if (!read) return "can only read resources of this type";
      if (r.name.empty()) return "No Object name found";
      return some_pod(node, r.namespace_name, needs) ? "" : unrelated(node);
    };
    if (r.resource == "secrets") return only_read([&](const Pod& p) { return needs_secret(p, r.name); });
    if (r.resource == "configmaps") return only_read([&](const Pod& p) { return needs_config_map(p, r.name); });
    if (r.resource == "persistentvolumeclaims") {
      if (r.subresource.empty() && r.verb != "get") return "can only get individual resources of this type";
      return some_pod(node, r.namespace_name, [&](const Pod& p) { return needs_claim(p, r.name); }) ? "" : unrelated(node);
    }
    if (r.resource == "persistentvolumes") {
      return only_got(r, node, [&] { return uses_volume(node, r.name); });
    }
    if (r.resource == "serviceaccounts") {
      const auto uses = [&](const Pod& p) { return p.spec().service_account_name() == r.name; };
      if (r.subresource == "token") return some_pod(node, r.namespace_name, uses) ? "" : unrelated(node);
      return only_got(r, node, [&] { return some_pod(node, r.namespace_name, uses); });
    }
    if (!read || !r.subresource.empty()) return {};
    if (r.resource == "nodes" && r.name != node) {
      return r.name.empty() ? fmt::format("node '{}' cannot read all nodes, only its own Node object", node)
                            : fmt::format("node '{}' cannot read '{}', only its own Node object", node, r.name);
    }
    if (r.resource == "pods") return pod_problem(r, node);
    return {};
  }

  std::string pod_problem(const RequestInfo& r, const std::string& node) const {
    if (r.verb != "get" && selects_node(r, node)) return {};
    if (r.name.empty()) return "can only list/watch pods with spec.nodeName field selector";
    const auto pod = reader_.read<Pod>({r.namespace_name, r.name});
    return pod && pod->spec().node_name() == node ? "" : unrelated(node);
  }

  // For what is got one by one, when it has to do with the node.
  template <class Related>
  static std::string only_got(const RequestInfo& r, const std::string& node, const Related& related) {
    if (r.verb != "get") return "can only get individual resources of this type";
    if (!r.subresource.empty()) return "cannot get subresource";
    return related() ? "" : unrelated(node);
  }

  static std::string unrelated(const std::string& node) {
    return fmt::format("no relationship found between node '{}' and this object", node);
  }

  bool uses_volume(const std::string& node, const std::string& name) const {
    const auto volume = reader_.read<core::v1::PersistentVolume>({"", name});
    if (!volume || !volume->spec().has_claim_ref()) return false;
    const auto& claim = volume->spec().claim_ref();
    return some_pod(node, claim.namespace_(), [&](const Pod& p) { return needs_claim(p, claim.name()); });
  }

  // Asked seldom, and only of pods in one namespace: no index is kept for it.
  template <class Predicate>
  bool some_pod(const std::string& node, const std::string& namespace_name, Predicate wanted) const {
    const api::Schema& schema = api::schema_of<Pod>();
    const Snapshot pods = reader_.cache(*reader_.resource(schema))->snapshot();
    const std::string prefix = namespace_name + "/";
    for (auto it = pods.entries->lower_bound(prefix); it != pods.entries->end() && (*it)->key.starts_with(prefix); ++it) {
      const std::string_view bytes = api::open_envelope(*(*it)->protobuf).raw;
      if (api::scalar_at(schema, bytes, "spec.nodeName") != node) continue;
      Pod pod;
      api::decode_protobuf(bytes, pod);
      if (wanted(pod)) return true;
    }
    return false;
  }

  RbacAuthorizer& rbac_;
  ObjectReader& reader_;
};

}  // namespace

std::optional<std::string> node_name_of(const Identity& user) {
  static constexpr std::string_view kPrefix = "system:node:";
  if (!user.name.starts_with(kPrefix) || user.name.size() == kPrefix.size()) return std::nullopt;
  if (std::ranges::find(user.groups, "system:nodes") == user.groups.end()) return std::nullopt;
  return user.name.substr(kPrefix.size());
}

std::unique_ptr<Authorizer> make_node_authorizer(RbacAuthorizer& rbac, ObjectReader& reader) {
  return std::make_unique<NodeAuthorizer>(rbac, reader);
}

}  // namespace ph::apiserver
