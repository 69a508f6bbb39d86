// Whom an event is about, where a loop has only the view of a node.
#pragma once

#include "core/v1.pb.h"
#include "informers/node_view.h"

namespace ph::controllers {

inline core::v1::ObjectReference reference_to(const informers::NodeView& node) {
  core::v1::ObjectReference out;
  out.set_api_version("v1");
  out.set_kind("Node");
  out.set_name(node.name);
  out.set_uid(node.uid);
  return out;
}

}  // namespace ph::controllers
