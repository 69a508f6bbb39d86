// What a request to apply brings, and what it is laid over.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "api/patch/apply.h"
#include "apiserver/rest/core.h"
#include "apiserver/rest/options.h"
#include "base/task.h"

namespace ph::apiserver {

class Applying {
 public:
  // Reads the body of a call, which outlives it. Throws ApiError (400).
  static Task<Applying> read(Core& core, const Call& call, const WriteOptions& options);

  // What becomes of an object of this schema, null when there is none yet, in the version the request speaks; it is named and
  // placed as the request says. What is odd about the body goes to `warnings`, or is refused (400). Looks at nothing that
  // changes.
  api::Object over(const api::Schema& schema, const api::Object* live, std::vector<std::string>& warnings) const;

 private:
  Applying(const Core& core, const Call& call, const WriteOptions& options);
  void read_body();

  const Call& call_;
  std::shared_ptr<const nlohmann::json> config_;
  api::Application application_;
  api::AsVersion as_version_;
  Time now_;
  api::Unknown unknown_;
  std::vector<std::string> duplicates_;
};

}  // namespace ph::apiserver
