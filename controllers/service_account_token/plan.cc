#include "controllers/service_account_token/plan.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace ph::controllers::service_account_token {
namespace {

using core::v1::Secret;
using core::v1::ServiceAccount;

constexpr const char *kAuthority = "ca.crt", *kSpace = "namespace", *kToken = "token";

struct Lacks {
  bool authority = false, space = false, token = false;
};

Lacks lacks(const Secret& secret, std::string_view authority) {
  return {.authority = !authority.empty() && text_at(secret.data(), kAuthority) != authority,
          .space = text_at(secret.data(), kSpace).empty(),
          .token = text_at(secret.data(), kToken).empty()};
}

}  // namespace

ObjectKey key_for(const Secret& secret) {
  return {secret.metadata().namespace_(),
          secret.metadata().name() + "/" + account_of(secret).name + "/" + text_at(secret.metadata().annotations(), kAccountUid)};
}

Subject subject_of(const ObjectKey& key) {
  const std::size_t first = std::min(key.name.find('/'), key.name.size());
  const std::size_t second = std::min(key.name.find('/', first + 1), key.name.size());
  const auto part = [&](std::size_t from, std::size_t to) {
    return from < to ? key.name.substr(from, to - from) : std::string();
  };
  return {.secret = part(0, first), .account = part(first + 1, second), .account_uid = part(second + 1, key.name.size())};
}

bool lacks_something(const Secret& secret, std::string_view authority) {
  const Lacks what = lacks(secret, authority);
  return what.authority || what.space || what.token;
}

std::string claims(const ServiceAccount& account, const Secret& secret) {
  const std::string &space = account.metadata().namespace_(), &name = account.metadata().name();
  return nlohmann::json{{"iss", "kubernetes/serviceaccount"},
                        {"kubernetes.io/serviceaccount/namespace", space},
                        {"kubernetes.io/serviceaccount/secret.name", secret.metadata().name()},
                        {"kubernetes.io/serviceaccount/service-account.name", name},
                        {"kubernetes.io/serviceaccount/service-account.uid", account.metadata().uid()},
                        {"sub", "system:serviceaccount:" + space + ":" + name}}
      .dump();
}

Secret filled(Secret secret, const ServiceAccount& account, const std::string& authority,
              const std::function<std::string(std::string_view)>& sign) {
  const Lacks what = lacks(secret, authority);
  auto& data = *secret.mutable_data();
  if (what.authority) data[kAuthority] = authority;
  if (what.space) data[kSpace] = secret.metadata().namespace_();
  if (what.token) data[kToken] = sign(claims(account, secret));
  auto& annotations = *secret.mutable_metadata()->mutable_annotations();
  annotations[kAccountName] = account.metadata().name();
  annotations[kAccountUid] = account.metadata().uid();
  return secret;
}

std::optional<ServiceAccount> without_reference(ServiceAccount account, const std::string& secret) {
  auto& secrets = *account.mutable_secrets();
  const int before = secrets.size();
  for (int i = before - 1; i >= 0; --i) {
    if (secrets[i].name() == secret) secrets.DeleteSubrange(i, 1);
  }
  if (secrets.size() == before) return std::nullopt;
  return account;
}

}  // namespace ph::controllers::service_account_token
