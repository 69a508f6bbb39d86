// Token Secrets and the accounts they are for.
#pragma once

#include <map>
#include <string>

#include "controllers/common/token_secrets.h"

namespace ph::controllers {

inline core::v1::ServiceAccount make_account(const std::string& key, const std::vector<std::string>& secrets = {}) {
  core::v1::ServiceAccount out;
  const ObjectKey parsed = ObjectKey::parse(key);
  out.mutable_metadata()->set_namespace_(parsed.namespace_name);
  out.mutable_metadata()->set_name(parsed.name);
  for (const std::string& name : secrets) out.add_secrets()->set_name(name);
  return out;
}

inline core::v1::Secret make_token_secret(const std::string& key, const std::string& account,
                                          const std::map<std::string, std::string>& labels = {}) {
  core::v1::Secret out;
  const ObjectKey parsed = ObjectKey::parse(key);
  out.mutable_metadata()->set_namespace_(parsed.namespace_name);
  out.mutable_metadata()->set_name(parsed.name);
  out.set_type(kTokenSecretType);
  (*out.mutable_metadata()->mutable_annotations())[kAccountName] = account;
  for (const auto& [key, value] : labels) (*out.mutable_metadata()->mutable_labels())[key] = value;
  return out;
}

}  // namespace ph::controllers
