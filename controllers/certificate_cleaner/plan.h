// Which signing requests nobody needs any more: pure functions, no I/O.
#pragma once

#include <optional>

#include "api/kinds.h"
#include "base/time.h"

namespace ph::controllers::certificate_cleaner {

// Why one goes; text() says it for the log.
enum class Why { Stays, Issued, Denied, Failed, Pending, Unissued, Expired };
const char* text(Why why);

// An hour after it was approved and issued, denied or failed; a day after it was made, or approved, and nothing came of it; and when its
// certificate has expired. `certificate_ends`: of the one that was issued; nothing: none, or it cannot be read.
Why judge(const certificates::v1::CertificateSigningRequest& request, std::optional<Time> certificate_ends, Time now);

}  // namespace ph::controllers::certificate_cleaner
