// CertificateSubjectRestriction: nobody asks for a client certificate that is above all rules.
// Upstream: plugin/pkg/admission/certificates/subjectrestriction
#include <fmt/format.h>

#include <algorithm>

#include "api/kinds.h"
#include "api/pem.h"
#include "apiserver/admission/admission.h"
#include "net/signing_request.h"

namespace ph::apiserver::admission {
namespace {

using certificates::v1::CertificateSigningRequest;

constexpr std::string_view kClientSigner = "kubernetes.io/kube-apiserver-client", kMasters = "system:masters";

class CertificateSubjectRestriction final : public AdmissionPlugin {
 public:
  std::string_view name() const override { return "CertificateSubjectRestriction"; }

  void validate(const AdmissionRequest& request) override {
    if (!is_for(request, "certificates.k8s.io", "certificatesigningrequests") || !request.object || request.operation != "CREATE")
      return;
    const auto& spec = request.object->as<CertificateSigningRequest>().spec();
    if (spec.signer_name() != kClientSigner) return;
    std::string_view pem = spec.request();
    const auto block = api::next_pem_block(pem);
    if (!block) return;
    const auto organizations = net::requested_organizations(block->bytes);
    if (std::ranges::find(organizations, kMasters) == organizations.end()) return;
    throw refuse(request, fmt::format("use of {} signer with {} group is not allowed", kClientSigner, kMasters));
  }
};

}  // namespace

std::unique_ptr<AdmissionPlugin> certificate_subject_restriction(const AdmissionWorld&) {
  return std::make_unique<CertificateSubjectRestriction>();
}

}  // namespace ph::apiserver::admission
