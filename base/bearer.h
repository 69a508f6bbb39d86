// The Authorization header of requests. No I/O.
#pragma once

#include <string_view>

#include "base/transport.h"

namespace ph {

// The token of `Authorization: Bearer TOKEN`; empty when there is none. The scheme is in any case (RFC 9110, section 11.1). It
// lives as long as the request. Threads: any.
std::string_view bearer_token(const HttpRequest& request);

}  // namespace ph
