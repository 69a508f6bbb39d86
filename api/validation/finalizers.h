// Names of finalizers that are neither Kubernetes' own nor have a domain.
#pragma once

#include "api/rules.h"
#include "api/schema.h"

namespace ph::api {

// Upstream refuses them where it judges a kind's metadata together with the kind, and not where the generic rules alone do.
void check_finalizer_names(const Resource& resource, const meta::v1::ObjectMeta& metadata, const Path& path, Errors& errors);

}  // namespace ph::api
