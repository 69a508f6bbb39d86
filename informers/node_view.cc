#include "informers/node_view.h"

#include <algorithm>

#include "api/quantity.h"
#include "api/wire_records.h"

namespace ph::informers {

namespace wire = api::wire;

namespace {

constexpr std::string_view kTtl = "node.alpha.kubernetes.io/ttl";
constexpr std::string_view kAttachedTo = "volumes.kubernetes.io/controller-managed-attach-detach";

void read_metadata(std::string_view bytes, NodeView& node) {
  for (wire::Records in(bytes); in.next();) {
    if (in.field() == 11) {
      add_label(node.labels, in.text());
    } else if (in.field() == 8) {
      node.created = wire_time(in.text());
    } else if (in.field() == 12) {
      const auto [key, value] = wire::text_entry(in.text());
      if (key == kTtl) node.ttl = Interned(value);
      if (key == kAttachedTo) node.is_attached_to = true;
    } else {
      node.take(in);
    }
  }
  sort_labels(node.labels);
}

void read_spec(std::string_view bytes, NodeView& node) {
  std::string_view first_cidr;
  for (wire::Records in(bytes); in.next();) {
    switch (in.field()) {
      case 1: first_cidr = in.text(); break;
      case 3: node.provider_id = in.text(); break;
      case 4: node.unschedulable = in.boolean(); break;
      case 5: api::decode_protobuf(in.text(), node.taints.emplace_back()); break;
      case 7: node.pod_cidrs.emplace_back(in.text()); break;
    }
  }
  // Of a writer who knew only the older field.
  if (node.pod_cidrs.empty() && !first_cidr.empty()) node.pod_cidrs.emplace_back(first_cidr);
}

void read_allocatable(std::string_view entry, NodeView& node) {
  const auto [resource, quantity] = wire::text_entry(entry);
  if (resource != "cpu") return;
  node.milli_cpu = api::Quantity::parse(wire::member_of(quantity, 1)).value_or(api::Quantity()).milli_value();
}

void read_condition(std::string_view bytes, NodeConditionView& condition) {
  for (wire::Records in(bytes); in.next();) {
    switch (in.field()) {
      case 1: condition.type = Interned(in.text()); break;
      case 2: condition.status = Interned(in.text()); break;
      case 3: condition.heartbeat = wire_time(in.text()); break;
    }
  }
}

void read_status(std::string_view bytes, NodeView& node) {
  for (wire::Records in(bytes); in.next();) {
    if (in.field() == 2) read_allocatable(in.text(), node);
    if (in.field() == 9) node.volumes_in_use.emplace_back(in.text());
    if (in.field() == 10) node.volumes_attached.emplace_back(wire::member_of(in.text(), 1), wire::member_of(in.text(), 2));
    if (in.field() != 4) continue;
    NodeConditionView& condition = node.conditions.emplace_back();
    read_condition(in.text(), condition);
    if (condition.type == "Ready") node.ready = condition.status == "True";
  }
}

}  // namespace

const core::v1::Taint* NodeView::taint(std::string_view key) const {
  const auto found = std::ranges::find_if(taints, [&](const core::v1::Taint& each) { return each.key() == key; });
  return found == taints.end() ? nullptr : &*found;
}

const NodeConditionView* NodeView::condition(std::string_view type) const {
  const auto found = std::ranges::find_if(conditions, [&](const NodeConditionView& each) { return each.type == type; });
  return found == conditions.end() ? nullptr : &*found;
}

std::shared_ptr<const NodeView> NodeView::decode(std::string_view protobuf) {
  auto node = std::make_shared<NodeView>();
  for (wire::Records in(protobuf); in.next();) {
    switch (in.field()) {
      case 1: read_metadata(in.text(), *node); break;
      case 2: read_spec(in.text(), *node); break;
      case 3: read_status(in.text(), *node); break;
    }
  }
  return node;
}

std::shared_ptr<const NodeView> NodeView::of(const core::v1::Node& node) { return decode(api::encode_protobuf(node)); }

detail::Decoder Followed<NodeView>::decoder() {
  const auto view = [](const void* object) { return static_cast<const NodeView*>(object); };
  return {.resource = api::Scheme::builtin().resource("", "v1", "nodes"),
          .decode = [](std::string_view bytes) -> detail::AnyRef { return NodeView::decode(bytes); },
          .key = [=](const void* object) { return view(object)->key_view(); },
          .revision = [=](const void* object) { return view(object)->revision; },
          .uid = [=](const void* object) -> std::string_view { return view(object)->uid; },
          .deleting = [=](const void* object) { return view(object)->deletion.has_value(); },
          .metadata = detail::metadata_within<NodeView>};
}

}  // namespace ph::informers
