#include "api/encoded.h"
#include "apiserver/registry/resource_rules.h"

namespace ph::apiserver {

void WriteContext::also_write(const api::Resource& other, const ObjectKey& key, const Entry* before, api::Object object) {
  const std::string stored_key = other.storage_prefix + "/" + key.text();
  Precondition wanted{.key = stored_key, .kind = Precondition::Kind::Absent, .revision = {}};
  if (before != nullptr) {
    wanted.kind = Precondition::Kind::AtRevision;
    wanted.revision = before->revision;
  }
  preconditions.push_back(std::move(wanted));
  object.mutable_metadata().clear_resource_version();
  mutations.push_back({.key = stored_key, .value = api::encode_stored(object)});
}

}  // namespace ph::apiserver
