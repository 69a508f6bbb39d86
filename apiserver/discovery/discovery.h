// Answers /api, /apis, /api/v1, /apis/GROUP and /apis/GROUP/VERSION in JSON, YAML and protobuf, and /api and /apis in the
// aggregated form to clients that ask for it.
#pragma once

#include <map>
#include <string>

#include "apiserver/discovery/document.h"
#include "apiserver/discovery/groups.h"
#include "apiserver/extensions.h"

namespace ph::apiserver {

class DiscoveryHandler final : public PathHandler {
 public:
  // `reader` must outlive it. `server_address`: what /api tells clients to use; may be empty. Foreign groups come after those that the
  // server serves itself.
  DiscoveryHandler(const ObjectReader& reader, std::string server_address, ForeignGroups foreign = {});

  Task<std::optional<HttpResponse>> try_handle(const HttpRequest& request, const Identity& user) override;

 private:
  const Document* find(const std::string& path, const HttpRequest& request);

  const ObjectReader& reader_;
  std::string server_address_;
  const ForeignGroups foreign_;
  api::Scheme scheme_;                    // which `made_` is of
  std::map<std::string, Document> made_;  // by path and form
};

}  // namespace ph::apiserver
