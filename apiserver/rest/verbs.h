// The generic verbs. Each answers one call; the core and the call outlive the task. All throw ApiError.
#pragma once

#include "apiserver/rest/core.h"
#include "apiserver/rest/options.h"
#include "apiserver/rest/write.h"
#include "base/task.h"

namespace ph::apiserver {

Task<HttpResponse> create(Core& core, Call& call);
Task<HttpResponse> get(Core& core, Call& call);
Task<HttpResponse> list(Core& core, Call& call);
Task<HttpResponse> watch(Core& core, Call& call);
Task<HttpResponse> update(Core& core, Call& call);
Task<HttpResponse> patch(Core& core, Call& call);
Task<HttpResponse> apply(Core& core, Call& call);  // a patch of that type
Task<HttpResponse> remove(Core& core, Call& call);
Task<HttpResponse> remove_collection(Core& core, Call& call);

Task<HttpResponse> create_virtual(Core& core, Call& call, VirtualResource& resource);

// -- On any thread (base/anywhere.h): the answer, or nothing when only the executor can give it.

std::optional<HttpResponse> get_here(const Front& front, const Call& call);
std::optional<HttpResponse> list_here(const Front& front, const Call& call);
// What the call makes of the object that is published at present, of a kind that is stored as it is shown. A PUT's has been read
// (`decoded`). They throw ApiError, which need not be what the executor will say.
void draft_patch(const Front& front, Call& call, EntryRef entry);
void draft_put(const Front& front, Call& call, EntryRef entry);

// -- What they share

// The request as a write on behalf of the caller. Throws 400 for a fence that cannot be read.
WriteRequest write_request(Call& call, std::string manager, bool dry_run);

// The object that the request carries; it may have been read before. Once.
Task<api::Object> object_of(Core& core, Call& call, const WriteOptions& options);

// Where nobody makes tables: takes the next form that would do. 406 when there is none.
void without_tables(Call& call);

// 400 when the object's namespace is not the request's; an absent one is filled in.
void match_namespace(const Call& call, api::Object& object);
// 400 when the object's name is not the URL's.
void match_name(const Call& call, const api::Object& object);

// Waits until the cache has seen `revision`; 504 when that takes too long, or longer than the call may.
Task<void> wait_for_revision(Core& core, const Call& call, WatchCache& cache, Revision revision);

}  // namespace ph::apiserver
