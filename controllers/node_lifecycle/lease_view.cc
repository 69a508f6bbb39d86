#include "controllers/node_lifecycle/lease_view.h"

#include "api/times.h"
#include "api/wire_records.h"

namespace ph::controllers::node_lifecycle {

namespace wire = api::wire;

namespace {

// With its fraction: a lease may be renewed twice in a second.
Time micro_time(std::string_view bytes) {
  api::Instant out;
  for (wire::Records in(bytes); in.next();) {
    if (in.field() == 1) out.seconds = in.int64();
    if (in.field() == 2) out.nanos = static_cast<std::int32_t>(in.int64());
  }
  return api::to_time(out);
}

}  // namespace

std::shared_ptr<const LeaseView> LeaseView::decode(std::string_view protobuf) {
  auto lease = std::make_shared<LeaseView>();
  for (wire::Records in(protobuf); in.next();) {
    if (in.is(1, wire::kBytes)) {
      for (wire::Records metadata(in.text()); metadata.next();) lease->take(metadata);
    } else if (in.is(2, wire::kBytes)) {
      for (wire::Records spec(in.text()); spec.next();) {
        if (spec.is(4, wire::kBytes)) lease->renewed = micro_time(spec.text());
      }
    }
  }
  return lease;
}

}  // namespace ph::controllers::node_lifecycle

namespace ph::informers {

detail::Decoder Followed<controllers::node_lifecycle::LeaseView>::decoder() {
  using controllers::node_lifecycle::LeaseView;
  const auto view = [](const void* object) { return static_cast<const LeaseView*>(object); };
  // No metadata is shown: the copy is not of all leases.
  return {.resource = api::Scheme::builtin().resource("coordination.k8s.io", "v1", "leases"),
          .field_selector = std::string("metadata.namespace=") + controllers::node_lifecycle::kLeaseNamespace,
          .decode = [](std::string_view bytes) -> detail::AnyRef { return LeaseView::decode(bytes); },
          .key = [=](const void* object) { return view(object)->key_view(); },
          .revision = [=](const void* object) { return view(object)->revision; },
          .uid = [=](const void* object) -> std::string_view { return view(object)->uid; },
          .deleting = [=](const void* object) { return view(object)->deletion.has_value(); }};
}

}  // namespace ph::informers
