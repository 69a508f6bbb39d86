#include "pilothouse/flags/cluster_signing.h"

#include <fmt/format.h>

#include "controllers/common/certificate_requests.h"
#include "daemon/common_flags.h"

namespace ph::pilothouse {
namespace {

// A signer with files of its own: its name, and that in its flags.
struct OwnFiles {
  const char* signer;
  const char* in_flags;
  SignerFiles ClusterSigningFiles::* files;
};
constexpr OwnFiles kOwn[] = {
    {controllers::kApiserverClientSigner, "kube-apiserver-client", &ClusterSigningFiles::kube_apiserver_client},
    {controllers::kKubeletClientSigner, "kubelet-client", &ClusterSigningFiles::kubelet_client},
    {controllers::kKubeletServingSigner, "kubelet-serving", &ClusterSigningFiles::kubelet_serving},
    {controllers::kLegacyUnknownSigner, "legacy-unknown", &ClusterSigningFiles::legacy_unknown},
};

bool has_own(const ClusterSigningFiles& files) {
  for (const OwnFiles& own : kOwn) {
    if ((files.*own.files).any()) return true;
  }
  return false;
}

}  // namespace

void add_cluster_signing_flags(daemon::FlagSet& flags, ClusterSigningFiles& files, Duration& duration) {
  flags.add("cluster-signing-cert-file", files.all.cert, "The authority that signs for all built-in signers, PEM");
  flags.add("cluster-signing-key-file", files.all.key, "Its key");
  flags.add("cluster-signing-duration", duration, "How long a signed certificate is good at most");
  for (const OwnFiles& own : kOwn) {
    const std::string prefix = std::string("cluster-signing-") + own.in_flags;
    flags.add(prefix + "-cert-file", (files.*own.files).cert, std::string("The authority that signs for ") + own.signer);
    flags.add(prefix + "-key-file", (files.*own.files).key, "Its key");
  }
}

void check(const ClusterSigningFiles& files) {
  std::vector<std::string> problems;
  if (files.all.any() && has_own(files)) {
    problems.emplace_back(
        "cannot specify --cluster-signing-{cert,key}-file and other --cluster-signing-*-file flags at the same time");
  }
  for (const OwnFiles& own : kOwn) {
    const SignerFiles& pair = files.*own.files;
    if (pair.cert.empty() == pair.key.empty()) continue;
    problems.push_back(
        fmt::format("{}: cannot specify {}", own.signer, pair.cert.empty() ? "key without cert" : "cert without key"));
  }
  daemon::refuse(problems);
}

std::map<std::string, SignerFiles> files_by_signer(const ClusterSigningFiles& files) {
  std::map<std::string, SignerFiles> out;
  for (const OwnFiles& own : kOwn) {
    const SignerFiles& pair = has_own(files) ? files.*own.files : files.all;
    if (!pair.cert.empty() && !pair.key.empty()) out.emplace(own.signer, pair);
  }
  return out;
}

}  // namespace ph::pilothouse
