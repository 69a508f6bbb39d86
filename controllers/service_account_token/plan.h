// What is in a token Secret: pure functions, no I/O.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "controllers/common/token_secrets.h"

namespace ph::controllers::service_account_token {

// A Secret and whose token it was when that was said: it is to be known when the Secret is gone.
struct Subject {
  std::string secret, account, account_uid;
};
// Slashes, which no name has, stand between them.
ObjectKey key_for(const core::v1::Secret& secret);
Subject subject_of(const ObjectKey& key);

// Whether something is missing, or is another apiserver's authority. Without an `authority` none is wanted.
bool lacks_something(const core::v1::Secret& secret, std::string_view authority);

// What the token says: names of the account and the Secret, no end, no audience.
std::string claims(const core::v1::ServiceAccount& account, const core::v1::Secret& secret);

// `secret` with what it lacks, and whose token it is.
core::v1::Secret filled(core::v1::Secret secret, const core::v1::ServiceAccount& account, const std::string& authority,
                        const std::function<std::string(std::string_view)>& sign);

// `account` without its references to that Secret; nothing when it has none.
std::optional<core::v1::ServiceAccount> without_reference(core::v1::ServiceAccount account, const std::string& secret);

}  // namespace ph::controllers::service_account_token
