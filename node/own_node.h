// What hollow nodes look at in their Node objects, decoded straight from the wire.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "informers/informer.h"
#include "informers/interned.h"
#include "informers/metadata_view.h"

namespace ph::node {

struct OwnNode {
  std::string name, uid;
  Revision revision;
  informers::LabelViews labels;
  informers::Interned problem;        // what its annotation asks for; empty: nothing
  std::vector<std::string> attached;  // volumes, by their unique names

  informers::KeyView key_view() const { return {{}, name}; }
  static std::shared_ptr<const OwnNode> decode(std::string_view protobuf);
};

}  // namespace ph::node

template <>
struct ph::informers::Followed<ph::node::OwnNode> {
  static detail::Decoder decoder();
};
