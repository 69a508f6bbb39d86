#include <fmt/format.h>

#include "api/sorted.h"
#include "api/warnings/labels.h"
#include "api/warnings/parts.h"

namespace ph::api {

Warnings warnings_of(const core::v1::Node& node) {
  Warnings out;
  if (node.spec().has_config_source()) {
    out.emplace_back("spec.configSource: the feature is no longer supported and kubelet will not use it");
  }
  if (!node.spec().external_id().empty())
    out.emplace_back("spec.externalID: this field is deprecated, and is unused by Kubernetes");
  return out;
}

Warnings warnings_of(const node::v1::RuntimeClass& object) {
  Warnings out;
  for (const auto* label : sorted(object.scheduling().node_selector())) {
    warn_of_label(label->first, Path("scheduling").member("nodeSelector"), out);
  }
  return out;
}

}  // namespace ph::api
