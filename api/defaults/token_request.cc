// authentication.k8s.io/v1 TokenRequest.
#include "api/defaults/defaults.h"

namespace ph::api {

void set_defaults(authentication::v1::TokenRequest& request) {
  if (!request.spec().has_expiration_seconds()) request.mutable_spec()->set_expiration_seconds(3600);
}

}  // namespace ph::api
