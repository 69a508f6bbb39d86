#include "controllers/garbage_collector/patches.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "api/codec.h"

namespace ph::controllers::garbage_collector {
namespace {

using informers::OwnerView;
using nlohmann::json;

std::string owners_patch(const meta::v1::ObjectMeta& live, json owners) {
  return json{
      {"metadata", {{"uid", live.uid()}, {"resourceVersion", live.resource_version()}, {"ownerReferences", std::move(owners)}}}}
      .dump();
}

}  // namespace

bool merges_by_keys(const api::Resource& resource) { return api::Scheme::builtin().find(resource.kind) != nullptr; }

std::string drop_owners(std::string_view uid, const std::vector<std::string>& owners) {
  json list = json::array();
  for (const std::string& owner : owners) list.push_back({{"$patch", "delete"}, {"uid", owner}});
  return json{{"metadata", {{"uid", uid}, {"ownerReferences", std::move(list)}}}}.dump();
}

std::string unblock_owners(const informers::MetadataView& object) {
  json list = json::array();
  for (const OwnerView& owner : object.owners) list.push_back({{"uid", owner.uid.view()}, {"blockOwnerDeletion", false}});
  return json{{"metadata", {{"uid", object.uid}, {"ownerReferences", std::move(list)}}}}.dump();
}

std::string owners_without(const meta::v1::ObjectMeta& live, const std::vector<std::string>& owners) {
  json list = json::array();
  for (const auto& owner : live.owner_references()) {
    if (std::ranges::find(owners, owner.uid()) == owners.end()) list.push_back(api::to_json(owner));
  }
  return owners_patch(live, std::move(list));
}

std::string owners_unblocked(const meta::v1::ObjectMeta& live) {
  json list = json::array();
  for (meta::v1::OwnerReference owner : live.owner_references()) {
    owner.set_block_owner_deletion(false);
    list.push_back(api::to_json(owner));
  }
  return owners_patch(live, std::move(list));
}

std::string without_finalizer(const informers::MetadataView& object, std::string_view finalizer) {
  json list = json::array();
  for (const auto& each : object.finalizers) {
    if (each != finalizer) list.push_back(each.view());
  }
  return json{{"metadata", {{"resourceVersion", to_string(object.revision)}, {"finalizers", std::move(list)}}}}.dump();
}

}  // namespace ph::controllers::garbage_collector
