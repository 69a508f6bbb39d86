#include "node/own_node.h"

#include "api/wire_records.h"
#include "informers/request.h"
#include "node/behaviour.h"
#include "node/problems.h"

namespace ph::node {
namespace {

namespace wire = api::wire;

void read_annotation(std::string_view entry, OwnNode& node) {
  auto [key, value] = wire::text_entry(entry);
  if (!key.starts_with(kAskPrefix)) return;
  key.remove_prefix(kAskPrefix.size());
  if (key == kProblemAsk) node.problem = informers::Interned(value);
}

void read_metadata(std::string_view bytes, OwnNode& node) {
  for (wire::Records in(bytes); in.next();) {
    switch (in.field()) {
      case 1: node.name = in.text(); break;
      case 5: node.uid = in.text(); break;
      case 6: node.revision = informers::parse_revision(in.text()); break;
      case 11: informers::add_label(node.labels, in.text()); break;
      case 12: read_annotation(in.text(), node); break;
    }
  }
  informers::sort_labels(node.labels);
}

}  // namespace

std::shared_ptr<const OwnNode> OwnNode::decode(std::string_view protobuf) {
  auto out = std::make_shared<OwnNode>();
  for (wire::Records in(protobuf); in.next();) {
    if (in.field() == 1) read_metadata(in.text(), *out);
    if (in.field() != 3) continue;
    for (wire::Records status(in.text()); status.next();) {
      if (status.field() == 10) out->attached.emplace_back(wire::member_of(status.text(), 1));
    }
  }
  return out;
}

}  // namespace ph::node

namespace ph::informers {

detail::Decoder Followed<node::OwnNode>::decoder() {
  using node::OwnNode;
  return {.resource = api::Scheme::builtin().resource("", "v1", "nodes"),
          .decode = [](std::string_view bytes) -> detail::AnyRef { return OwnNode::decode(bytes); },
          .key = [](const void* node) { return static_cast<const OwnNode*>(node)->key_view(); },
          .revision = [](const void* node) { return static_cast<const OwnNode*>(node)->revision; },
          .uid = [](const void* node) -> std::string_view { return static_cast<const OwnNode*>(node)->uid; }};
}

}  // namespace ph::informers
