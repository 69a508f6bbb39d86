// CertificateApproval: who grants or denies a certificate must be allowed to do so for its signer.
// Upstream: plugin/pkg/admission/certificates/approval
#include <fmt/format.h>

#include "api/kinds.h"
#include "apiserver/admission/admission.h"

namespace ph::apiserver::admission {
namespace {

using certificates::v1::CertificateSigningRequest;

class CertificateApproval final : public AdmissionPlugin {
 public:
  explicit CertificateApproval(Authorizer& authorizer) : authorizer_(authorizer) {}
  std::string_view name() const override { return "CertificateApproval"; }

  Soon<> validate_soon(const AdmissionRequest& request) override {
    if (request.subresource != "approval" || !is_of(request, "certificates.k8s.io", "certificatesigningrequests")) return {};
    // The signer never changes: what is stored has it.
    return check(request, request.old_object->as<CertificateSigningRequest>().spec().signer_name());
  }

 private:
  Task<void> check(const AdmissionRequest& request, std::string signer) {
    if (co_await may_for_signer(authorizer_, *request.user, "approve", signer)) co_return;
    throw refuse(request, fmt::format("user not permitted to approve requests with signerName \"{}\"", signer));
  }

  Authorizer& authorizer_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> certificate_approval(const AdmissionWorld& world) {
  return std::make_unique<CertificateApproval>(world.authorizer);
}

}  // namespace ph::apiserver::admission
