// AwaitedVersions: the versions of an object, where somebody outside may have to make them (a conversion webhook).
#pragma once

#include "apiserver/access.h"
#include "base/soon.h"

namespace ph::apiserver {

// What a write gives its plugins as AdmissionRequest::versions. Who asks for a version awaits these before.
class AwaitedVersions : public ObjectVersions {
 public:
  // Before `shown`, and before `stored`. What they are given outlives the wait. Throws ApiError: it cannot be converted.
  virtual Soon<> before_shown(const api::Object& stored, const api::Resource& as) const = 0;
  virtual Soon<> before_stored(const api::Object& shown, const api::Resource& as) const = 0;
};

// Null: nothing has to be awaited.
inline const AwaitedVersions* awaited_versions(const AdmissionRequest& request) {
  return dynamic_cast<const AwaitedVersions*>(request.versions);
}

}  // namespace ph::apiserver
