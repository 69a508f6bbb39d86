// What is in the blocks of signing requests and of what is issued for them. Threads: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ph::net {

// Why `der` is no request for a certificate, signed by the key it is for; empty when it is one.
std::string signing_request_error(std::string_view der);
// Of the subject that is asked for; none when `der` is no request.
std::vector<std::string> requested_organizations(std::string_view der);

// Whom a request wants to be certified. Addresses as text.
struct RequestInfo {
  std::string common_name;
  std::vector<std::string> organizations;
  std::vector<std::string> dns_names, ip_addresses, emails, uris;
};
// Nothing when `der` is no request.
std::optional<RequestInfo> inspect_request(std::string_view der);
// Why `der` is not one certificate after another; empty when it is.
std::string certificates_error(std::string_view der);

}  // namespace ph::net
