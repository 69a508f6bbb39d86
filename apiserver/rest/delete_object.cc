#include <fmt/format.h>

#include "api/errors.h"
#include "api/object.h"
#include "apiserver/rest/conversions.h"
#include "apiserver/rest/deletion.h"
#include "apiserver/rest/round.h"
#include "apiserver/rest/validate.h"

namespace ph::apiserver {
namespace {

void check_preconditions(const Served& served, const meta::v1::ObjectMeta& stored, const Entry& entry,
                         const meta::v1::DeleteOptions& options) {
  const meta::v1::Preconditions& wanted = options.preconditions();
  if (wanted.has_uid() && wanted.uid() != stored.uid()) {
    throw api::conflict(served.qualified_kind, stored.name(),
                        fmt::format("the UID in the precondition ({}) does not match the UID in record ({}). The object might "
                                    "have been deleted and then recreated",
                                    wanted.uid(), stored.uid()));
  }
  if (wanted.has_resource_version() && wanted.resource_version() != to_string(entry.revision)) {
    throw api::conflict(served.qualified_kind, stored.name(),
                        fmt::format("the ResourceVersion in the precondition ({}) does not match the ResourceVersion in record "
                                    "({}). The object might have been modified",
                                    wanted.resource_version(), entry.revision.value));
  }
}

// Whoever deletes an object through a version has to be able to see it there. The server itself deletes what is stored as it is: it
// waits for nobody.
Task<api::Object> old_object(Core& core, const Served& served, const WriteRequest& request, const EntryRef& entry) {
  if (!request.conversions) co_return served.converter->decode(*entry);
  if (request.through->to_shown) co_await request.conversions->show(core, *request.through, {entry}, true);
  co_return co_await request.conversions->run(core, 0, [&] { return stored_object(served, *entry); });
}

}  // namespace

Task<WriteResult> delete_object(Core& core, Served& served, ObjectKey key, meta::v1::DeleteOptions options,
                                WriteRequest request) {
  Race race(core.lines);
  request.options.deletion = &options;
  for (;;) {
    co_await race.turn_of(served.prefix, key);
    const EntryRef entry = served.cache->find(key.text());
    if (!entry) throw api::not_found(served.qualified, key.name);
    const api::Object old =
        served.converter ? co_await old_object(core, served, request, entry) : decode_entry(*served.resource, *entry);
    check_preconditions(served, old.metadata(), *entry, options);

    Round round(core, served, request, "DELETE", key, unchanged(served, *entry), race);
    co_await round.admit(nullptr, &old);
    co_await round.validate(nullptr, &old);
    Deletion deletion = plan_deletion(served, old, options, core.now());
    if (deletion.action == Deletion::Action::Keep) {
      if (round.stale()) continue;
      co_return WriteResult{entry, false};
    }
    if (deletion.action == Deletion::Action::Mark) {
      co_await round.before_commit(&deletion.object, &old);
      if (auto marked = co_await round.store(deletion.object, entry.get())) co_return WriteResult{std::move(*marked), false};
      continue;
    }
    co_await round.before_commit(nullptr, &old);
    if (auto removed = co_await round.remove(*entry)) {
      co_return WriteResult{deletion.object ? last_state(deletion.object, **removed) : std::move(*removed), true};
    }
  }
}

}  // namespace ph::apiserver
