// Which address a load balancer of the provider `local` gets. Pure: who has which is told by the services themselves.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "controllers/cloud/local_config.h"
#include "controllers/runtime/loop.h"

namespace ph::controllers::cloud {

// Annotations of services. Those with the same key may have an address in common, as long as none of their ports is the same.
inline constexpr const char* kSharingKey = "pilothouse.io/load-balancer-sharing-key";
// The addresses it is to have, one a family, with a comma between them; before spec.loadBalancerIP.
inline constexpr const char* kWantedAddresses = "pilothouse.io/load-balancer-ips";
// The pool they are to be of.
inline constexpr const char* kWantedPool = "pilothouse.io/load-balancer-pool";

class AddressBook {
 public:
  using Service = core::v1::Service;
  // All services that have an address, or have been promised it.
  using Holders = std::function<std::vector<Ref<Service>>(const std::string& address)>;

  // Throws ConfigError (check_pools).
  explicit AddressBook(std::vector<Pool> pools);

  // Addresses for a service, one of each of its families, or of the first when it only prefers to have both. What it asks for by name it
  // gets or nothing; `present` it keeps, as far as it may have them; else the first that is free, or that it may share.
  std::expected<std::vector<std::string>, std::string> choose(const Service& service, const std::vector<std::string>& present,
                                                              const Holders& holders) const;

 private:
  std::expected<std::string, std::string> named(const Service& service, const std::string& address, const Holders& holders) const;
  std::string kept(const Service& service, bool v6, const std::vector<std::string>& present, const Holders& holders) const;
  std::string next(const Service& service, bool v6, const Holders& holders) const;
  bool is_ours(const Service& service, const api::Address& address) const;
  std::vector<const Pool*> pools_for(const Service& service) const;

  std::vector<Pool> pools_;
};

// Whether two services may have an address in common.
bool may_share(const core::v1::Service& a, const core::v1::Service& b);

}  // namespace ph::controllers::cloud
