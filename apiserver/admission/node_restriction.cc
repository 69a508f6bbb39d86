// NodeRestriction: a kubelet changes its own node and what runs there, and nothing by which it would draw more to itself or see more.
// Upstream: plugin/pkg/admission/noderestriction. Reference: "Admission Control in Kubernetes", NodeRestriction; KEP-279.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/internal_form.h"
#include "api/kinds.h"
#include "api/pem.h"
#include "api/text_diff.h"
#include "api/validation/quote.h"
#include "api/value.h"
#include "apiserver/admission/admission.h"
#include "apiserver/admission/node_restriction/labels.h"
#include "apiserver/admission/node_restriction/mirror_pod.h"
#include "apiserver/authz/node.h"
#include "net/signing_request.h"

namespace ph::apiserver::admission {
namespace {

using core::v1::Node, core::v1::PersistentVolumeClaim, core::v1::Pod;

constexpr std::string_view kMirror = "kubernetes.io/config.mirror", kLeases = "kube-node-lease", kUser = "system:node:";
constexpr std::string_view kKubeletSigners[] = {"kubernetes.io/kubelet-serving", "kubernetes.io/kube-apiserver-client-kubelet"};

template <class Message>
bool same(const Message& a, const Message& b) {
  return api::Value::equal(api::Value::of(a), api::Value::of(b));
}

template <class List>
bool same_lists(const List& a, const List& b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) { return same(x, y); });
}

bool same_labels(const node_restriction::Labels& a, const node_restriction::Labels& b) {
  return a.size() == b.size() && std::all_of(a.begin(), a.end(), [&](const auto& label) {  // nothing depends on the order
           const auto found = b.find(label.first);
           return found != b.end() && found->second == label.second;
         });
}

// What kubelets tell of a claim, and what changes with every write, taken away.
PersistentVolumeClaim without_kubelets_part(const api::Object& object) {
  PersistentVolumeClaim claim = object.as<PersistentVolumeClaim>();
  claim.mutable_metadata()->clear_resource_version();
  claim.mutable_metadata()->clear_managed_fields();
  auto& status = *claim.mutable_status();
  status.clear_capacity();
  status.clear_conditions();
  status.clear_allocated_resources();
  status.clear_allocated_resource_statuses();
  return claim;
}

class NodeRestriction final : public AdmissionPlugin, public PartAdmission {
 public:
  explicit NodeRestriction(ObjectReader& reader) : reader_(reader) {}
  std::string_view name() const override { return "NodeRestriction"; }

  void admit(AdmissionRequest& request) override { judge(request); }

  bool has_a_say() override { return true; }
  Soon<> judge_part(AdmissionRequest& request) override {
    judge(request);
    return {};
  }

 private:
  // One request of one node.
  struct Asked {
    const AdmissionRequest& request;
    const std::string& node;

    bool is(std::string_view operation) const { return request.operation == operation; }
    void demand(bool good, std::string_view why) const {
      if (!good) throw refuse(request, why);
    }
    [[noreturn]] void unexpected() const {
      throw refuse(request, fmt::format("unexpected operation {}", api::quote(request.operation)));
    }
  };

  void judge(const AdmissionRequest& request) {
    const auto node = node_name_of(*request.user);
    if (node) return judge({request, *node});
    const auto& groups = request.user->groups;
    if (request.user->name == kUser && std::ranges::find(groups, "system:nodes") != groups.end()) {
      throw refuse(request, fmt::format("could not determine node from user {}", api::quote(request.user->name)));
    }
  }

  void judge(const Asked& asked) {
    struct Rule {
      std::string_view group, plural;
      void (NodeRestriction::*judge)(const Asked&);
    };
    static constexpr Rule kRules[] = {
        {"", "pods", &NodeRestriction::judge_pod},
        {"", "nodes", &NodeRestriction::judge_node},
        {"", "persistentvolumeclaims", &NodeRestriction::judge_claim},
        {"", "serviceaccounts", &NodeRestriction::judge_token},
        {"coordination.k8s.io", "leases", &NodeRestriction::judge_lease},
        {"storage.k8s.io", "csinodes", &NodeRestriction::judge_csi_node},
        {"resource.k8s.io", "resourceslices", &NodeRestriction::judge_slice},
        {"certificates.k8s.io", "certificatesigningrequests", &NodeRestriction::judge_signing},
    };
    for (const Rule& rule : kRules) {
      if (is_of(asked.request, rule.group, rule.plural)) (this->*rule.judge)(asked);
    }
  }

