#include "apiserver/authz/node.h"

#include <array>

#include <fmt/format.h>

#include "api/codec.h"
#include "apiserver/authz/node_graph.h"
#include "apiserver/authz/rules.h"
#include "base/assert.h"
#include "base/published.h"

namespace ph::apiserver {

using core::v1::Pod;

namespace {

// Whether the request is for what a field selector confines to the node.
bool selects_node(const RequestInfo& request, const std::string& node) {
  return std::ranges::any_of(request.fields, [&](const api::FieldSelector::Term& term) {
    return term.field == "spec.nodeName" && term.equals && term.value == node;
  });
}

// What the objects come to at a moment, and how often each of the two kinds had changed then.
struct Known {
  NodeGraph graph;
  std::array<std::uint64_t, 2> versions{};
};

class NodeAuthorizer final : public Authorizer {
 public:
  NodeAuthorizer(RbacAuthorizer& rbac, ObjectReader& reader)
      : rbac_(rbac),
        pods_(cache<Pod>(reader)),
        volumes_(cache<core::v1::PersistentVolume>(reader)),
        attachments_(cache<storage::v1::VolumeAttachment>(reader)),
        slices_(cache<resources::v1::ResourceSlice>(reader)) {}

  Decision authorize(const Attributes& attributes) override {
    const std::optional<std::string> node = node_name_of(attributes.user);
    if (!node) return {};
    if (asks_graph(attributes.request)) refresh();
    auto decision = decide(*rbac_.present(), attributes.request, *node);
    PH_ASSERT(decision);  // nothing is hidden from the executor
    return *std::move(decision);
  }

  void add_rules(const Identity& user, std::string_view, RulesOfUser& out) override {
    if (node_name_of(user)) out.errors.emplace_back("node authorizer does not support user rule resolution");
  }

  std::optional<Decision> authorize_here(const Attributes& attributes) const override {
    const std::optional<std::string> node = node_name_of(attributes.user);
    if (!node) return Decision();
    const auto index = rbac_.present_here();
    if (!index) return std::nullopt;
    return decide(*index, attributes.request, *node);
  }

 private:
  // Why the rules alone are not enough, empty when they are; nothing when only the executor can tell.
  using Problem = std::optional<std::string>;

  template <class T>
  static WatchCache& cache(ObjectReader& reader) {
    WatchCache* const cache = reader.cache(*reader.resource(api::schema_of<T>()));
    PH_ASSERT(cache != nullptr);
    return *cache;
  }

  std::optional<Decision> decide(const RbacIndex& index, const RequestInfo& request, const std::string& node) const {
    if (request.is_resource) {
      const Problem problem = problem_with(request, node);
      if (!problem) return std::nullopt;
      if (!problem->empty()) return Decision{Decision::Kind::NoOpinion, *problem};
    }
    if (!are_slices(request) && !by_rules(index, request)) return Decision();
    return Decision{Decision::Kind::Allow, {}};
  }

  // Drivers of devices ask with their node's identity, for more than the role says of a kubelet: what `slice_problem` lets pass is allowed.
  static bool are_slices(const RequestInfo& r) {
    return r.is_resource && r.group == "resource.k8s.io" && r.resource == "resourceslices";
  }

  static bool by_rules(const RbacIndex& index, const RequestInfo& request) {
    rbac::v1::RoleRef role;
    role.set_kind("ClusterRole");
    role.set_name("system:node");
    const auto rules = index.rules_of(role, {});
    return rules && std::ranges::any_of(*rules, [&](const auto& rule) { return rule_allows(rule, request); });
  }

  Problem problem_with(const RequestInfo& r, const std::string& node) const {
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
      return only_got(r, [&] { return of_node<storage::v1::VolumeAttachment>(attachments_, r.name, node); });
    }
    if (r.group == "resource.k8s.io" && r.resource == "resourceclaims") {
      return only_got(r, [&] { return needs(node, Needed::DeviceClaim, r.namespace_name, r.name); });
    }
    if (are_slices(r)) return slice_problem(r, node);
    return "";
  }

  Problem slice_problem(const RequestInfo& r, const std::string& node) const {
    if (!r.subresource.empty()) return "cannot authorize ResourceSlice subresources";
    if (r.verb == "create") return "";  // admission looks at the object
    if (r.verb != "list" && r.verb != "watch" && r.verb != "deletecollection") {
      if (r.name.empty()) return "No Object name found";
      return of_node<resources::v1::ResourceSlice>(slices_, r.name, node);
    }
    return selects_node(r, node) ? "" : "can only list/watch/deletecollection resourceslices with spec.nodeName field selector";
  }

