// The conditions of certificate signing requests, as both doors to them write them.
#pragma once

#include "api/kinds.h"
#include "base/time.h"

namespace ph::apiserver {

// Conditions without times get those of the same condition in `old`, or now.
void date_conditions(certificates::v1::CertificateSigningRequest& request, const certificates::v1::CertificateSigningRequest& old,
                     Time now);

}  // namespace ph::apiserver
