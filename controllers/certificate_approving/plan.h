// Which requests kubelets may be granted without anybody looking: pure functions, no I/O.
#pragma once

#include <span>
#include <vector>

#include "controllers/common/certificate_requests.h"

namespace ph::controllers::certificate_approving {

// A kind of request that is granted to whoever may `create` certificatesigningrequests/<subresource>.
struct Recognizer {
  const char* subresource;
  const char* message;  // of the condition Approved
};

// Nobody has decided yet.
bool awaits_verdict(const certificates::v1::CertificateSigningRequest& request);

// What it may be, in the order in which it is asked for: a node's for itself, a node's for any.
std::vector<Recognizer> recognized(const certificates::v1::CertificateSigningRequest& request, const RequestedCertificate& asked);

// Whether who asked may create what `recognizer` names.
authorization::v1::SubjectAccessReview question(const certificates::v1::CertificateSigningRequest& request,
                                                const Recognizer& recognizer);

// `request` with the condition Approved.
certificates::v1::CertificateSigningRequest approved(certificates::v1::CertificateSigningRequest request,
                                                     const Recognizer& recognizer);

}  // namespace ph::controllers::certificate_approving
