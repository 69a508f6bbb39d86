#include "apiserver/rest/part_admission.h"

#include "apiserver/access.h"
#include "apiserver/rest/verbs.h"

namespace ph::apiserver {
namespace {

Task<void> ask(std::vector<PartAdmission*> plugins, Call& call, api::Object& brought, bool dry_run) {
  const WriteRequest write = write_request(call, {}, dry_run);
  AdmissionRequest request{.resource = call.served->resource,
                           .subresource = call.info.subresource,
                           .operation = "CREATE",
                           .key = call.key(),
                           .user = &call.user,
                           .dry_run = dry_run,
                           .object = &brought,
                           .warnings = &call.warnings,
                           .options = &write.options,
                           .deadline = write.deadline,
                           .trail = write.trail};
  if (request.key.name.empty()) request.key.name = brought.metadata().name();
  for (PartAdmission* plugin : plugins) co_await plugin->judge_part(request);
}

}  // namespace

Soon<> admit_part(Core& core, Call& call, api::Object& brought, bool dry_run) {
  std::vector<PartAdmission*> asked;
  for (const auto& plugin : core.extensions.admission) {
    auto* const judge = dynamic_cast<PartAdmission*>(plugin.get());
    if (judge != nullptr && judge->has_a_say()) asked.push_back(judge);
  }
  if (asked.empty()) return {};
  return ask(std::move(asked), call, brought, dry_run);
}

}  // namespace ph::apiserver
