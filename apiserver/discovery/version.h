// /version, and what this program says it is.
#pragma once

#include <string>

#include "apiserver/extensions.h"

namespace ph::apiserver {

inline constexpr std::string_view kGitVersion = "v1.36.2+pilothouse";

class VersionHandler final : public PathHandler {
 public:
  Task<std::optional<HttpResponse>> try_handle(const HttpRequest& request, const Identity& user) override;
};

}  // namespace ph::apiserver
