// Text as Go's %q writes it: how upstream's messages show strings.
#pragma once

#include <string>
#include <string_view>

namespace ph::api {

std::string quote(std::string_view text);

}  // namespace ph::api
