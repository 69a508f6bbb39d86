// The stored envelope with its revision spliced in.
#pragma once

#include <string>
#include <string_view>

#include "base/revision.h"

namespace ph::apiserver {

std::string with_revision(std::string_view envelope, Revision revision);

}  // namespace ph::apiserver
