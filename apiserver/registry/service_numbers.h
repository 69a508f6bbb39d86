// The cluster addresses and node ports of services: who has which, and how a write takes and gives them back.
//
// Each number in use has a key of its own in the store, written and removed in the transaction of its service, so that two
// writers can never take the same one; memory only says which are worth trying. An address has an IPAddress besides, that says whose
// it is; one that somebody else has made keeps the address from services.
//
// Addresses come of the ranges that the server was started with; of those that ServiceCIDR objects add when they are asked for, or when
// the first are all taken.
#pragma once

#include <optional>
#include <string_view>

#include "api/kinds.h"
#include "apiserver/registry/ip_range.h"
#include "apiserver/registry/resource_rules.h"
#include "apiserver/server.h"

namespace ph::apiserver {

class ServiceNumbers {
 public:
  explicit ServiceNumbers(const ServerOptions& options);

  // The families that the cluster has addresses of, the first one its own.
  std::vector<std::string_view> families() const;

  // What the stored service has.
  void adopt(const core::v1::Service& service);

  // Make the service have what its type needs; throw ApiError (422) when a wanted number is taken or out of range, or
  // none is left. What the service already had (`old`, may be null) is kept. One address of each of its families, in their order.
  void take_addresses(WriteContext& context, core::v1::Service& service, const core::v1::Service* old);
  void take_ports(WriteContext& context, core::v1::Service& service, const core::v1::Service* old);
  // Gives back what `old` has and `service` (null: removed) has not.
  void release_unused(WriteContext& context, const core::v1::Service* service, const core::v1::Service& old);

 private:
  // Of one family.
  struct Addresses {
    IpRange range;
    NumberPool pool;  // by offset
  };

  Addresses* addresses_of(std::string_view family);
  void take_address(WriteContext& context, core::v1::Service& service, int at, Addresses& addresses);
  std::optional<std::uint32_t> pick_address(WriteContext& context, const Addresses& addresses) const;
  void reserve_address(WriteContext& context, Addresses& addresses, std::uint32_t offset, const core::v1::Service& owner);
  // Of ranges that were added.
  static std::string pick_added(WriteContext& context, const core::v1::Service& service, std::string_view family);
  static void take_added(WriteContext& context, const core::v1::Service& service, const std::string& wanted,
                         const Addresses& addresses);
  static void reserve_added(WriteContext& context, const std::string& address, const core::v1::Service& owner);
  void release_address(WriteContext& context, const std::string& address);
  int pick_port(WriteContext& context, const core::v1::Service& service, const std::string& field);
  void take_port(WriteContext& context, const core::v1::Service& service, int port, const std::string& field);
  // False when the address is, or was a moment ago, somebody's.
  static bool is_free(const WriteContext& context, const std::string& address);
  std::string port_key(std::uint32_t port) const;
  static bool is_refused(const WriteContext& context, const NumberPool& pool, std::uint32_t number, const std::string& key);
  void reserve(WriteContext& context, NumberPool& pool, std::uint32_t number, std::string key, const core::v1::Service& owner);
  void release(WriteContext& context, NumberPool& pool, std::uint32_t number, std::string key);

  std::vector<Addresses> addresses_;  // one, or one of each family; as many as there were at first
  std::uint32_t port_min_, port_max_;
  NumberPool ports_;
};

// What says that the service has the address.
std::unique_ptr<networking::v1::IPAddress> ip_address_of(const std::string& address, const core::v1::Service& owner);

// What a service of this type has.
bool has_cluster_ip(const core::v1::Service& service);                   // an address of the range, not None
std::vector<std::string> cluster_ips(const core::v1::Service& service);  // all of these
bool needs_cluster_ip(const core::v1::Service& service);
bool needs_node_ports(const core::v1::Service& service);
bool needs_health_check_port(const core::v1::Service& service);

}  // namespace ph::apiserver
