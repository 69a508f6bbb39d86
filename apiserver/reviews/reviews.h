// The resources that answer questions about access and store nothing. One factory each; what they are given must outlive
// them.
#pragma once

#include <memory>

#include "apiserver/access.h"
#include "apiserver/authn/service_account_tokens.h"
#include "apiserver/authn/token_source.h"
#include "base/rng.h"

namespace ph::apiserver {

// authorization.k8s.io
std::unique_ptr<VirtualResource> subject_access_review(Authorizer& authorizer);
std::unique_ptr<VirtualResource> self_subject_access_review(Authorizer& authorizer);
std::unique_ptr<VirtualResource> local_subject_access_review(Authorizer& authorizer);
std::unique_ptr<VirtualResource> self_subject_rules_review(Authorizer& authorizer);

// authentication.k8s.io
std::unique_ptr<VirtualResource> self_subject_review(const Clock& clock);
std::unique_ptr<VirtualResource> token_review(TokenSources& tokens);
// serviceaccounts/token. `extend`: tokens that a kubelet mounts are good for a year, and say from when on they should not
// be needed any more.
std::unique_ptr<VirtualResource> token_request(ServiceAccountTokens& tokens, ObjectReader& reader, const Clock& clock, Rng& rng,
                                               bool extend = true);

}  // namespace ph::apiserver
