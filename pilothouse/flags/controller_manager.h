// kube-controller-manager's flags.
#pragma once

#include <map>
#include <string>

#include "controllers/runtime/options.h"
#include "daemon/common_flags.h"
#include "daemon/server_access.h"
#include "pilothouse/flags/cluster_signing.h"

namespace ph::pilothouse {

struct ControllerManagerOptions {
  daemon::AccessOptions access;
  daemon::ServingOptions serving{.secure_port = 10257};
  election::ElectionOptions election{.resource_name = "kube-controller-manager"};
  daemon::LogOptions log;
  controllers::Options controllers;
  std::map<std::string, std::string> gates;
  bool use_service_account_credentials = false;
  bool hardened = false;                         // flags/hardened.h
  std::string root_ca_file;                      // empty: the authority of the kubeconfig
  std::string service_account_private_key_file;  // empty: Secrets get no tokens
  std::string cloud_provider, cloud_config;      // a name and a file; empty: there is no cloud
  std::string forward_load_balancers;            // an address, or "own"; empty: nothing is forwarded
  ClusterSigningFiles cluster_signing;
};

// The options must outlive the set.
void add_flags(daemon::FlagSet& flags, ControllerManagerOptions& options);
// Throws FlagError for what the flags' types did not catch.
void check(const ControllerManagerOptions& options);
// What the gates say of the loops, into `controllers`.
void apply_gates(ControllerManagerOptions& options);

}  // namespace ph::pilothouse