  // -- Pods

  void judge_pod(const Asked& asked) {
    const std::string& part = asked.request.subresource;
    if (part == "status") return judge_pod_status(asked);
    if (part == "eviction") return judge_eviction(asked);
    if (!part.empty()) {
      throw refuse(asked.request,
                   fmt::format("unexpected pod subresource {}, only 'status' and 'eviction' are allowed", api::quote(part)));
    }
    if (asked.is("CREATE")) return judge_new_pod(asked);
    if (!asked.is("DELETE")) {
      throw refuse(asked.request, fmt::format("unexpected operation {}, node {} can only create and delete mirror pods",
                                              api::quote(asked.request.operation), api::quote(asked.node)));
    }
    asked.demand(asked.request.old_object->as<Pod>().spec().node_name() == asked.node,
                 fmt::format("node {} can only delete pods with spec.nodeName set to itself", api::quote(asked.node)));
  }

  void judge_new_pod(const Asked& asked) {
    const Pod& pod = asked.request.object->as<Pod>();
    const std::string name = api::quote(asked.node);
    asked.demand(pod.metadata().annotations().contains(kMirror),
                 fmt::format("pod does not have {} annotation, node {} can only create mirror pods", api::quote(kMirror), name));
    asked.demand(pod.spec().node_name() == asked.node,
                 fmt::format("node {} can only create pods with spec.nodeName set to itself", name));
    const std::string problem = node_restriction::owner_problem(pod, asked.node);
    asked.demand(problem.empty(), problem);
    const auto node = reader_.read<Node>({{}, asked.node});
    if (!node) throw api::not_found("nodes", asked.node);
    const std::string &wanted = pod.metadata().owner_references(0).uid(), &uid = node->metadata().uid();
    asked.demand(wanted == uid, fmt::format("node {} UID mismatch: expected {} got {}", asked.node, wanted, uid));
    const std::string named = node_restriction::named_objects(pod);
    asked.demand(named.empty(), fmt::format("node {} can not create pods that reference {}", name, named));
  }

  void judge_pod_status(const Asked& asked) {
    if (!asked.is("UPDATE")) asked.unexpected();
    const Pod &pod = asked.request.object->as<Pod>(), &old = asked.request.old_object->as<Pod>();
    const std::string name = api::quote(asked.node);
    asked.demand(old.spec().node_name() == asked.node,
                 fmt::format("node {} can only update pod status for pods with spec.nodeName set to itself", name));
    asked.demand(same_labels(old.metadata().labels(), pod.metadata().labels()),
                 fmt::format("node {} cannot update labels through pod status", name));
    asked.demand(same_lists(old.status().resource_claim_statuses(), pod.status().resource_claim_statuses()),
                 fmt::format("node {} cannot update resource claim statues", name));
  }

  // The eviction, and the deletion that follows it.
  void judge_eviction(const Asked& asked) {
    if (!asked.is("CREATE") && !asked.is("DELETE")) asked.unexpected();
    const auto pod = reader_.read<Pod>(asked.request.key);
    if (!pod) throw api::not_found("pods", asked.request.key.name);
    asked.demand(pod->spec().node_name() == asked.node,
                 fmt::format("node {} can only evict pods with spec.nodeName set to itself", asked.node));
  }

  // -- The node itself

  void judge_node(const Asked& asked) {
    const std::string name = api::quote(asked.node);
    asked.demand(asked.request.key.name == asked.node,
                 fmt::format("node {} is not allowed to modify node {}", name, api::quote(asked.request.key.name)));
    if (asked.is("CREATE")) judge_new_node(asked, asked.request.object->as<Node>());
    if (asked.is("UPDATE")) judge_changed_node(asked, asked.request.old_object->as<Node>(), asked.request.object->as<Node>());
  }

  static void judge_new_node(const Asked& asked, const Node& node) {
    const std::string name = api::quote(asked.node);
    asked.demand(!node.spec().has_config_source(),
                 fmt::format("node {} is not allowed to create pods with a non-nil configSource", name));
    const auto labels = node_restriction::forbidden_changes({}, node.metadata().labels());
    asked.demand(labels.empty(),
                 fmt::format("node {} is not allowed to set the following labels: {}", name, fmt::join(labels, ", ")));
  }

