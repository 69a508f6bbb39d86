// CertificateSigning: who writes a certificate, or that there will be none, must be allowed to do so for its signer.
// Upstream: plugin/pkg/admission/certificates/signing
#include <fmt/format.h>

#include "api/kinds.h"
#include "apiserver/admission/admission.h"

namespace ph::apiserver::admission {
namespace {

using certificates::v1::CertificateSigningRequest;

class CertificateSigning final : public AdmissionPlugin {
 public:
  explicit CertificateSigning(Authorizer& authorizer) : authorizer_(authorizer) {}
  std::string_view name() const override { return "CertificateSigning"; }

  Soon<> validate_soon(const AdmissionRequest& request) override {
    if (request.subresource != "status" || !is_of(request, "certificates.k8s.io", "certificatesigningrequests")) return {};
    const auto& before = request.old_object->as<CertificateSigningRequest>();
    const auto& after = request.object->as<CertificateSigningRequest>();
    if (after.status().SerializeAsString() == before.status().SerializeAsString()) return {};
    return check(request, before.spec().signer_name());
  }

 private:
  Task<void> check(const AdmissionRequest& request, std::string signer) {
    if (co_await may_for_signer(authorizer_, *request.user, "sign", signer)) co_return;
    throw refuse(request, fmt::format("user not permitted to sign requests with signerName \"{}\"", signer));
  }

  Authorizer& authorizer_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> certificate_signing(const AdmissionWorld& world) {
  return std::make_unique<CertificateSigning>(world.authorizer);
}

}  // namespace ph::apiserver::admission
