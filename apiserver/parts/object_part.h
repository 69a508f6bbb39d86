// Parts whose PUT and PATCH take the whole object, and change some of it.
#pragma once

#include <functional>

#include "apiserver/rest/core.h"
#include "base/task.h"

namespace ph::apiserver {

// The object as it is to be: `stored`, with what this part is about from `wanted`. Throws ApiError. The revision and the UID that
// `wanted` names are judged by the caller.
using MakePart = std::function<api::Object(const api::Object& stored, const api::Object& wanted)>;

Task<HttpResponse> update_part(Core& core, Call& call, MakePart make);
Task<HttpResponse> patch_part(Core& core, Call& call, MakePart make);

}  // namespace ph::apiserver
