// API services of the groups that the server serves itself. Those of built-in groups are made when it starts, and are then
// everybody's; those of custom kinds come and go with their definitions.
#include "api/errors.h"
#include "apiserver/rest/write.h"
#include "apiserver/upkeep/local_groups.h"
#include "apiserver/upkeep/upkeep.h"

namespace ph::apiserver {
namespace {

std::vector<APIService> existing(Served& services) {
  std::vector<APIService> out;
  const Snapshot snapshot = services.cache->snapshot();
  for (const EntryRef& entry : *snapshot.entries) {
    out.push_back(*std::move(decode_entry(*services.resource, *entry)).take<APIService>());
  }
  return out;
}

Task<void> change(Core& core, Served& services, ApiServiceChanges changes) {
  for (APIService& service : changes.create) co_await ensure_object(core, api::Object::of(std::move(service)));
  for (const APIService& service : changes.update) {
    const Make make = [&](const api::Object& stored) {
      APIService changed = stored.as<APIService>();
      *changed.mutable_spec() = service.spec();
      (*changed.mutable_metadata()->mutable_labels())[kAutomanaged] = service.metadata().labels().at(kAutomanaged);
      return api::Object::of(std::move(changed));
    };
    co_await update_object(core, services, key_of(service), UpdateKind::Main, make, own_request());
  }
  for (const APIService& service : changes.remove) {
    meta::v1::DeleteOptions options;
    options.mutable_preconditions()->set_uid(service.metadata().uid());
    co_await delete_object(core, services, key_of(service), options, own_request());
  }
}

Task<void> put_right(Core& core, Served& services, std::string_view kept) {
  const std::vector<APIService> wanted = local_api_services(core.scheme().resources());
  co_await change(core, services, plan_api_services(wanted, existing(services), kept));
}

}  // namespace

Task<void> make_api_services(Core& core) {
  try {
    co_await put_right(core, core.of(api::schema_of<APIService>()), kOnStart);
  } catch (const api::ApiError& error) {
    core.log.warning("the API services of built-in groups could not be put right", "error", error.what());
  }
}

Task<void> keep_api_services(Core& core) {
  Served& services = core.of(api::schema_of<APIService>());
  std::vector<Task<void>> both;
  // Somebody may change or remove what is kept: that counts as a change of what is served.
  both.push_back(notice_changes(core, services, core.kinds_changed));
  both.push_back(keep_right(core, core.kinds_changed, "API services", [&] { return put_right(core, services, kAlways); }));
  co_await all(std::move(both));
}

}  // namespace ph::apiserver
