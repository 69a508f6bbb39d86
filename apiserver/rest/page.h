// What a list shows: all of a collection that is asked for, of one moment, or a piece of it.
#pragma once

#include <vector>

#include "apiserver/rest/core.h"
#include "apiserver/rest/options.h"

namespace ph::apiserver {

struct Page {
  std::vector<EntryRef> entries;  // as they are stored
  meta::v1::ListMeta metadata;    // revision; what to go on with, and how much is left
};
meta::v1::ListMeta metadata_of(const Snapshot& snapshot);
// Whether the list of just that revision is asked for.
bool wants_exact(const ListOptions& options);

// By selectors, limit, continue and revision. May wait for the revision. Throws ApiError (400, 410, 504).
Task<Page> read_page(Core& core, const Call& call, const ListOptions& options);
// As it is shown, in the version and the form that is asked for. Takes turns.
Task<HttpResponse> answer_page(Core& core, const Call& call, Page page);

}  // namespace ph::apiserver
