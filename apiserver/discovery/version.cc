#include "apiserver/discovery/version.h"

#include <fmt/format.h>

namespace ph::apiserver {

namespace {

#if defined(__aarch64__)
constexpr std::string_view kPlatform = "linux/arm64";
#else
constexpr std::string_view kPlatform = "linux/amd64";
#endif

std::string version_json() {
  // No commit and no date: the same sources make the same program. There is no Go in it either, but clients that were
  // written in Go expect the member.
  return fmt::format(
      R"({{
  "major": "1",
  "minor": "36",
  "emulationMajor": "1",
  "emulationMinor": "36",
  "minCompatibilityMajor": "1",
  "minCompatibilityMinor": "35",
  "gitVersion": "{}",
  "gitCommit": "",
  "gitTreeState": "clean",
  "buildDate": "1970-01-01T00:00:00Z",
  "goVersion": "",
  "compiler": "clang",
  "platform": "{}"
}})",
      kGitVersion, kPlatform);
}

}  // namespace

Task<std::optional<HttpResponse>> VersionHandler::try_handle(const HttpRequest& request, const Identity&) {
  if (request.path() != "/version" && request.path() != "/version/") co_return std::nullopt;
  static const SharedBytes kBody = share(version_json());
  HttpResponse response;
  response.headers.add("Content-Type", "application/json");
  response.headers.add("Cache-Control", "no-cache, private");
  response.body.push_back(kBody);
  co_return response;
}

}  // namespace ph::apiserver
