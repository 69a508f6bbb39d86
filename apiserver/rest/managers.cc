#include "apiserver/rest/managers.h"

#include <algorithm>
#include <map>

namespace ph::apiserver {

// The versions of what is stored in one place.
api::AsVersion versions_of(const Core& core, const std::shared_ptr<Served>& served) {
  std::map<std::string, std::shared_ptr<Served>> versions;
  const auto add = [&versions](const std::shared_ptr<Served>& one) { versions.emplace(one->resource->kind.api_version(), one); };
  const std::string& prefix = storage_of(*served).prefix;
  add(served);
  if (served->stored_as) add(served->stored_as);
  for (const api::Resource& resource : core.scheme().resources()) {
    if (resource.plural != served->resource->plural) continue;
    const auto other = core.find(resource.kind.group, resource.kind.version, resource.plural);
    if (other && storage_of(*other).prefix == prefix) add(other);
  }
  return [versions = std::move(versions)](const api::Object& object, const std::string& version) -> api::Object {
    const auto& kind = object.schema().kind;
    const auto from = kind ? versions.find(kind->api_version()) : versions.end();
    const auto to = versions.find(version);
    if (from == versions.end() || to == versions.end()) return {};
    // Who converts for others does so without a detour.
    const Served& wanted = *to->second;
    if (wanted.converter && wanted.stored_as) return wanted.to_shown(object);
    api::Object stored = to_stored(*from->second, object.clone());
    return to->second->stored_as ? to->second->to_shown(stored) : std::move(stored);
  };
}

namespace {

// Whether anybody owns fields of it in another version than the request's.
bool is_of_several_versions(const Served& served, const api::Object& object) {
  const std::string version = served.resource->kind.api_version();
  const auto& managers = object.metadata().managed_fields();
  return std::ranges::any_of(managers, [&](const auto& entry) { return entry.api_version() != version; });
}

}  // namespace

bool record_plain(const Served& served, api::Object& object, const api::Object* old, const std::string& manager,
                  const std::string& subresource, Time now) {
  if (old && is_of_several_versions(served, *old)) return false;
  api::record_update(object, old, {manager, "Update", subresource}, now);
  return true;
}

ManagerRecord::ManagerRecord(const Core& core, const WriteRequest& request, const api::Object* old)
    : request_(request), old_(old), now_(core.now()) {
  if (old && request.through && is_of_several_versions(*request.through, *old)) as_version_ = versions_of(core, request.through);
}

void ManagerRecord::write(api::Object& object) const {
  const api::Manager manager{request_.manager, "Update", request_.subresource};
  if (!request_.through || !request_.through->stored_as) return api::record_update(object, old_, manager, now_, as_version_);
  api::Object shown = request_.through->to_shown(object);
  const api::Object old = old_ ? request_.through->to_shown(*old_) : api::Object();
  api::record_update(shown, old_ ? &old : nullptr, manager, now_, as_version_);
  *object.mutable_metadata().mutable_managed_fields() = shown.metadata().managed_fields();
}

}  // namespace ph::apiserver
