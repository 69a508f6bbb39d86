#include "controllers/common/go_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/sorted.h"

namespace ph::controllers {

std::string go_text(const meta::v1::LabelSelector& selector) {
  std::string labels, expressions;
  for (const auto* label : sorted(selector.match_labels())) labels += fmt::format("{}: {},", label->first, label->second);
  for (const auto& each : selector.match_expressions()) {
    expressions += fmt::format("LabelSelectorRequirement{{Key:{},Operator:{},Values:[{}],}},", each.key(), each.operator_(),
                               fmt::join(each.values(), " "));
  }
  return fmt::format("&LabelSelector{{MatchLabels:map[string]string{{{}}},MatchExpressions:[]LabelSelectorRequirement{{{}}},}}",
                     labels, expressions);
}

}  // namespace ph::controllers
