#include "apiserver/admission/node_restriction/labels.h"

#include <algorithm>

#include "api/sorted.h"

namespace ph::apiserver::node_restriction {
namespace {

constexpr std::string_view kKubeletLabels[] = {
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/os",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "node.kubernetes.io/instance-type",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
};
constexpr std::string_view kKubeletDomains[] = {"kubelet.kubernetes.io", "node.kubernetes.io"};
constexpr std::string_view kKubernetesDomains[] = {"k8s.io", "kubernetes.io"};
constexpr std::string_view kReserved = "node-restriction.kubernetes.io";

// The domain itself, or one below it.
bool is_in(std::string_view name, std::string_view domain) {
  if (!name.ends_with(domain)) return false;
  name.remove_suffix(domain.size());
  return name.empty() || name.ends_with('.');
}

}  // namespace

bool is_free(std::string_view label) {
  const auto slash = label.find('/');
  const std::string_view domain = slash == label.npos ? std::string_view() : label.substr(0, slash);
  const auto within = [&](std::string_view wide) { return is_in(domain, wide); };
  if (within(kReserved)) return false;
  if (std::ranges::none_of(kKubernetesDomains, within)) return true;
  return std::ranges::find(kKubeletLabels, label) != std::end(kKubeletLabels) || std::ranges::any_of(kKubeletDomains, within);
}

std::vector<std::string> forbidden_changes(const Labels& before, const Labels& after) {
  std::vector<std::string> out;
  const auto collect = [&](const Labels& from, const Labels& against, bool gone_only) {
    for (const auto& [label, value] : in_any_order(from)) {
      const auto other = against.find(label);
      const bool gone = other == against.end();
      if ((gone || (!gone_only && other->second != value)) && !is_free(label)) out.push_back(label);
    }
  };
  collect(after, before, false);
  collect(before, after, true);
  std::ranges::sort(out);
  return out;
}

}  // namespace ph::apiserver::node_restriction
