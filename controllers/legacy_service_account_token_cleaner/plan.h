// Which tokens nobody uses any more: pure functions, no I/O.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "controllers/common/token_secrets.h"

namespace ph::controllers::legacy_service_account_token_cleaner {

inline constexpr const char* kLastUsed = "kubernetes.io/legacy-token-last-used";  // labels, with a day in UTC
inline constexpr const char* kInvalidSince = "kubernetes.io/legacy-token-invalid-since";

// Since when every use has been noted for sure: the end of the day that the server's ConfigMap names. Nothing: it names none.
std::optional<Time> tracked_since(const core::v1::ConfigMap& tracking);

// Made before, and not used within `period`, as far as its labels say. One whose labels cannot be read may have been.
bool is_unused(const core::v1::Secret& secret, Time now, Duration period);

// Made by the control plane, not by hand: then the account it is for names it.
bool is_generated(const core::v1::Secret& secret, const core::v1::ServiceAccount& account);

// What becomes of one that is unused, generated and mounted by no pod: it is said to be invalid; after `period` of that it goes.
enum class Verdict { Stays, BecomesInvalid, Goes };
Verdict judge(const core::v1::Secret& secret, Time now, Duration period);

// A merge patch that says so, pinned to the UID and revision.
std::string invalid_patch(const core::v1::Secret& secret, Time now);

// The Secrets that a pod names, wherever it may.
std::set<std::string> secrets_of(const core::v1::PodSpec& pod);

}  // namespace ph::controllers::legacy_service_account_token_cleaner
