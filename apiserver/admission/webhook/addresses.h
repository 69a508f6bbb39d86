// Where a webhook is reached: at the address of its URL, or at that of its service.
#pragma once

#include <functional>
#include <span>
#include <stdexcept>
#include <string>

#include "api/kinds.h"
#include "apiserver/access.h"
#include "apiserver/admission/webhook/transports.h"
#include "base/rng.h"

namespace ph::apiserver::webhook {

// Why there is none, in upstream's words.
class NoAddress : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What a webhook's configuration calls it.
struct Place {
  std::string host;        // "host", "host:port", "name.namespace.svc:port": as requests name it
  std::string path;        // "/", or "/below" without a slash at its end
  std::string token = {};  // that is shown; empty: none
};
Place place_of(const admissionregistration::v1::WebhookClientConfig& client);

using Slices = std::vector<std::unique_ptr<discovery::v1::EndpointSlice>>;

// "10.0.0.1:443": the service's own address, where a proxy of the cluster sends it on. Throws NoAddress.
std::string cluster_address(const core::v1::Service& service, std::int32_t port);
// The address of one of those who answer for it and are ready: of the one that `pick` chooses among so many. Throws NoAddress.
std::string endpoint_address(const core::v1::Service& service, std::int32_t port, const Slices& slices,
                             const std::function<std::size_t(std::size_t)>& pick);

// Finds them. Belongs to the server's executor; the references outlive it.
class Addresses {
 public:
  // `endpoints`: services are asked at their endpoints, as on a machine whose packets no proxy of the cluster handles.
  Addresses(ObjectReader& reader, Rng& rng, bool endpoints) : reader_(reader), rng_(rng), endpoints_(endpoints) {}
  // Throws NoAddress.
  WebhookAddress find(const admissionregistration::v1::WebhookClientConfig& client) const;

 private:
  std::string of_service(const admissionregistration::v1::ServiceReference& service) const;

  ObjectReader& reader_;
  Rng& rng_;
  const bool endpoints_;
};

}  // namespace ph::apiserver::webhook
