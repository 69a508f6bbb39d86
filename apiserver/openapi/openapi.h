// Answers /openapi/v2 and /openapi/v3. The documents are made when first asked for, where bodies are rendered, not on the
// server's executor; from then on they are kept with their ETags.
#pragma once

#include <memory>

#include "apiserver/discovery/groups.h"
#include "apiserver/extensions.h"

namespace ph::apiserver {

class OpenApiCatalog;

class OpenApiHandler final : public PathHandler {
 public:
  // `reader` must outlive it.
  explicit OpenApiHandler(const ObjectReader& reader);
  ~OpenApiHandler() override;

  Task<std::optional<HttpResponse>> try_handle(const HttpRequest& request, const Identity& user) override;

 private:
  const ObjectReader& reader_;
  std::shared_ptr<OpenApiCatalog>
      catalog_;  // of the scheme it was asked for last; shared with answers that are still to be rendered
};

}  // namespace ph::apiserver
