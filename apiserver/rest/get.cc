// GET of one object.
#include "api/errors.h"
#include "apiserver/rest/options.h"
#include "apiserver/rest/respond.h"
#include "apiserver/rest/verbs.h"

namespace ph::apiserver {

Task<HttpResponse> get(Core& core, Call& call) {
  Served& served = *call.served;
  const std::string_view revision = call.query.get("resourceVersion");
  if (!revision.empty()) co_await wait_for_revision(core, call, *served.cache, parse_revision(revision));
  EntryRef entry = served.cache->find(call.key().text());
  if (!entry) throw api::not_found(served.qualified, call.info.name);
  co_return answer_entry(core, call, 200, shown(served, entry));
}

}  // namespace ph::apiserver
