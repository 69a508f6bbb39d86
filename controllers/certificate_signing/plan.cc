#include "controllers/certificate_signing/plan.h"

#include <algorithm>

#include "api/certificates.h"
#include "api/times.h"

namespace ph::controllers::certificate_signing {
namespace {

using certificates::v1::CertificateSigningRequest;

constexpr Duration kLeast = 10min, kBackdated = 5min;
// 5 min are about a hundredth of it: of a shorter life the beginning takes nothing away.
constexpr Duration kShort = 8h;

std::string client_usage_problem(const std::vector<std::string>& usages) {
  constexpr const char* kClient = "client auth";
  bool is_for_clients = false;
  for (const std::string& usage : usages) {
    if (usage == kClient) is_for_clients = true;
    else if (usage != "digital signature" && usage != "key encipherment") return "invalid usage for client certificate: " + usage;
  }
  return is_for_clients ? "" : std::string("missing required usage for client certificate: ") + kClient;
}

}  // namespace

bool awaits_signer(const CertificateSigningRequest& request) {
  return request.status().certificate().empty() && has_condition(request, api::kApproved) &&
         !has_condition(request, api::kDenied) && !has_true_condition(request, api::kFailed);
}

std::string refusal(std::string_view signer, const RequestedCertificate& asked, const std::vector<std::string>& usages) {
  if (signer == kApiserverClientSigner) return client_usage_problem(usages);
  if (signer == kKubeletClientSigner) return kubelet_client_problem(asked, usages);
  if (signer == kKubeletServingSigner) return kubelet_serving_problem(asked, usages);
  return {};
}

Duration lifetime(std::optional<std::int32_t> wanted_seconds, Duration most) {
  if (!wanted_seconds) return most;
  const Duration wanted = std::chrono::seconds(*wanted_seconds);
  if (wanted > most) return most;
  return std::max(wanted, kLeast);
}

std::optional<Validity> validity(Time now, Duration lifetime, Time authority_ends) {
  if (now >= authority_ends) return std::nullopt;
  const Time ends = now + lifetime - (lifetime < kShort ? Duration() : kBackdated);
  return Validity{.not_before = now - kBackdated, .not_after = std::min(ends, authority_ends)};
}

CertificateSigningRequest refused(CertificateSigningRequest request, std::string why, Time now) {
  auto& condition = *request.mutable_status()->add_conditions();
  condition.set_type(std::string(api::kFailed));
  condition.set_status("True");
  condition.set_reason("SignerValidationFailure");
  condition.set_message(std::move(why));
  api::set_time(condition.mutable_last_update_time(), now);
  return request;
}

}  // namespace ph::controllers::certificate_signing
