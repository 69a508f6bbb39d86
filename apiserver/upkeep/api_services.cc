// API services of the groups that the server serves itself. Those of built-in groups are made when it starts, and are then
// everybody's; those of custom kinds come and go with their definitions.
#include "api/errors.h"
#include "apiserver/rest/write.h"
#include "apiserver/upkeep/local_groups.h"
#include "apiserver/upkeep/upkeep.h"

namespace ph::apiserver {
namespace {

constexpr Duration kRetry = 1s;

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

// Somebody may change or remove what is kept: that counts as a change of what is served.
Task<void> notice_changes(Core& core, Served& services) {
  for (;;) {
    const auto watch = services.cache->watch(services.cache->revision());
    core.kinds_changed.set();
    while (watch && co_await watch->next(core.executor.clock().steady() + 24h)) core.kinds_changed.set();
    if (!core.ready()) co_return;
    co_await yield();
  }
}

Task<void> follow_custom_kinds(Core& core, Served& services) {
  for (;;) {
    core.kinds_changed.reset();
    bool again = false;
    try {
      co_await put_right(core, services, kAlways);
    } catch (const api::ApiError& error) {
      // Somebody else was there at the same moment.
      core.log.debug("an API service waits", "error", error.what());
      again = true;
    }
    if (again) co_await sleep_for(kRetry);
    else co_await core.kinds_changed.wait();
  }
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
  both.push_back(notice_changes(core, services));
  both.push_back(follow_custom_kinds(core, services));
  co_await all(std::move(both));
}

}  // namespace ph::apiserver
