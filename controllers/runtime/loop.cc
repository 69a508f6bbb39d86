#include "controllers/runtime/loop.h"

namespace ph::controllers {
namespace {

std::string_view group_of(std::string_view api_version) {
  const auto slash = api_version.find('/');
  return slash == std::string_view::npos ? std::string_view() : api_version.substr(0, slash);
}

}  // namespace

LoopBuilder::Keys LoopBuilder::owner_keys(const google::protobuf::Message& object, const std::string& kind,
                                          const std::string& group) {
  const meta::v1::ObjectMeta& metadata = api::metadata(object);
  for (const meta::v1::OwnerReference& owner : metadata.owner_references()) {
    if (!owner.controller() || owner.kind() != kind || group_of(owner.api_version()) != group) continue;
    return {{metadata.namespace_(), owner.name()}};
  }
  return {};
}

LoopBuilder::Keys LoopBuilder::owner_keys(const PodView& pod, const std::string& kind, const std::string& group) {
  const informers::OwnerView* owner = pod.controller();
  if (!owner || owner->kind != kind || group_of(owner->api_version) != group) return {};
  return {{std::string(pod.namespace_name), std::string(owner->name)}};
}

}  // namespace ph::controllers
