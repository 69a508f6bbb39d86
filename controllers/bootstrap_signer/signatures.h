// The signatures that cluster-info carries: pure functions, no I/O.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/common/bootstrap_tokens.h"

namespace ph::controllers::bootstrap_signer {

// A JWS (RFC 7515) over `content` in its compact form, HS256 with the token's secret, the content left out: "header..signature".
std::string detached_signature(std::string_view content, std::string_view token_id, std::string_view token_secret);

// May it sign now? Its name is bootstrap-token-<id>, it was made for signing, has a secret, and has not expired.
bool may_sign(const BootstrapToken& token, Time now);

// `info` with a signature of its kubeconfig for each token that may sign, and no other signature. Nothing when it is so
// already, or has no kubeconfig.
std::optional<core::v1::ConfigMap> signed_info(const core::v1::ConfigMap& info, const std::vector<Ref<BootstrapToken>>& tokens,
                                               Time now);

// When the next of the tokens that sign expires.
std::optional<Time> next_expiry(const std::vector<Ref<BootstrapToken>>& tokens, Time now);

}  // namespace ph::controllers::bootstrap_signer
