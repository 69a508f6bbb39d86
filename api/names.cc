#include "api/names.h"

#include <algorithm>
#include <initializer_list>

#include <fmt/format.h>

#include "api/addresses.h"

namespace ph::api {

namespace {

using Messages = std::vector<std::string>;

constexpr std::size_t kLabelMax = 63, kSubdomainMax = 253;

bool lower(char c) { return c >= 'a' && c <= 'z'; }
bool digit(char c) { return c >= '0' && c <= '9'; }
bool lower_alnum(char c) { return lower(c) || digit(c); }
bool alnum(char c) { return lower_alnum(c) || (c >= 'A' && c <= 'Z'); }

// The keys and values of labels are counted in bytes, by upstream's words; they have no others.
std::string too_long(std::size_t max, std::string_view unit = "characters") {
  return fmt::format("must be no more than {} {}", max, unit);
}

// Upstream's rendering of a rule, its examples and its expression.
std::string rule(std::string_view words, std::string_view expression, std::initializer_list<std::string_view> examples) {
  std::string out(words);
  out += " (e.g. ";
  for (const std::string_view* example = examples.begin(); example != examples.end(); ++example) {
    if (example != examples.begin()) out += " or ";
    out += fmt::format("'{}', ", *example);
  }
  return out + fmt::format("regex used for validation is '{}')", expression);
}

// [a-z0-9]([-a-z0-9]*[a-z0-9])?
bool is_label(std::string_view text) {
  return !text.empty() && lower_alnum(text.front()) && lower_alnum(text.back()) &&
         std::ranges::all_of(text, [](char c) { return lower_alnum(c) || c == '-'; });
}

bool is_subdomain(std::string_view text) {
  while (true) {
    const auto dot = text.find('.');
    if (!is_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_name_part(std::string_view text) {
  return !text.empty() && alnum(text.front()) && alnum(text.back()) &&
         std::ranges::all_of(text, [](char c) { return alnum(c) || c == '-' || c == '_' || c == '.'; });
}

// "." and what climbs out of a folder.
void check_dots(std::string_view key, Messages& out) {
  if (key == ".") out.push_back("must not be '.'");
  else if (key == "..") out.push_back("must not be '..'");
  else if (key.starts_with("..")) out.push_back("must not start with '..'");
}

}  // namespace

Messages check_dns1123_label(std::string_view name) {
  Messages out;
  if (name.size() > kLabelMax) out.push_back(too_long(kLabelMax));
  if (is_label(name)) return out;
  const bool subdomain = is_subdomain(name);
  if (subdomain) out.push_back("must not contain dots");
  else
    out.push_back(
        rule("a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
             "with an alphanumeric character",
             "[a-z0-9]([-a-z0-9]*[a-z0-9])?", {"my-name", "123-abc"}));
  return out;
}

static Messages check_subdomain(std::string_view name, std::string_view unit) {
  Messages out;
  if (name.size() > kSubdomainMax) out.push_back(too_long(kSubdomainMax, unit));
  if (!is_subdomain(name)) {
    out.push_back(
        rule("a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
             "and end with an alphanumeric character",
             R"([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)", {"example.com"}));
  }
  return out;
}

Messages check_wildcard_subdomain(std::string_view name) {
  Messages out;
  if (name.size() > kSubdomainMax) out.push_back(too_long(kSubdomainMax));
  if (!name.starts_with("*.") || !is_subdomain(name.substr(2))) {
    out.push_back(
        rule("a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower "
             "case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
             R"(\*\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)", {"*.example.com"}));
  }
  return out;
}

Messages check_dns1123_subdomain(std::string_view name) { return check_subdomain(name, "characters"); }

Messages check_dns1035_label(std::string_view name) {
  Messages out;
  if (name.size() > kLabelMax) out.push_back(too_long(kLabelMax));
  if (!is_label(name) || !lower(name.front())) {
    out.push_back(
        rule("a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
             "character, and end with an alphanumeric character",
             "[a-z]([-a-z0-9]*[a-z0-9])?", {"my-name", "abc-123"}));
  }
  return out;
}

Messages check_qualified_name(std::string_view name) {
  static constexpr std::string_view kWords =
      "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  static constexpr std::string_view kExpression = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
  Messages out;
  if (std::ranges::count(name, '/') > 1) {
    out.push_back("a valid label key " + rule(kWords, kExpression, {"MyName", "my.name", "123-abc"}) +
                  " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')");
    return out;
  }
  std::string_view part = name;
  if (const auto slash = name.find('/'); slash != std::string_view::npos) {
    const std::string_view prefix = name.substr(0, slash);
    part = name.substr(slash + 1);
    if (prefix.empty()) out.push_back("prefix part must be non-empty");
    else
      for (const std::string& message : check_subdomain(prefix, "bytes")) out.push_back("prefix part " + message);
  }
  if (part.empty()) out.push_back("name part must be non-empty");
  else if (part.size() > kLabelMax) out.push_back("name part " + too_long(kLabelMax, "bytes"));
  if (!is_name_part(part)) out.push_back("name part " + rule(kWords, kExpression, {"MyName", "my.name", "123-abc"}));
  return out;
}

Messages check_label_value(std::string_view value) {
  Messages out;
  if (value.size() > kLabelMax) out.push_back(too_long(kLabelMax, "bytes"));
  if (!value.empty() && !is_name_part(value)) {
    out.push_back(
        rule("a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start "
             "and end with an alphanumeric character",
             "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?", {"MyValue", "my_value", "12345"}));
  }
  return out;
}

Messages check_path_segment(std::string_view name) {
  Messages out;
  if (name == "." || name == "..") return {fmt::format("may not be '{}'", name)};
  for (const char c : {'/', '%'}) {
    if (name.find(c) != std::string_view::npos) out.push_back(fmt::format("may not contain '{}'", c));
  }
  return out;
}

Messages check_port_name(std::string_view name) {
  Messages out;
  if (name.size() > 15) out.push_back(too_long(15));
  if (name.empty() || !std::ranges::all_of(name, [](char c) { return lower_alnum(c) || c == '-'; })) {
    out.push_back("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (!std::ranges::any_of(name, lower)) out.push_back("must contain at least one letter (a-z)");
  if (name.find("--") != std::string_view::npos) out.push_back("must not contain consecutive hyphens");
  if (name.starts_with('-') || name.ends_with('-')) out.push_back("must not begin or end with a hyphen");
  return out;
}

Messages check_port_number(int port) {
  if (port >= 1 && port <= 65535) return {};
  return {"must be between 1 and 65535, inclusive"};
}

Messages check_config_map_key(std::string_view key) {
  Messages out;
  if (key.size() > kSubdomainMax) out.push_back(too_long(kSubdomainMax));
  if (key.empty() || !std::ranges::all_of(key, [](char c) { return alnum(c) || c == '-' || c == '.' || c == '_'; })) {
    out.push_back(rule("a valid config key must consist of alphanumeric characters, '-', '_' or '.'", "[-._a-zA-Z0-9]+",
                       {"key.name", "KEY_NAME", "key-name"}));
  }
  check_dots(key, out);
  return out;
}

Messages check_env_var_name(std::string_view name) {
  if (name.empty()) return {"environment variable name must be non-empty"};
  if (std::ranges::all_of(name, [](char c) { return c >= ' ' && c <= '~' && c != '='; })) return {};
  return {"a valid environment variable name must consist only of printable ASCII characters other than '='"};
}

Messages check_c_identifier(std::string_view name) {
  const bool fits =
      !name.empty() && !digit(name.front()) && std::ranges::all_of(name, [](char c) { return alnum(c) || c == '_'; });
  if (fits) return {};
  return {rule(
      "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
      "[A-Za-z_][A-Za-z0-9_]*", {"my_name", "MY_NAME", "MyName"})};
}

Messages check_ip(std::string_view text) {
  if (read_address(text)) return {};
  return {"must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"};
}

Messages check_canonical_ip(std::string_view text) {
  const auto address = read_address(text);
  if (!address) return check_ip(text);
  if (address->has_leading_zeros) return {"must not have leading 0s"};
  if (address->is_mapped()) return {"must not be an IPv4-mapped IPv6 address"};
  if (const std::string canonical = address->text(); canonical != text)
    return {fmt::format("must be in canonical form (\"{}\")", canonical)};
  return {};
}

}  // namespace ph::api
