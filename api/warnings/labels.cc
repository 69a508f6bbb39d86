#include "api/warnings/labels.h"

#include <fmt/format.h>

namespace ph::api {

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

void warn_of_terms(const core::v1::NodeSelectorTerm& term, const Path& path, Warnings& out) {
  for (int i = 0; i < term.match_expressions_size(); ++i) {
    warn_of_label(term.match_expressions(i).key(),
                  path.member("matchExpressions").index(static_cast<std::size_t>(i)).member("key"), out);
  }
}

void warn_of_terms(const core::v1::NodeSelector& selector, const Path& path, Warnings& out) {
  for (int i = 0; i < selector.node_selector_terms_size(); ++i) {
    warn_of_terms(selector.node_selector_terms(i), path.member("nodeSelectorTerms").index(static_cast<std::size_t>(i)), out);
  }
}

}  // namespace ph::api
