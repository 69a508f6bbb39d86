// --cluster-signing-…: which files the built-in signers sign with.
#pragma once

#include <map>
#include <string>

#include "daemon/flags.h"

namespace ph::pilothouse {

struct SignerFiles {
  std::string cert, key;
  bool any() const { return !cert.empty() || !key.empty(); }
};

struct ClusterSigningFiles {
  SignerFiles all;  // --cluster-signing-cert-file, -key-file: of every signer, unless one has its own
  SignerFiles kube_apiserver_client, kubelet_client, kubelet_serving, legacy_unknown;
};

// The files must outlive the set.
void add_cluster_signing_flags(daemon::FlagSet& flags, ClusterSigningFiles& files, Duration& duration);
// Throws daemon::FlagError for files that do not go together.
void check(const ClusterSigningFiles& files);
// By signer; of those that sign nothing there is none.
std::map<std::string, SignerFiles> files_by_signer(const ClusterSigningFiles& files);

}  // namespace ph::pilothouse
