// Where a DaemonSet's pods belong, and what one is made of. Pure.
#pragma once

#include <optional>
#include <string>

#include "api/node_selector.h"
#include "controllers/common/ownership.h"
#include "informers/node_view.h"

namespace ph::controllers::daemonset {

using apps::v1::DaemonSet;
using informers::NodeView;

// The label of a pod that says the count of template changes it was made after; from before there were revisions.
inline constexpr const char* kTemplateGeneration = "pod-template-generation";

// What becomes of pods on a node.
struct Fit {
  bool starts = false;  // one is to run there
  bool stays = false;   // one that is there may go on
  bool operator==(const Fit&) const = default;
};

// A set's demands of nodes: compiled once, asked for each node.
class Placement {
 public:
  explicit Placement(const DaemonSet& set);
  Fit on(const NodeView& node) const;

 private:
  std::string node_name_;
  api::RequiredNodes required_;
  api::Tolerations tolerations_;
};
// Whether all that a placement looks at is the same in both.
bool same_place(const NodeView& a, const NodeView& b);

// The count of template changes that the server keeps in an annotation; nothing: it is none, or no number.
std::optional<std::int64_t> template_generation(const DaemonSet& set);

// A pod of the present template, but for its node. `hash`: of the revision it is of; may be empty.
core::v1::Pod pod_of(const DaemonSet& set, const Owner& owner, const std::string& hash);
// Leaves the scheduler no other node.
void bind_by_affinity(core::v1::Pod& pod, const std::string& node);

}  // namespace ph::controllers::daemonset
