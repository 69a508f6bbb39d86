// What the audit is told of a webhook's part in a request. Without a trail nothing is.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "apiserver/access.h"
#include "apiserver/admission/webhook/hooks.h"

namespace ph::apiserver::webhook {

// What the webhook itself says, under its name.
void annotate(const AdmissionRequest& request, const Hook& hook, const std::map<std::string, std::string>& annotations);
// `index`: the place of the webhook among all. Whether it has changed the object; the patch, at the level Request.
void annotate_mutation(const AdmissionRequest& request, const Hook& hook, std::size_t index, bool changed);
void annotate_patch(const AdmissionRequest& request, const Hook& hook, std::size_t index, const std::string& patch);
// It could not be asked, and the request has passed all the same.
void annotate_failure(const AdmissionRequest& request, const Hook& hook, std::size_t index, bool mutating);

}  // namespace ph::apiserver::webhook
