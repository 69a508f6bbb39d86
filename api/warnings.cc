#include "api/warnings.h"

#include <fmt/format.h>

#include "api/addresses.h"
#include "api/rules.h"
#include "api/sorted.h"

namespace ph::api {
namespace {

constexpr const char* kIngressClass = "kubernetes.io/ingress.class";

// -- Labels of nodes that have another name now

// Empty when the label is as good as any.
std::string_view deprecation_of(std::string_view label) {
  struct Old {
    std::string_view label, text;
  };
  static constexpr Old kOld[] = {
      {"beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"},
      {"beta.kubernetes.io/instance-type", "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead"},
      {"beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"},
      {"failure-domain.beta.kubernetes.io/region", "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead"},
      {"failure-domain.beta.kubernetes.io/zone", "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"},
  };
  const auto found = std::ranges::find(kOld, label, &Old::label);
  return found == std::end(kOld) ? std::string_view() : found->text;
}

void warn_of_label(std::string_view label, const Path& path, Warnings& out) {
  const std::string_view text = deprecation_of(label);
  if (!text.empty()) out.push_back(fmt::format("{}: {}", path.text(), text));
}

// -- Ranges of addresses

void warn_of_range(const std::string& text, const Path& path, Warnings& out) {
  const auto range = read_address_range(text);
  if (!range) return;
  const std::size_t before = out.size();
  if (range->network().bytes != range->address.bytes) {
    out.push_back(fmt::format("{}: CIDR value \"{}\" is ambiguous in this context (should be \"{}\" or \"{}/{}\"?)", path.text(),
                              text, range->text(), range->address.text(), range->address.is_v6 ? 128 : 32));
  }
  if (!range->is_standard()) {
    out.push_back(
        fmt::format("{}: non-standard CIDR value \"{}\" will be considered invalid in a future Kubernetes release: use \"{}\"",
                    path.text(), text, range->text()));
  }
  if (out.size() > before || !range->address.is_v6 || range->text() == text) return;
  out.push_back(fmt::format("{}: IPv6 CIDR value \"{}\" should be in RFC 5952 canonical format (\"{}\")", path.text(), text,
                            range->text()));
}

template <class Peers>
void warn_of_peers(const Peers& peers, const Path& path, Warnings& out) {
  for (int i = 0; i < peers.size(); ++i) {
    if (!peers[i].has_ip_block()) continue;
    const Path block = path.index(static_cast<std::size_t>(i)).member("ipBlock");
    warn_of_range(peers[i].ip_block().cidr(), block.member("cidr"), out);
    for (int e = 0; e < peers[i].ip_block().except_size(); ++e) {
      warn_of_range(peers[i].ip_block().except(e), block.member("except").index(static_cast<std::size_t>(e)), out);
    }
  }
}

}  // namespace

Warnings warnings_of(const networking::v1::Ingress& ingress) {
  if (!ingress.metadata().annotations().contains(kIngressClass) || ingress.spec().has_ingress_class_name()) return {};
  return {fmt::format("annotation \"{}\" is deprecated, please use 'spec.ingressClassName' instead", kIngressClass)};
}

Warnings warnings_of(const networking::v1::NetworkPolicy& policy) {
  Warnings out;
  const Path spec("spec"), ingress = spec.member("ingress"), egress = spec.member("egress");
  for (int i = 0; i < policy.spec().ingress_size(); ++i) {
    warn_of_peers(policy.spec().ingress(i).from(), ingress.index(static_cast<std::size_t>(i)).member("from"), out);
  }
  for (int i = 0; i < policy.spec().egress_size(); ++i) {
    warn_of_peers(policy.spec().egress(i).to(), egress.index(static_cast<std::size_t>(i)).member("to"), out);
  }
  return out;
}

Warnings warnings_of(const node::v1::RuntimeClass& object) {
  Warnings out;
  for (const auto* label : sorted(object.scheduling().node_selector())) {
    warn_of_label(label->first, Path("scheduling").member("nodeSelector"), out);
  }
  return out;
}

Warnings warnings_of(const storage::v1::CSIDriver& driver) {
  if (driver.spec().token_requests().empty() || driver.spec().has_service_account_token_in_secrets()) return {};
  return {
      "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of "
      "tokens in "
      "volume attributes"};
}

Warnings warnings_of(const storage::v1::CSIStorageCapacity& capacity) {
  Warnings out;
  const meta::v1::LabelSelector& selector = capacity.node_topology();
  const Path path("nodeTopology");
  for (int i = 0; i < selector.match_expressions_size(); ++i) {
    warn_of_label(selector.match_expressions(i).key(),
                  path.member("matchExpressions").index(static_cast<std::size_t>(i)).member("key"), out);
  }
  for (const auto* label : sorted(selector.match_labels())) {
    warn_of_label(label->first, path.member("matchLabels").member(label->first), out);
  }
  return out;
}

Warnings warnings_of(const storage::v1::StorageClass& object) {
  Warnings out;
  for (int t = 0; t < object.allowed_topologies_size(); ++t) {
    const auto& expressions = object.allowed_topologies(t).match_label_expressions();
    const Path at = Path("allowedTopologies").index(static_cast<std::size_t>(t)).member("matchLabelExpressions");
    for (int i = 0; i < expressions.size(); ++i) {
      warn_of_label(expressions[i].key(), at.index(static_cast<std::size_t>(i)).member("key"), out);
    }
  }
  return out;
}

}  // namespace ph::api
