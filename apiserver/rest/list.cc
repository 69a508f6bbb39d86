// GET of a collection: the present, a past moment, or a chunk of either.
#include "apiserver/rest/page.h"
#include "apiserver/rest/respond.h"
#include "apiserver/rest/turn.h"
#include "apiserver/rest/verbs.h"

namespace ph::apiserver {

Task<HttpResponse> list(Core& core, Call& call) {
  Served& served = *call.served;
  Page page = co_await read_page(core, call, list_options(call.query, false));
  if (served.to_shown) {
    Turn turn;
    for (EntryRef& entry : page.entries) {
      if (turn.over(kConversionCost)) co_await yield();
      entry = shown(served, entry);
    }
  }
  co_return answer_list(core, call, std::move(page.entries), std::move(page.metadata));
}

}  // namespace ph::apiserver
