// NodeView: what loops need of a node, decoded straight from the wire: a few hundred bytes where a node's message is ten thousand.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/v1.pb.h"
#include "informers/informer.h"
#include "informers/metadata_view.h"

namespace ph::informers {

// A condition of a node's status.
struct NodeConditionView {
  Interned type, status;
  Time heartbeat{};  // lastHeartbeatTime
};

struct NodeView : MetadataView {
  Time created{};
  LabelViews labels;
  bool unschedulable = false;
  std::vector<core::v1::Taint> taints;
  std::vector<std::string> pod_cidrs;         // as written
  std::vector<NodeConditionView> conditions;  // in their order
  Interned ttl;                               // the annotation node.alpha.kubernetes.io/ttl; empty: it has none
  bool ready = false;                         // condition Ready is True
  std::int64_t milli_cpu = 0;                 // allocatable

  std::optional<std::string_view> label(std::string_view key) const { return find_label(labels, key); }
  // Null: there is none of that type.
  const NodeConditionView* condition(std::string_view type) const;

  static std::shared_ptr<const NodeView> decode(std::string_view protobuf);
  static std::shared_ptr<const NodeView> of(const core::v1::Node& node);
};

template <>
struct Followed<NodeView> {
  static detail::Decoder decoder();
};

}  // namespace ph::informers
