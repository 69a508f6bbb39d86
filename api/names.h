// Name rules: RFC 1123 labels and subdomains, label keys and values, and the words upstream rejects them with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ph::api {

// Each returns what is wrong, in upstream's words; empty when nothing is.
std::vector<std::string> check_dns1123_label(std::string_view name);
std::vector<std::string> check_dns1123_subdomain(std::string_view name);
std::vector<std::string> check_dns1035_label(std::string_view name);
std::vector<std::string> check_qualified_name(std::string_view name);  // label and annotation keys, resource names
std::vector<std::string> check_label_value(std::string_view value);
std::vector<std::string> check_path_segment(std::string_view name);  // RBAC objects
std::vector<std::string> check_port_name(std::string_view name);     // IANA_SVC_NAME
std::vector<std::string> check_port_number(int port);
std::vector<std::string> check_config_map_key(std::string_view key);
std::vector<std::string> check_env_var_name(std::string_view name);
std::vector<std::string> check_c_identifier(std::string_view name);
std::vector<std::string> check_ip(std::string_view text);
std::vector<std::string> check_canonical_ip(std::string_view text);        // what new kinds take
std::vector<std::string> check_wildcard_subdomain(std::string_view name);  // *.example.com

}  // namespace ph::api
