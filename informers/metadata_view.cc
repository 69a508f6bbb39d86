#include "informers/metadata_view.h"

#include <algorithm>

#include "api/times.h"
#include "api/wire_records.h"
#include "informers/request.h"

namespace ph::informers {

namespace wire = api::wire;

Time wire_time(std::string_view bytes) {
  std::int64_t seconds = 0;
  for (wire::Records in(bytes); in.next();) {
    if (in.field() == 1) seconds = in.int64();
  }
  return api::to_time(api::Instant{.seconds = seconds});
}

OwnerView wire_owner(std::string_view bytes) {
  OwnerView out;
  for (wire::Records in(bytes); in.next();) {
    switch (in.field()) {
      case 1: out.kind = Interned(in.text()); break;
      case 3: out.name = Interned(in.text()); break;
      case 4: out.uid = Interned(in.text()); break;
      case 5: out.api_version = Interned(in.text()); break;
      case 6: out.controller = in.boolean(); break;
      case 7: out.block_deletion = in.boolean(); break;
    }
  }
  return out;
}

std::optional<std::string_view> find_label(const LabelViews& labels, std::string_view key) {
  const auto found = std::ranges::lower_bound(labels, key, {}, [](const auto& label) { return label.first.view(); });
  if (found == labels.end() || found->first != key) return std::nullopt;
  return found->second.view();
}

void add_label(LabelViews& labels, std::string_view entry) {
  const auto [key, value] = wire::text_entry(entry);
  labels.emplace_back(key, value);
}

void sort_labels(LabelViews& labels) {
  std::ranges::sort(labels, {}, [](const auto& label) { return label.first.view(); });
}

bool MetadataView::has_finalizer(std::string_view wanted) const {
  return std::ranges::any_of(finalizers, [&](const Interned& finalizer) { return finalizer == wanted; });
}

void MetadataView::take(const wire::Records& in) {
  switch (in.field()) {
    case 1: name = in.text(); break;
    case 3: namespace_name = Interned(in.text()); break;
    case 5: uid = in.text(); break;
    case 6: revision = parse_revision(in.text()); break;
    case 9: deletion = wire_time(in.text()); break;
    case 13: owners.push_back(wire_owner(in.text())); break;
    case 14: finalizers.emplace_back(in.text()); break;
  }
}

std::shared_ptr<const MetadataView> MetadataView::decode(std::string_view protobuf) {
  auto out = std::make_shared<MetadataView>();
  for (wire::Records in(wire::member_of(protobuf, 1)); in.next();) out->take(in);
  return out;
}

std::shared_ptr<const MetadataView> MetadataView::of(const meta::v1::ObjectMeta& metadata) {
  auto out = std::make_shared<MetadataView>();
  out->namespace_name = Interned(metadata.namespace_());
  out->name = metadata.name();
  out->uid = metadata.uid();
  out->revision = parse_revision(metadata.resource_version());
  if (metadata.has_deletion_timestamp()) out->deletion = api::to_time(metadata.deletion_timestamp());
  for (const meta::v1::OwnerReference& owner : metadata.owner_references()) {
    out->owners.push_back({.kind = owner.kind(),
                           .name = owner.name(),
                           .uid = owner.uid(),
                           .api_version = owner.api_version(),
                           .controller = owner.controller(),
                           .block_deletion = owner.block_owner_deletion()});
  }
  for (const std::string& finalizer : metadata.finalizers()) out->finalizers.emplace_back(finalizer);
  return out;
}

namespace detail {

Decoder metadata_decoder(api::ResourceRef resource) {
  const auto view = [](const void* object) { return static_cast<const MetadataView*>(object); };
  return {.resource = resource.get(),
          .metadata_only = true,
          .decode = [](std::string_view bytes) -> AnyRef { return MetadataView::decode(bytes); },
          .key = [=](const void* object) { return view(object)->key_view(); },
          .revision = [=](const void* object) { return view(object)->revision; },
          .uid = [=](const void* object) -> std::string_view { return view(object)->uid; },
          .deleting = [=](const void* object) { return view(object)->deletion.has_value(); },
          .kept_resource = resource};
}

AnyRef metadata_of(const meta::v1::ObjectMeta& metadata) { return MetadataView::of(metadata); }

// Clearing the field would keep its entries, to be used again.
void drop_managed_fields(meta::v1::ObjectMeta& metadata) {
  if (metadata.managed_fields_size() == 0) return;
  google::protobuf::RepeatedPtrField<meta::v1::ManagedFieldsEntry>().Swap(metadata.mutable_managed_fields());
}

}  // namespace detail
}  // namespace ph::informers
