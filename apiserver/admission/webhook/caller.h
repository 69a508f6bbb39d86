// Sends reviews to webhooks and brings back what they answer.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "apiserver/admission/webhook/addresses.h"
#include "apiserver/admission/webhook/transports.h"

namespace ph::apiserver::webhook {

// The URL of a call, as messages show it.
std::string url_of(const Place& place, Duration limit);

// Belongs to the server's executor. Connections are kept from one call to the next.
class Caller {
 public:
  // `transports` may be empty: then nobody can be reached.
  explicit Caller(WebhookTransports transports) : transports_(std::move(transports)) {}
  // The body of a good answer. Throws BadAnswer, also when there is none within `limit`. The caller outlives its tasks.
  Task<std::string> post(WebhookAddress address, Place place, std::string body, Duration limit);

 private:
  std::shared_ptr<Transport> transport_to(const WebhookAddress& address);

  const WebhookTransports transports_;
  std::map<WebhookAddress, std::shared_ptr<Transport>> open_;
};

}  // namespace ph::apiserver::webhook
