// What is to be attached to a node, what detached from it, and what is told of it. Pure.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "controllers/attach_detach/volumes.h"
#include "informers/node_view.h"

namespace ph::controllers::attach_detach {

using informers::NodeView;
using informers::Ref;

// A volume that pods of the node need.
struct Wanted {
  CsiVolume volume;
  std::vector<Ref<PodView>> pods = {};
  // What keeps it from being attached here: pods on other nodes that it is attached to, or is still being detached from.
  bool is_elsewhere = false;
  std::vector<Ref<PodView>> pods_elsewhere = {};
};

// An attachment to the node that there is.
struct Existing {
  Ref<Attachment> attachment;
  std::optional<CsiVolume> volume = {};  // nothing: nobody knows it any more
  Duration unwanted_for{};               // since when nobody needs it
};

struct Facts {
  Ref<NodeView> node = {};  // null: there is none of the name
  std::vector<Wanted> wanted = {};
  std::vector<Existing> existing = {};
  bool may_force = true;  // not with --disable-force-detach-on-timeout
};

// After so long a volume that a node in trouble does not let go is detached all the same.
inline constexpr Duration kForceAfter = 6min;

struct Detach {
  Ref<Attachment> attachment;
  std::string unique_name;  // empty: nobody knows it
  bool asks_node = true;    // only when the node, asked once more, does not use it
};
struct Plan {
  std::vector<Wanted> attach;
  std::vector<Wanted> refused;   // they are elsewhere, and cannot be in two places
  std::vector<Wanted> waiting;   // for whoever attaches them
  std::vector<Wanted> attached;  // newly: their node is to be told
  std::vector<Detach> detach;
  std::vector<std::pair<std::string, std::string>> told;  // status.volumesAttached from now on
  Duration look_again{};                                  // zero: not before something changes
};
Plan plan(const Facts& facts);

// The patch of the node's status that says so, for the node of that UID.
std::string told_patch(const std::string& uid, const std::vector<std::pair<std::string, std::string>>& told);

// -- What is told of pods, in upstream's words
std::string attached_text(const Wanted& wanted);
std::string failed_text(const Wanted& wanted, const std::string& why);
std::string late_text(const Wanted& wanted);
// For one of the pods that wait.
std::string elsewhere_text(const Wanted& wanted, const PodView& pod);

}  // namespace ph::controllers::attach_detach
