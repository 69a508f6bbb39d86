// Sends reviews to webhooks and brings back what they answer.
#pragma once

#include <memory>
#include <string>

#include "apiserver/admission/webhook/addresses.h"
#include "apiserver/admission/webhook/open_transports.h"
#include "apiserver/admission/webhook/review.h"

namespace ph::apiserver::webhook {

// There was no good answer. In words that follow on `failed to call webhook: `.
class FailedCall : public BadAnswer {
 public:
  // `status`: of what was answered; 0: nothing was.
  FailedCall(const std::string& why, int status) : BadAnswer(why), status(status) {}
  const int status;
};

// The URL of a call, as messages show it.
std::string url_of(const Place& place, Duration limit);

// Belongs to the server's executor. Connections are kept from one call to the next.
class Caller {
 public:
  // `transports` may be empty: then nobody can be reached.
  explicit Caller(WebhookTransports transports) : open_(std::move(transports)) {}
  // The body of a good answer. Throws BadAnswer; FailedCall, also when there is none within `limit`. The caller outlives its tasks.
  Task<std::string> post(WebhookAddress address, Place place, std::string body, Duration limit);

 private:
  OpenTransports open_;
};

}  // namespace ph::apiserver::webhook
