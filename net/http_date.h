// Dates as HTTP writes them.
#pragma once

#include <string>

#include "base/time.h"

namespace ph::net {

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string http_date(Time time);

}  // namespace ph::net
