// Who is given which certificate, and for how long: pure functions, no I/O.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/common/certificate_requests.h"

namespace ph::controllers::certificate_signing {

// Approved by somebody, denied by nobody, and neither signed nor refused by a signer yet.
bool awaits_signer(const certificates::v1::CertificateSigningRequest& request);

// Why that signer does not sign it, in upstream's words; empty: it does. Other signers than ours refuse nothing.
std::string refusal(std::string_view signer, const RequestedCertificate& asked, const std::vector<std::string>& usages);

// How long a certificate is good for which so many seconds were asked for: 10 min at least, `most` at most, and without a wish.
Duration lifetime(std::optional<std::int32_t> wanted_seconds, Duration most);

struct Validity {
  Time not_before, not_after;
  bool operator==(const Validity&) const = default;
};
// Begins 5 min ago, for clocks that are behind, and of long lives that is a part; ends no later than its authority. Nothing when the
// authority itself has ended, or will have before a certificate could begin.
std::optional<Validity> validity(Time now, Duration lifetime, Time authority_ends);

// `request` with the condition that its signer refuses it.
certificates::v1::CertificateSigningRequest refused(certificates::v1::CertificateSigningRequest request, std::string why,
                                                    Time now);

}  // namespace ph::controllers::certificate_signing
