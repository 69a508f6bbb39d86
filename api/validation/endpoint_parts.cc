#include "api/validation/endpoint_parts.h"

#include <fmt/format.h>

namespace ph::api {

void check_endpoint_ip(std::string_view ip, const Path& path, Errors& errors) {
  if (ip == "0.0.0.0" || ip == "::") errors.invalid_text(path, ip, fmt::format("may not be unspecified ({})", ip));
  if (ip.starts_with("127.") || ip == "::1")
    errors.invalid_text(path, ip, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
  if (ip.starts_with("169.254.") || ip.starts_with("fe80:")) {
    errors.invalid_text(path, ip, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
  }
  if (ip.starts_with("224.0.0.") || ip.starts_with("ff02:")) {
    errors.invalid_text(path, ip, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
  }
}

}  // namespace ph::api
