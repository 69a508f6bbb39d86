// Rules of certificate signing requests that a door of theirs needs. Threads: any.
#pragma once

#include "api/kinds.h"
#include "api/rules.h"

namespace ph::api {

inline constexpr std::string_view kApproved = "Approved", kDenied = "Denied", kFailed = "Failed";

// PUT …/approval, when `now` differs from `old` in its conditions and metadata only.
void validate_approval(const certificates::v1::CertificateSigningRequest& now,
                       const certificates::v1::CertificateSigningRequest& old, Errors& errors);

}  // namespace ph::api
