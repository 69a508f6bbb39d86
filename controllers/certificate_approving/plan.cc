#include "controllers/certificate_approving/plan.h"

#include "api/certificates.h"
#include "api/sorted.h"

namespace ph::controllers::certificate_approving {
namespace {

using certificates::v1::CertificateSigningRequest;

constexpr Recognizer kSelf{"selfnodeclient", "Auto approving self kubelet client certificate after SubjectAccessReview."};
constexpr Recognizer kAny{"nodeclient", "Auto approving kubelet client certificate after SubjectAccessReview."};

}  // namespace

bool awaits_verdict(const CertificateSigningRequest& request) {
  return request.status().certificate().empty() && !has_condition(request, api::kApproved) &&
         !has_condition(request, api::kDenied);
}

std::vector<Recognizer> recognized(const CertificateSigningRequest& request, const RequestedCertificate& asked) {
  if (request.spec().signer_name() != kKubeletClientSigner) return {};
  if (!kubelet_client_problem(asked, usages_of(request)).empty()) return {};
  if (request.spec().username() == asked.common_name) return {kSelf, kAny};
  return {kAny};
}

authorization::v1::SubjectAccessReview question(const CertificateSigningRequest& request, const Recognizer& recognizer) {
  authorization::v1::SubjectAccessReview review;
  auto& spec = *review.mutable_spec();
  spec.set_user(request.spec().username());
  spec.set_uid(request.spec().uid());
  *spec.mutable_groups() = request.spec().groups();
  for (const auto* extra : sorted(request.spec().extra()))
    *(*spec.mutable_extra())[extra->first].mutable_items() = extra->second.items();
  auto& wish = *spec.mutable_resource_attributes();
  wish.set_verb("create");
  wish.set_group("certificates.k8s.io");
  wish.set_version("*");
  wish.set_resource("certificatesigningrequests");
  wish.set_subresource(recognizer.subresource);
  return review;
}

CertificateSigningRequest approved(CertificateSigningRequest request, const Recognizer& recognizer) {
  auto& condition = *request.mutable_status()->add_conditions();
  condition.set_type(std::string(api::kApproved));
  condition.set_status("True");
  condition.set_reason("AutoApproved");
  condition.set_message(recognizer.message);
  return request;
}

}  // namespace ph::controllers::certificate_approving
