#include "apiserver/discovery/root_paths.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "api/codec.h"

namespace ph::apiserver {

std::vector<std::string> discovery_paths(Resources resources) {
  std::set<std::string> paths{"/api", "/api/v1", "/apis", "/apis/"};
  for (const api::Resource& resource : resources) {
    if (resource.kind.group.empty()) continue;
    paths.insert("/apis/" + resource.kind.group);
    paths.insert("/apis/" + resource.kind.api_version());
  }
  return {paths.begin(), paths.end()};
}

RootPathsHandler::RootPathsHandler(const ObjectReader& reader, std::vector<std::string> paths)
    : reader_(reader), paths_(std::move(paths)) {}

Task<std::optional<HttpResponse>> RootPathsHandler::try_handle(const HttpRequest& request, const Identity&) {
  if (request.path() != "/" && request.path() != "/index.html") co_return std::nullopt;
  std::vector<std::string> paths = discovery_paths(reader_.scheme().resources());
  std::ranges::copy(paths_, std::back_inserter(paths));
  std::ranges::sort(paths);
  meta::v1::RootPaths list;
  for (std::string& path : paths) list.add_paths(std::move(path));
  HttpResponse response;
  response.headers.add("Content-Type", "application/json");
  response.body.push_back(share(api::encode_json(list, api::JsonStyle::Pretty)));
  co_return response;
}

}  // namespace ph::apiserver
