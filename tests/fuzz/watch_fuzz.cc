// What a server may send to our clients: watch frames, lists, objects and errors of any bytes. Refused, or the same whatever
// pieces it arrives in; views say what the whole message says.
#include "api/kinds.h"
#include "api/times.h"
#include "base/assert.h"
#include "informers/metadata_view.h"
#include "informers/node_view.h"
#include "informers/packed.h"
#include "informers/pod_view.h"
#include "informers/request.h"
#include "node/hollow_pod.h"
#include "tests/fuzz/bytes.h"
#include "tests/fuzz/fuzzers.h"

namespace ph::fuzz {
namespace {

using namespace ph::informers;
using api::DecodeError;

struct Outcome {
  std::vector<std::pair<std::string, std::string>> events;
  bool damaged = false;
  bool operator==(const Outcome&) const = default;
};

Outcome read_frames(std::string_view bytes, std::size_t step) {
  Outcome out;
  WatchFrames frames;
  try {
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      frames.feed(bytes.substr(at, step));
      while (auto event = frames.next()) out.events.emplace_back(event->type, event->object);
    }
    if (!frames.in_the_middle()) PH_ASSERT(!frames.next());
  } catch (const DecodeError&) {
    out.damaged = true;
  }
  return out;
}

bool readable(const core::v1::Pod& pod) {
  // A text that is not UTF-8 is mended by some readers and not by others.
  return pod.metadata().name().size() + pod.spec().node_name().size() > 0;
}

void check_views(std::string_view bytes) {
  std::shared_ptr<const PodView> view;
  std::shared_ptr<const MetadataView> metadata;
  std::shared_ptr<const node::HollowPod> hollow;
  core::v1::Pod pod;
  try {
    view = PodView::decode(bytes);
    metadata = MetadataView::decode(bytes);
    hollow = node::HollowPod::decode(bytes);
  } catch (const DecodeError&) {
  }
  try {
    NodeView::decode(bytes);
  } catch (const DecodeError&) {
  }
  try {
    api::decode_protobuf(bytes, pod);
  } catch (const DecodeError&) {
    return;
  }
  // The whole message's own bytes, so that nothing stands in them twice.
  const std::string normal = api::encode_protobuf(pod);
  view = PodView::decode(normal);
  metadata = MetadataView::decode(normal);
  hollow = node::HollowPod::decode(normal);
  if (!readable(pod)) return;
  const auto& meta = pod.metadata();
  PH_ASSERT(view->name == meta.name());
  PH_ASSERT(view->name == metadata->name);
  PH_ASSERT(view->uid == meta.uid());
  PH_ASSERT(view->namespace_name == meta.namespace_());
  PH_ASSERT(view->node_name == pod.spec().node_name());
  PH_ASSERT(view->labels.size() == meta.labels().size());
  for (const auto& [key, value] : meta.labels()) PH_ASSERT(view->label(key) == std::string_view(value));
  PH_ASSERT(view->owners.size() == static_cast<std::size_t>(meta.owner_references_size()));
  PH_ASSERT(metadata->owners.size() == view->owners.size());
  PH_ASSERT(metadata->finalizers.size() == static_cast<std::size_t>(meta.finalizers_size()));
  PH_ASSERT(view->finalizers == metadata->finalizers);
  PH_ASSERT(view->deletion.has_value() == meta.has_deletion_timestamp());
  PH_ASSERT(view->deletion == metadata->deletion);
  PH_ASSERT(view->phase == pod.status().phase());
  Packed<core::v1::Pod> packed;
  packed.read(normal);
  core::v1::Pod unpacked = packed.whole();
  *unpacked.mutable_metadata()->mutable_managed_fields() = meta.managed_fields();
  PH_ASSERT(api::encode_protobuf(unpacked) == normal);
  PH_ASSERT(packed.labels == view->labels);
  PH_ASSERT(hollow->name == meta.name());
  PH_ASSERT(hollow->node_name == pod.spec().node_name());
  PH_ASSERT(hollow->phase == pod.status().phase());
  PH_ASSERT(hollow->has_finalizers == (meta.finalizers_size() > 0));
  PH_ASSERT(hollow->containers.size() == static_cast<std::size_t>(pod.spec().containers_size()));
}

void check_list(std::string_view bytes) {
  ListParts parts;
  try {
    parts = split_list(bytes);
  } catch (const DecodeError&) {
    return;
  }
  std::size_t size = 0;
  for (const std::string_view item : parts.items) {
    PH_ASSERT(item.empty() || (item.data() >= bytes.data() && item.data() + item.size() <= bytes.data() + bytes.size()));
    size += item.size();
  }
  PH_ASSERT(size <= bytes.size());
  core::v1::PodList list;
  try {
    api::decode_protobuf(bytes, list);
  } catch (const DecodeError&) {
    return;
  }
  PH_ASSERT(static_cast<std::size_t>(list.items_size()) == parts.items.size());
}

}  // namespace

void watch(std::string_view bytes) {
  const Outcome whole = read_frames(bytes, std::max<std::size_t>(1, bytes.size()));
  PH_ASSERT(read_frames(bytes, 1) == whole);
  PH_ASSERT(read_frames(bytes, 7) == whole);
  for (const auto& [type, object] : whole.events) check_views(object);

  check_views(bytes);
  check_list(bytes);
  try {
    revision_of(bytes);
    check_list(answer_object(bytes));
    check_views(answer_object(bytes));
  } catch (const DecodeError&) {
  }
  for (const int code : {200, 404, 500}) {
    const auto status = status_of_answer(code, bytes);
    PH_ASSERT(status.code() != 0 && !status.reason().empty() && !status.status().empty());
  }
}

}  // namespace ph::fuzz
