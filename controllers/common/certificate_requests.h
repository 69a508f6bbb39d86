// What loops ask about CertificateSigningRequests. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/kinds.h"
#include "controllers/common/certificates.h"

namespace ph::controllers {

inline constexpr const char* kApiserverClientSigner = "kubernetes.io/kube-apiserver-client";
inline constexpr const char* kKubeletClientSigner = "kubernetes.io/kube-apiserver-client-kubelet";
inline constexpr const char* kKubeletServingSigner = "kubernetes.io/kubelet-serving";
inline constexpr const char* kLegacyUnknownSigner = "kubernetes.io/legacy-unknown";

// Whether it has a condition of that type, whatever the condition's status says.
bool has_condition(const certificates::v1::CertificateSigningRequest& request, std::string_view type);
// The same with the status True.
bool has_true_condition(const certificates::v1::CertificateSigningRequest& request, std::string_view type);

// spec.usages.
std::vector<std::string> usages_of(const certificates::v1::CertificateSigningRequest& request);

// Why it is no request of a kubelet for what it shows the apiserver, or its clients; empty: it is one. The words are upstream's.
std::string kubelet_client_problem(const RequestedCertificate& asked, const std::vector<std::string>& usages);
std::string kubelet_serving_problem(const RequestedCertificate& asked, const std::vector<std::string>& usages);

}  // namespace ph::controllers