  static void judge_changed_node(const Asked& asked, const Node& old, const Node& node) {
    const std::string name = api::quote(asked.node);
    asked.demand(!node.spec().has_config_source() || same(node.spec().config_source(), old.spec().config_source()),
                 fmt::format("node {} is not allowed to update configSource to a new non-nil configSource", name));
    asked.demand(same_lists(node.spec().taints(), old.spec().taints()),
                 fmt::format("node {} is not allowed to modify taints", name));
    // Else a node would be collected with an owner of its choice, and made anew with other labels (CVE-2025-5187).
    asked.demand(same_lists(node.metadata().owner_references(), old.metadata().owner_references()),
                 fmt::format("node {} is not allowed to modify ownerReferences", name));
    const auto labels = node_restriction::forbidden_changes(old.metadata().labels(), node.metadata().labels());
    asked.demand(labels.empty(), fmt::format("is not allowed to modify labels: {}", fmt::join(labels, ", ")));
  }

  // -- Others

  void judge_claim(const Asked& asked) {
    asked.demand(asked.request.subresource == "status", "may only update PVC status");
    if (!asked.is("UPDATE")) asked.unexpected();
    const auto old = without_kubelets_part(*asked.request.old_object), claim = without_kubelets_part(*asked.request.object);
    if (same(old, claim)) return;
    throw refuse(
        asked.request,
        fmt::format("node {} is not allowed to update fields other than status.quantity and status.conditions: {}",
                    api::quote(asked.node), api::diff_lines(api::internal_json_lines(old), api::internal_json_lines(claim))));
  }

  void judge_token(const Asked& asked) {
    if (!asked.is("CREATE") || asked.request.subresource != "token") return;
    const auto& bound = asked.request.object->as<authentication::v1::TokenRequest>().spec().bound_object_ref();
    asked.demand(bound.api_version() == "v1" && bound.kind() == "Pod" && !bound.name().empty(),
                 "node requested token not bound to a pod");
    asked.demand(!bound.uid().empty(), "node requested token with a pod binding without a uid");
    const auto pod = reader_.read<Pod>({asked.request.key.namespace_name, bound.name()});
    if (!pod) throw api::not_found("pods", bound.name());
    asked.demand(bound.uid() == pod->metadata().uid(),
                 fmt::format("the UID in the bound object reference ({}) does not match the UID in record. The object might have "
                             "been deleted and then recreated",
                             bound.uid()));
    asked.demand(pod->spec().node_name() == asked.node, "node requested token bound to a pod scheduled on a different node");
  }

  void judge_lease(const Asked& asked) {
    asked.demand(asked.request.key.namespace_name == kLeases,
                 fmt::format("can only access leases in the {} system namespace", api::quote(kLeases)));
    asked.demand(asked.request.key.name == asked.node, "can only access node lease with the same name as the requesting node");
  }

  void judge_csi_node(const Asked& asked) {
    asked.demand(asked.request.key.name == asked.node, "can only access CSINode with the same name as the requesting node");
  }

  // Others are the authorizer's business, which does not see what is made, or each object of a collection that is deleted.
  void judge_slice(const Asked& asked) {
    const auto own = [&](const api::Object& object) {
      return object.as<resources::v1::ResourceSlice>().spec().node_name() == asked.node;
    };
    if (asked.is("CREATE")) {
      asked.demand(own(*asked.request.object), "can only create ResourceSlice with the same NodeName as the requesting node");
    }
    if (asked.is("DELETE")) {
      asked.demand(own(*asked.request.old_object), "can only delete ResourceSlice with the same NodeName as the requesting node");
    }
  }

  void judge_signing(const Asked& asked) {
    if (!asked.is("CREATE")) return;
    const auto& spec = asked.request.object->as<certificates::v1::CertificateSigningRequest>().spec();
    if (std::ranges::find(kKubeletSigners, spec.signer_name()) == std::end(kKubeletSigners)) return;
    std::string_view pem = spec.request();
    const auto block = api::next_pem_block(pem);
    const auto wanted = block ? net::inspect_request(block->bytes) : std::nullopt;
    asked.demand(wanted.has_value(), "unable to parse csr: PEM block type must be CERTIFICATE REQUEST");
    asked.demand(wanted->common_name == asked.request.user->name,
                 fmt::format("can only create a node CSR with CN={}", asked.request.user->name));
  }

  ObjectReader& reader_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> node_restriction(const AdmissionWorld& world) {
  return std::make_unique<NodeRestriction>(world.reader);
}

}  // namespace ph::apiserver::admission
