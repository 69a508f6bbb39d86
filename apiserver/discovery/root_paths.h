// The list of paths at /.
#pragma once

#include <string>
#include <vector>

#include "apiserver/discovery/groups.h"
#include "apiserver/extensions.h"

namespace ph::apiserver {

// Those of groups and versions; others are added by who answers them.
std::vector<std::string> discovery_paths(Resources resources);

class RootPathsHandler final : public PathHandler {
 public:
  // `reader` must outlive it. `paths`: those besides discovery's.
  RootPathsHandler(const ObjectReader& reader, std::vector<std::string> paths);
  Task<std::optional<HttpResponse>> try_handle(const HttpRequest& request, const Identity& user) override;

 private:
  const ObjectReader& reader_;
  std::vector<std::string> paths_;
};

}  // namespace ph::apiserver
