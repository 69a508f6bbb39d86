// What the file of --cloud-config says to the provider `local`. Pure.
//
//   loadBalancer:
//     pools:
//     - name: public                # by default "default"
//       addresses: [192.0.2.0/28, 192.0.2.32-192.0.2.40, "2001:db8::/120"]
//       autoAssign: true            # false: for services that name the pool or an address of it
//   region: here                    # of machines that say no other
//   zone: a
//   instances:                      # without it every node is a machine of the cloud, by its name
//   - name: node-0
//     type: small
//     zone: b
//     region: there
//     addresses: [{type: InternalIP, address: 10.0.0.1}]
//     shutdown: true
#pragma once

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/addresses.h"

namespace ph::controllers::cloud {

// Both ends included; of one family.
struct Addresses {
  api::Address first, last;

  bool contains(const api::Address& address) const;
};
// "192.0.2.0/28" (all addresses of it), "192.0.2.32-192.0.2.40", or one address. Throws ConfigError.
Addresses read_addresses(std::string_view text);

struct Pool {
  std::string name = "default";
  std::vector<Addresses> addresses;
  bool auto_assign = true;
};

struct Machine {
  std::string type, zone, region;
  std::vector<std::pair<std::string, std::string>> addresses;  // type and address
  bool is_shut_down = false;
};

struct LocalConfig {
  std::vector<Pool> pools;
  std::string zone, region;
  std::optional<std::map<std::string, Machine>> instances;  // by node name; nothing: every node is one
};

class ConfigError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

// Of YAML or JSON. Throws ConfigError, which says where: for what cannot be read, for fields that are unknown or of another type, and for
// pools that have an address in common.
LocalConfig read_local_config(std::string_view text);
// Throws ConfigError when two pools have a name or an address in common.
void check_pools(const std::vector<Pool>& pools);

}  // namespace ph::controllers::cloud
