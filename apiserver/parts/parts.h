// What is done through a sub-resource that is more than a piece of its object: one file a part, a line a verb in parts.def.
#pragma once

#include <string_view>

#include "apiserver/rest/core.h"
#include "base/task.h"

namespace ph::apiserver {

// Each answers one call; the core and the call outlive the task. All throw ApiError.
using Verb = Task<HttpResponse> (*)(Core& core, Call& call);

#define PART(resource, part, verb, handler) Task<HttpResponse> handler(Core& core, Call& call);
#include "apiserver/parts/parts.def"
#undef PART

// `resource`: "pods", "deployments.apps". Null when the part has no such verb, or is none of these.
Verb part_verb(std::string_view resource, std::string_view part, std::string_view verb);

// How requests for a part show the object, when that is neither the object nor something of their own.
struct PartView {
  api::Object (*show)(const api::Resource& resource, const api::Object& object);
  // The object with what the part says now.
  api::Object (*take)(const api::Resource& resource, const api::Object& object, const api::Object& part);
};
// Null: as the object.
const PartView* part_view(std::string_view part);

// The view of …/scale.
extern const PartView kScaleView;

}  // namespace ph::apiserver
