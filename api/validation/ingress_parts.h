// What Ingress and IngressClass share.
#pragma once

#include "api/validation/validation.h"

namespace ph::api {

// Group, kind and name of an object, in messages of several types.
template <class Reference>
void check_typed_reference(const Reference& reference, const Path& path, Errors& errors) {
  if (reference.has_api_group()) check_subdomain(reference.api_group(), path.member("apiGroup"), errors);
  check_path_segment_text(reference.kind(), path.member("kind"), errors);
  check_path_segment_text(reference.name(), path.member("name"), errors);
}

}  // namespace ph::api
