// kube-apiserver's flags, and a few of our own: --data-dir, --store, --io-threads, --crd-ignore-cel.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "apiserver/server.h"
#include "apiserver/standard.h"
#include "daemon/common_flags.h"
#include "pilothouse/options.h"

namespace ph::pilothouse {

struct ApiServerProgramOptions {
  std::string data_dir;  // empty: the user's default
  std::string store = "rocksdb";
  std::string advertise_address;
  // Files of the secure port; what is not given comes from the data directory.
  daemon::ServingOptions serving{.secure_port = 6443};
  apiserver::ServerOptions server;
  apiserver::StandardOptions standard;
  daemon::LogOptions log;
  std::map<std::string, std::string> gates;

  std::vector<std::string> authorization_mode, service_account_issuers, service_account_key_files;
  std::string service_account_signing_key_file, token_auth_file, service_cidr, node_ports = "30000-32767";
  int min_request_timeout_s = 1800;
  double goaway_chance = 0;
  int io_threads = default_io_threads();

  std::string kubelet_ca_file, kubelet_certificate_file, kubelet_key_file;
  std::vector<std::string> kubelet_address_types{"Hostname", "InternalDNS", "InternalIP", "ExternalDNS", "ExternalIP"};
};

// Where a control plane is kept when nobody says: $XDG_DATA_HOME/pilothouse, or ~/.local/share/pilothouse.
std::filesystem::path default_data_dir();

// The options must outlive the set.
void add_flags(daemon::FlagSet& flags, ApiServerProgramOptions& options);

// Reads key files and fills `server` and `standard` in. Throws FlagError or FileError.
void resolve(ApiServerProgramOptions& options);

}  // namespace ph::pilothouse
