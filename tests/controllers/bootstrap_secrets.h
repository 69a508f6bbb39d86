// Bootstrap tokens as kubeadm makes them.
#pragma once

#include <string>

#include "api/kinds.h"

namespace ph::controllers {

// bootstrap-token-<id> in kube-system, for signing; its secret is "0123456789abcdef". No expiration: it is left out.
inline core::v1::Secret bootstrap_secret(const std::string& id, const std::string& expiration) {
  core::v1::Secret secret;
  secret.mutable_metadata()->set_namespace_("kube-system");
  secret.mutable_metadata()->set_name("bootstrap-token-" + id);
  secret.set_type("bootstrap.kubernetes.io/token");
  auto& data = *secret.mutable_data();
  data["token-id"] = id;
  data["token-secret"] = "0123456789abcdef";
  data["usage-bootstrap-signing"] = "true";
  data["usage-bootstrap-authentication"] = "true";
  if (!expiration.empty()) data["expiration"] = expiration;
  return secret;
}

}  // namespace ph::controllers
