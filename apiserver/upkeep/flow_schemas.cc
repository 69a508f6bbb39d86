// Flow schemas say whether the priority level they name is there: the condition Dangling.
// Reference: "API Priority and Fairness", "FlowSchema".
#include <algorithm>

#include "api/errors.h"
#include "api/times.h"
#include "apiserver/rest/write.h"
#include "apiserver/upkeep/upkeep.h"

namespace ph::apiserver {

using flowcontrol::v1::FlowSchema, flowcontrol::v1::FlowSchemaCondition, flowcontrol::v1::PriorityLevelConfiguration;

namespace {

constexpr const char* kManager = "api-priority-and-fairness-config-consumer-v1";
constexpr const char* kDangling = "Dangling";
FlowSchemaCondition dangling(const FlowSchema& schema, bool found, Time now) {
  const std::string& level = schema.spec().priority_level_configuration().name();
  FlowSchemaCondition out;
  out.set_type(kDangling);
  out.set_status(found ? "False" : "True");
  out.set_reason(found ? "Found" : "NotFound");
  out.set_message("This FlowSchema references the PriorityLevelConfiguration object named \"" + level + "\" " +
                  (found ? "and it exists" : "but there is no such object"));
  *out.mutable_last_transition_time() = api::make_time(now);
  return out;
}

bool says(const FlowSchema& schema, const FlowSchemaCondition& wanted) {
  return std::ranges::any_of(schema.status().conditions(), [&](const FlowSchemaCondition& condition) {
    return condition.type() == wanted.type() && condition.status() == wanted.status() && condition.message() == wanted.message();
  });
}

// The time stays when the status does.
FlowSchema saying(FlowSchema schema, FlowSchemaCondition wanted) {
  auto& conditions = *schema.mutable_status()->mutable_conditions();
  const auto same = std::ranges::find(conditions, wanted.type(), &FlowSchemaCondition::type);
  if (same == conditions.end()) {
    *conditions.Add() = std::move(wanted);
    return schema;
  }
  if (same->status() == wanted.status()) *wanted.mutable_last_transition_time() = same->last_transition_time();
  *same = std::move(wanted);
  return schema;
}

Task<void> put_right(Core& core, Served& schemas, Served& levels) {
  const Snapshot snapshot = schemas.cache->snapshot();
  for (const EntryRef& entry : *snapshot.entries) {
    const api::Object object = decode_entry(*schemas.resource, *entry);
    const FlowSchema& schema = object.as<FlowSchema>();
    const bool found = levels.cache->find(schema.spec().priority_level_configuration().name()) != nullptr;
    const FlowSchemaCondition wanted = dangling(schema, found, core.now());
    if (says(schema, wanted)) continue;
    WriteRequest request = own_request();
    request.manager = kManager;
    request.subresource = "status";
    const Make make = [&](const api::Object& stored) { return api::Object::of(saying(stored.as<FlowSchema>(), wanted)); };
    try {
      co_await update_object(core, schemas, key_of(schema), UpdateKind::Status, make, std::move(request));
    } catch (const api::ApiError& error) {
      if (error.code() != 404) throw;  // it has gone meanwhile
    }
  }
}

}  // namespace

Task<void> keep_flow_schemas(Core& core) {
  Served& schemas = core.of(api::schema_of<FlowSchema>());
  Served& levels = core.of(api::schema_of<PriorityLevelConfiguration>());
  Event changed;
  std::vector<Task<void>> all_of_them;
  all_of_them.push_back(notice_changes(core, schemas, changed));
  all_of_them.push_back(notice_changes(core, levels, changed));
  all_of_them.push_back(keep_right(core, changed, "flow schemas", [&] { return put_right(core, schemas, levels); }));
  co_await all(std::move(all_of_them));
}

}  // namespace ph::apiserver
