// Secrets that hold a token of a service account, as they were made for each account until 1.24: type kubernetes.io/service-account-token.
#pragma once

#include <string>
#include <string_view>

#include "controllers/runtime/loop.h"
#include "informers/selected.h"

namespace ph::controllers {

inline constexpr const char* kTokenSecretType = "kubernetes.io/service-account-token";
inline constexpr const char* kAccountName = "kubernetes.io/service-account.name";  // annotations of such a Secret
inline constexpr const char* kAccountUid = "kubernetes.io/service-account.uid";

struct OfTokens {
  static std::string fields() { return std::string("type=") + kTokenSecretType; }
};
// Informers of it hold no other Secret.
using TokenSecret = informers::Selected<core::v1::Secret, OfTokens>;

// Of the object's annotations or labels: a map of texts. Empty: there is none.
template <class Map>
std::string text_at(const Map& map, const char* key) {
  const auto found = map.find(key);
  return found == map.end() ? std::string() : found->second;
}

// Whose token it is by its annotations; the name is empty when they do not say.
inline ObjectKey account_of(const core::v1::Secret& secret) {
  return {secret.metadata().namespace_(), text_at(secret.metadata().annotations(), kAccountName)};
}
// Whether it is one of that account's, by name, and by UID where it names one.
inline bool is_token_of(const core::v1::Secret& secret, const core::v1::ServiceAccount& account) {
  const std::string uid = text_at(secret.metadata().annotations(), kAccountUid);
  return account_of(secret) == key_of(account) && (uid.empty() || uid == account.metadata().uid());
}

// Whether the account names it among its secrets.
inline bool names_secret(const core::v1::ServiceAccount& account, std::string_view secret) {
  return std::ranges::any_of(account.secrets(), [&](const auto& each) { return each.name() == secret; });
}

}  // namespace ph::controllers
