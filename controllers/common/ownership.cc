#include "controllers/common/ownership.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/times.h"

namespace ph::controllers {

meta::v1::OwnerReference controller_reference(const Owner& owner) {
  meta::v1::OwnerReference out;
  out.set_api_version(owner.resource->kind.api_version());
  out.set_kind(owner.resource->kind.kind);
  out.set_name(owner.key.name);
  out.set_uid(owner.uid);
  out.set_controller(true);
  out.set_block_owner_deletion(true);
  return out;
}

api::LabelSelector owner_selector(const meta::v1::LabelSelector& from) {
  try {
    auto selector = api::LabelSelector::from(from);
    return selector.empty() ? api::LabelSelector::nothing() : selector;
  } catch (const api::DecodeError&) {
    return api::LabelSelector::nothing();
  }
}

Claim judge_claim(const Owner& owner, std::string_view controller_uid, bool selected, bool object_deleting) {
  if (!controller_uid.empty()) {
    if (controller_uid != owner.uid) return Claim::Ignore;
    if (selected) return Claim::Keep;
    // An owner that goes away leaves its objects to the garbage collector.
    return owner.deleting ? Claim::Ignore : Claim::Release;
  }
  if (owner.deleting || object_deleting || !selected) return Claim::Ignore;
  return Claim::Adopt;
}

Task<void> Claimer::check_owner() {
  if (checked_) co_return;
  const auto live = co_await client_.find_metadata(*owner_.resource, owner_.key);
  if (!live || live->metadata.uid() != owner_.uid) {
    throw std::runtime_error(fmt::format("original {} {} is gone: got uid {}, wanted {}", owner_.resource->kind.kind,
                                         owner_.key.text(), live ? live->metadata.uid() : "none", owner_.uid));
  }
  if (live->metadata.has_deletion_timestamp()) {
    throw std::runtime_error(fmt::format("{} has just been deleted at {}", owner_.key.text(),
                                         api::rfc3339(api::to_time(live->metadata.deletion_timestamp()))));
  }
  checked_ = true;
}

Task<bool> Claimer::adopt(const api::Resource& resource, ObjectKey key, std::string uid) {
  co_await check_owner();
  nlohmann::json patch = {{"metadata",
                           {{"uid", uid},
                            {"ownerReferences",
                             {{{"apiVersion", owner_.resource->kind.api_version()},
                               {"kind", owner_.resource->kind.kind},
                               {"name", owner_.key.name},
                               {"uid", owner_.uid},
                               {"controller", true},
                               {"blockOwnerDeletion", true}}}}}}};
  if (!owner_.finalizer.empty()) patch["metadata"]["finalizers"] = nlohmann::json::array({owner_.finalizer});
  const Patched patched = co_await client_.try_patch_metadata(resource, std::move(key), Patch::strategic(patch.dump()));
  co_return patched == Patched::Yes;
}

Task<void> Claimer::release(const api::Resource& resource, ObjectKey key, std::string uid) {
  nlohmann::json body = {{"metadata", {{"uid", uid}, {"ownerReferences", {{{"$patch", "delete"}, {"uid", owner_.uid}}}}}}};
  if (!owner_.finalizer.empty())
    body["metadata"]["$deleteFromPrimitiveList/finalizers"] = nlohmann::json::array({owner_.finalizer});
  Patch patch = Patch::strategic(body.dump());
  patch.pinned = true;
  // It may be gone, or no longer have the reference: somebody else released it.
  co_await client_.try_patch_metadata(resource, std::move(key), std::move(patch));
}

const meta::v1::OwnerReference* controller_of(const meta::v1::ObjectMeta& metadata) {
  for (const meta::v1::OwnerReference& owner : metadata.owner_references()) {
    if (owner.controller()) return &owner;
  }
  return nullptr;
}

std::string_view controller_uid(const google::protobuf::Message& object) {
  const meta::v1::OwnerReference* owner = controller_of(api::metadata(object));
  return owner ? std::string_view(owner->uid()) : std::string_view();
}

std::string_view controller_uid(const PodView& pod) {
  const informers::OwnerView* owner = pod.controller();
  return owner ? owner->uid.view() : std::string_view();
}

}  // namespace ph::controllers
