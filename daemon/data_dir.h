// The data directory: everything a control plane keeps. Made on the first start, kept afterwards.
//
//   format                      the number of this layout
//   pki/ca.crt, ca.key          the cluster's certificate authority
//   pki/apiserver.crt, .key     what the apiserver shows
//   pki/sa.key, sa.pub          signs and verifies service-account tokens
//   pki/encryption.yaml         the key of what is stored encrypted, where --hardened has made one
//   hardened/                   what else --hardened makes when nobody says otherwise: policies, the audit log
//   admin.kubeconfig, controller-manager.kubeconfig, scheduler.kubeconfig, node.kubeconfig
//   store/                      the objects (RocksDB)
//
// The directory is its owner's alone (0700), and so is what is in it; one that others could read is closed at start, with a word in
// the log. Certificates near their end are issued anew at start.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/rng.h"
#include "base/time.h"
#include "net/pki.h"

namespace ph::daemon {

// What the file `format` holds: this program's layout; that a restore has begun and not ended.
inline constexpr std::string_view kDataDirFormat = "1\n";
inline constexpr std::string_view kDataDirRestoring = "restoring\n";

struct DataDirOptions {
  std::filesystem::path path;
  // How the apiserver is reached: names and addresses its certificate holds besides the usual ones.
  std::vector<std::string> extra_names;
  std::string service_ip = "10.96.0.1";
  std::string cluster_domain = "cluster.local";
};

struct ClusterKeys {
  net::Credential ca;
  net::Credential server;
  std::string service_account_key;  // PEM, private
};

// Of the files beside `format`, the keys and the store: kubeconfigs, and what a write left that did not end.
bool is_data_dir_file(std::string_view name);

// Closes a data directory to other users, and what is ours in it. Throws FileError when it belongs to somebody else.
void close_data_dir(const std::filesystem::path& path, const Log& log);

// Makes a directory a data directory, or sees that it is one, and closes it to others; its keys are not made. Throws FileError as
// DataDir does.
void open_data_dir(const std::filesystem::path& path, const Log& log);

class DataDir {
 public:
  // Opens the directory or makes it. One without a `format` may hold keys and kubeconfigs, and nothing else. Throws FileError,
  // with what to do: no permission, made by another version, or somebody else's.
  DataDir(DataDirOptions options, const Clock& clock, Rng& rng, Log log = {});

  const std::filesystem::path& path() const { return options_.path; }
  const ClusterKeys& keys() const { return keys_; }
  std::filesystem::path store_path() const { return options_.path / "store"; }
  std::filesystem::path admin_kubeconfig() const { return options_.path / "admin.kubeconfig"; }

  // A fresh client certificate, signed by the cluster's authority.
  net::Credential client_credential(const std::string& user, const std::vector<std::string>& groups) const;

  // Writes the kubeconfigs for a server at `url`; certificates that are still good are kept.
  void write_kubeconfigs(const std::string& url);

 private:
  void load_keys();
  void write_kubeconfig(const std::string& file, const std::string& user, const std::vector<std::string>& groups,
                        const std::string& url);

  DataDirOptions options_;
  const Clock& clock_;
  Rng& rng_;
  ClusterKeys keys_;
};

}  // namespace ph::daemon
