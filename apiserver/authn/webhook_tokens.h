// Tokens that somebody else knows: he is sent a TokenReview. Reference: "Webhook Token Authentication".
#pragma once

#include <memory>

#include "apiserver/authn/outside.h"
#include "apiserver/authn/token_source.h"
#include "base/rng.h"

namespace ph::apiserver {

struct TokenWebhook {
  WebhookAddress address;
  std::string host, path = "/";
  std::string bearer;               // what we show him in turn; empty: nothing
  std::string version = "v1beta1";  // of the TokenReview: v1 or v1beta1
  Duration cache_ttl = std::chrono::minutes(2);
};

// The references outlive it.
std::unique_ptr<TokenSource> webhook_token_source(const Clock& clock, Rng& rng, WebhookTransports transports,
                                                  TokenWebhook webhook, Audiences api_audiences);

// What an answer says; throws NoAnswer when it is none. For `audiences`; one that names none is for the API's own.
TokenVerdict read_token_review(const std::string& body, std::string_view version, const Audiences& audiences,
                               const Audiences& api_audiences);

}  // namespace ph::apiserver
