// NodeView: what loops need of a node, decoded straight from the wire: a few hundred bytes where a node's message is ten thousand.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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
  std::string provider_id;  // of the machine at its cloud; empty: nobody has said it
  std::vector<core::v1::Taint> taints;
  std::vector<std::string> pod_cidrs;         // as written
  std::vector<NodeConditionView> conditions;  // in their order
  Interned ttl;                               // the annotation node.alpha.kubernetes.io/ttl; empty: it has none
  bool ready = false;                         // condition Ready is True
  std::int64_t milli_cpu = 0;                 // allocatable
  bool is_attached_to = false;  // its kubelet leaves it to the control plane to attach volumes: the annotation says so
  std::vector<std::string> volumes_in_use;                            // status.volumesInUse
  std::vector<std::pair<std::string, std::string>> volumes_attached;  // status.volumesAttached: name, path of the device

  std::optional<std::string_view> label(std::string_view key) const { return find_label(labels, key); }
  // The first of that key; null: there is none.
  const core::v1::Taint* taint(std::string_view key) const;
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
