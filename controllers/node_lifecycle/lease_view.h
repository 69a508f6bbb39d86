// LeaseView: when a node's lease was last renewed, straight from the wire: leases change all the time.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "informers/informer.h"
#include "informers/metadata_view.h"

namespace ph::controllers::node_lifecycle {

inline constexpr const char* kLeaseNamespace = "kube-node-lease";

struct LeaseView : informers::MetadataView {
  std::optional<Time> renewed;  // spec.renewTime

  static std::shared_ptr<const LeaseView> decode(std::string_view protobuf);
};

}  // namespace ph::controllers::node_lifecycle

// Followed are those of nodes alone.
template <>
struct ph::informers::Followed<ph::controllers::node_lifecycle::LeaseView> {
  static detail::Decoder decoder();
};
