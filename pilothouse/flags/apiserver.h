// kube-apiserver's flags, and a few of our own: --data-dir, --store, --io-threads, --crd-ignore-cel, --metrics-server, --hardened.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/server.h"
#include "apiserver/standard.h"
#include "apiserver/storage/encryption/configuration.h"
#include "daemon/common_flags.h"
#include "pilothouse/audit.h"
#include "pilothouse/flags/authentication.h"
#include "pilothouse/flags/authorization.h"
#include "pilothouse/options.h"

namespace ph::pilothouse {

struct ApiServerProgramOptions {
  std::string data_dir;   // empty: the user's default
  bool hardened = false;  // flags/hardened.h
  std::string store = "rocksdb";
  std::string advertise_address;
  // Files of the secure port; what is not given comes from the data directory.
  daemon::ServingOptions serving{.secure_port = 6443};
  apiserver::ServerOptions server;
  apiserver::StandardOptions standard;
  daemon::LogOptions log;
  std::map<std::string, std::string> gates;

  AuthorizationOptions authorization;
  std::vector<std::string> service_account_issuers, service_account_key_files;
  std::string service_account_signing_key_file, token_auth_file, admission_config_file, service_cidr, node_ports = "30000-32767";
  AuthenticationFlags authentication;
  int min_request_timeout_s = 1800;
  double goaway_chance = 0;
  AuditOptions audit;
  std::string encryption_file;
  std::string encryption_text;                                     // of that file
  std::optional<apiserver::encryption::Configuration> encryption;  // what it says
  bool encryption_reload = false;
  int io_threads = default_io_threads();

  std::string metrics_server;
  std::string kubelet_ca_file, kubelet_certificate_file, kubelet_key_file;
  std::vector<std::string> kubelet_address_types{"Hostname", "InternalDNS", "InternalIP", "ExternalDNS", "ExternalIP"};
};

// Where a control plane is kept when nobody says: $XDG_DATA_HOME/pilothouse, or ~/.local/share/pilothouse.
std::filesystem::path default_data_dir();
// The one that is asked for, as an absolute path.
std::filesystem::path data_dir_of(const ApiServerProgramOptions& options);

// The options must outlive the set.
void add_flags(daemon::FlagSet& flags, ApiServerProgramOptions& options);

// Reads key files and fills `server` and `standard` in. Throws FlagError or FileError.
void resolve(ApiServerProgramOptions& options);

}  // namespace ph::pilothouse
