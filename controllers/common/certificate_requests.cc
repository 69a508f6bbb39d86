#include "controllers/common/certificate_requests.h"

#include <algorithm>
#include <initializer_list>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ph::controllers {
namespace {

using certificates::v1::CertificateSigningRequest;
using Usages = std::set<std::string>;

constexpr const char* kNodes = "system:nodes";
constexpr std::string_view kNode = "system:node:";
constexpr const char* kForRsa = "key encipherment";

// Exactly digital signature and `own`; keys of RSA may be for encipherment, too.
std::string usage_problem(const std::vector<std::string>& usages, const char* own) {
  const Usages all{usages.begin(), usages.end()};
  const Usages least{"digital signature", own};
  Usages most = least;
  most.insert(kForRsa);
  return all == least || all == most ? std::string() : fmt::format("usages did not match [{}]", fmt::join(most, " "));
}

std::string organization_problem(const RequestedCertificate& asked) {
  return asked.organizations == std::vector<std::string>{kNodes} ? "" : "subject organization is not system:nodes";
}

std::string name_problem(const RequestedCertificate& asked) {
  return asked.common_name.starts_with(kNode) ? "" : "subject common name does not begin with system:node:";
}

std::string first_of(std::initializer_list<std::string> problems) {
  for (const std::string& problem : problems) {
    if (!problem.empty()) return problem;
  }
  return {};
}

std::string not_allowed(const std::vector<std::string>& names, const char* kind) {
  return names.empty() ? "" : fmt::format("{} subjectAltNames are not allowed", kind);
}

}  // namespace

bool has_condition(const CertificateSigningRequest& request, std::string_view type) {
  return std::ranges::any_of(request.status().conditions(), [&](const auto& each) { return each.type() == type; });
}

bool has_true_condition(const CertificateSigningRequest& request, std::string_view type) {
  return std::ranges::any_of(request.status().conditions(),
                             [&](const auto& each) { return each.type() == type && each.status() == "True"; });
}

std::vector<std::string> usages_of(const CertificateSigningRequest& request) {
  return {request.spec().usages().begin(), request.spec().usages().end()};
}

std::string kubelet_client_problem(const RequestedCertificate& asked, const std::vector<std::string>& usages) {
  return first_of({organization_problem(asked), not_allowed(asked.dns_names, "DNS"), not_allowed(asked.emails, "Email"),
                   not_allowed(asked.ip_addresses, "IP"), not_allowed(asked.uris, "URI"), name_problem(asked),
                   usage_problem(usages, "client auth")});
}

std::string kubelet_serving_problem(const RequestedCertificate& asked, const std::vector<std::string>& usages) {
  const bool has_address = !asked.dns_names.empty() || !asked.ip_addresses.empty();
  return first_of({organization_problem(asked), has_address ? "" : "DNS or IP subjectAltName is required",
                   not_allowed(asked.emails, "Email"), not_allowed(asked.uris, "URI"), usage_problem(usages, "server auth"),
                   name_problem(asked)});
}

}  // namespace ph::controllers