  Problem core_problem(const RequestInfo& r, const std::string& node) const {
    const bool read = r.verb == "get" || r.verb == "list" || r.verb == "watch";
    if (r.resource == "secrets" || r.resource == "configmaps") {
      if (!read) return "can only read resources of this type";
      if (!r.subresource.empty()) return "cannot read subresource";
      if (r.namespace_name.empty()) return "can only read namespaced object of this type";
      return needs(node, r.resource == "secrets" ? Needed::Secret : Needed::ConfigMap, r.namespace_name, r.name);
    }
    if (r.resource == "persistentvolumeclaims") {
      const auto related = [&] { return needs(node, Needed::Claim, r.namespace_name, r.name); };
      if (r.subresource != "status") return only_got(r, related);
      return r.verb == "update" || r.verb == "patch" ? related() : "can only get/update/patch this type";
    }
    if (r.resource == "persistentvolumes") {
      return only_got(r, [&] { return uses_volume(node, r.name); });
    }
    if (r.resource == "serviceaccounts") {
      const auto related = [&] { return needs(node, Needed::ServiceAccount, r.namespace_name, r.name); };
      return r.subresource == "token" ? related() : only_got(r, related);
    }
    if (!read || !r.subresource.empty()) return "";
    if (r.resource == "nodes" && r.name != node) {
      return r.name.empty() ? fmt::format("node '{}' cannot read all nodes, only its own Node object", node)
                            : fmt::format("node '{}' cannot read '{}', only its own Node object", node, r.name);
    }
    if (r.resource == "pods") return pod_problem(r, node);
    return "";
  }

  Problem pod_problem(const RequestInfo& r, const std::string& node) const {
    if (r.verb != "get" && selects_node(r, node)) return "";
    if (r.name.empty()) return "can only list/watch pods with spec.nodeName field selector";
    return of_node<Pod>(pods_, r.namespace_name + "/" + r.name, node);
  }

  // For what is got one by one, when it has to do with the node.
  template <class Related>
  static Problem only_got(const RequestInfo& r, const Related& related) {
    if (r.verb != "get") return "can only get individual resources of this type";
    if (!r.subresource.empty()) return "cannot get subresource";
    return related();
  }

  static std::string unrelated(const std::string& node) {
    return fmt::format("no relationship found between node '{}' and this object", node);
  }

  // -- Of single objects

  // Whether the object's spec.nodeName names the node.
  template <class T>
  static Problem of_node(const WatchCache& objects, const std::string& key, const std::string& node) {
    const std::optional<EntryRef> entry = objects.look(key);
    if (!entry) return std::nullopt;
    return *entry && scalar<T>(**entry, "spec.nodeName") == node ? "" : unrelated(node);
  }
  template <class T>
  static std::string scalar(const Entry& entry, std::string_view path) {
    return api::scalar_at(api::schema_of<T>(), api::open_envelope(*entry.protobuf).raw, path);
  }

  Problem uses_volume(const std::string& node, const std::string& name) const {
    using core::v1::PersistentVolume;
    const std::optional<EntryRef> volume = volumes_.look(name);
    if (!volume) return std::nullopt;
    if (!*volume) return unrelated(node);
    return needs(node, Needed::Claim, scalar<PersistentVolume>(**volume, "spec.claimRef.namespace"),
                 scalar<PersistentVolume>(**volume, "spec.claimRef.name"));
  }

  // -- Of what pods need

  // Whether `needs` may be asked for it.
  static bool asks_graph(const RequestInfo& r) {
    if (!r.is_resource) return false;
    if (r.group == "resource.k8s.io") return r.resource == "resourceclaims";
    return r.group.empty() && (r.resource == "secrets" || r.resource == "configmaps" || r.resource == "persistentvolumeclaims" ||
                               r.resource == "persistentvolumes" || r.resource == "serviceaccounts");
  }

  Problem needs(const std::string& node, Needed what, std::string_view namespace_name, std::string_view name) const {
    if (name.empty()) return what == Needed::ServiceAccount ? unrelated(node) : "No Object name found";
    const auto known = known_.get();
    if (!known || known->versions != versions()) return std::nullopt;
    return known->graph.needs(node, what, namespace_name, name) ? "" : unrelated(node);
  }

  std::array<std::uint64_t, 2> versions() const { return {pods_.version(), volumes_.version()}; }

  // On the executor.
  void refresh() {
    const auto known = known_.get();
    if (known && known->versions == versions()) return;
    auto next = known ? std::make_shared<Known>(*known) : std::make_shared<Known>();
    next->graph.refresh({pods_.snapshot().entries, volumes_.snapshot().entries});
    next->versions = versions();
    known_.set(std::move(next));
  }

  RbacAuthorizer& rbac_;
  WatchCache &pods_, &volumes_;
  const WatchCache &attachments_, &slices_;
  Published<Known> known_;
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
