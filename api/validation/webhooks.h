// What the kinds that name webhooks share.
#pragma once

#include "api/validation/validation.h"

namespace ph::api {

void check_webhook_url(const std::string& text, const Path& path, Errors& errors);
// The path of a URL below a service: segments are subdomains.
void check_webhook_path(const std::string& text, const Path& path, Errors& errors);
void check_webhook_port(std::int32_t port, const Path& path, Errors& errors);
// That one of them is a version this server would speak. There is at least one.
void check_review_versions(const google::protobuf::RepeatedPtrField<std::string>& versions, const Path& path, Errors& errors);

}  // namespace ph::api
