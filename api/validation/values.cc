// Rules of single values.
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/addresses.h"
#include "api/codec.h"
#include "api/validation/validation.h"
#include "api/value.h"
#include "base/ascii.h"

namespace ph::api {

void check_nonnegative(std::int64_t value, const Path& path, Errors& errors) {
  if (value < 0) errors.invalid(path, value, kNonNegative);
}

void check_subdomain(std::string_view value, const Path& path, Errors& errors) {
  errors.invalid_each(path, value, check_dns1123_subdomain(value));
}

void check_label(std::string_view value, const Path& path, Errors& errors) {
  errors.invalid_each(path, value, check_dns1123_label(value));
}

void check_qualified(std::string_view value, const Path& path, Errors& errors) {
  errors.invalid_each(path, value, check_qualified_name(value));
}

void check_prefixed_path(std::string_view text, const Path& path, Errors& errors) {
  if (text.empty()) return errors.required(path);
  const auto slash = text.find('/');
  if (slash == text.npos || slash == 0 || slash + 1 == text.size()) {
    return errors.invalid_text(path, text, R"(must be a domain-prefixed path (such as "acme.io/foo"))");
  }
  check_subdomain(text.substr(0, slash), path, errors);
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-._~%!$&'()*+,;=:";
  const std::string_view rest = text.substr(slash + 1);
  if (rest.find_first_not_of(kLetters) != rest.npos) {
    errors.invalid_text(path, rest, R"(Invalid path (regex used for validation is '[A-Za-z0-9/\-._~%!$&'()*+,;=:]+'))");
  }
}

void check_driver_name(const std::string& name, const Path& path, Errors& errors) {
  constexpr std::size_t kMax = 63;
  if (name.empty()) return errors.required(path);
  if (name.size() > kMax) errors.too_long(path, kMax);
  errors.invalid_each(path, name, check_dns1123_subdomain(lower_ascii(name)));
}

void check_port(std::int64_t port, const Path& path, Errors& errors) {
  for (const std::string& complaint : check_port_number(static_cast<int>(port))) errors.invalid(path, port, complaint);
}

void check_port_or_name(const meta::v1::IntOrString& port, const Path& path, Errors& errors) {
  if (is_int(port)) return check_port(port.int_val(), path, errors);
  errors.invalid_each(path, port.str_val(), check_port_name(port.str_val()));
}

void check_ip_text(std::string_view value, const Path& path, Errors& errors) {
  const auto address = read_address(value);
  if (!address) return errors.invalid_each(path, value, check_ip(value));
  if (address->has_leading_zeros) errors.invalid_text(path, value, "must not have leading 0s");
  if (address->is_mapped()) errors.invalid_text(path, value, "must not be an IPv4-mapped IPv6 address");
}

void check_cidr(std::string_view value, const Path& path, Errors& errors) {
  const auto range = read_address_range(value);
  if (!range) {
    errors.invalid_text(path, value, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
  } else if (range->has_leading_zeros || range->address.has_leading_zeros) {
    errors.invalid_text(path, value, "must not have leading 0s in IP or prefix length");
  } else if (range->address.is_mapped()) {
    errors.invalid_text(path, value, "must not have an IPv4-mapped IPv6 address");
  } else if (range->network().bytes != range->address.bytes) {
    errors.invalid_text(path, value, "must not have bits set beyond the prefix length");
  }
}

void check_new_cidr(std::string_view value, const Path& path, Errors& errors) {
  const std::size_t before = errors.size();
  check_cidr(value, path, errors);
  if (errors.size() > before) return;
  if (const std::string canonical = read_address_range(value)->text(); canonical != value) {
    errors.invalid_text(path, value, fmt::format("must be in canonical form (\"{}\")", canonical));
  }
}

void check_wildcard_host(std::string_view value, const Path& path, Errors& errors) {
  if (value.find('*') == value.npos) return check_subdomain(value, path, errors);
  errors.invalid_each(path, value, check_wildcard_subdomain(value));
}

void check_path_segment_text(std::string_view value, const Path& path, Errors& errors) {
  if (value.empty()) return errors.required(path);
  errors.invalid_each(path, value, check_path_segment(value));
}

void check_one_of(std::string_view value, std::initializer_list<std::string_view> supported, const Path& path, Errors& errors) {
  if (std::ranges::find(supported, value) == supported.end()) errors.not_supported(path, value, supported);
}

void check_lone_star(const google::protobuf::RepeatedPtrField<std::string>& values, std::string_view what, const Path& path,
                     Errors& errors) {
  if (values.size() < 2 || std::ranges::find(values, "*") == values.end()) return;
  errors.invalid(path, json_of(values), fmt::format("if '*' is present, must not specify other {}", what));
}

bool same(const Message& a, const Message& b) { return Value::equal(Value::of(a), Value::of(b)); }

bool same(const ResourceMap& a, const ResourceMap& b) {
  if (a.size() != b.size()) return false;
  return std::ranges::all_of(sorted(a), [&](const auto* entry) {
    const auto other = b.find(entry->first);
    if (other == b.end()) return false;
    const auto left = quantity_of(entry->second), right = quantity_of(other->second);
    return left && right ? *left == *right : entry->second.string() == other->second.string();
  });
}

bool same(const StringMap& a, const StringMap& b) {
  if (a.size() != b.size()) return false;
  return std::ranges::all_of(sorted(a), [&](const auto* entry) {
    const auto other = b.find(entry->first);
    return other != b.end() && other->second == entry->second;
  });
}

void check_immutable(const Message& now, const Message& old, const Path& path, Errors& errors) {
  if (!same(now, old)) errors.invalid_message(path, now, kImmutable);
}

void check_immutable(std::string_view now, std::string_view old, const Path& path, Errors& errors) {
  if (now != old) errors.invalid_text(path, now, kImmutable);
}

bool is_int(const meta::v1::IntOrString& value) { return value.type() == 0; }

std::string json_of(const meta::v1::IntOrString& value) {
  return is_int(value) ? std::to_string(value.int_val()) : quote(value.str_val());
}

std::string json_of(const google::protobuf::RepeatedPtrField<std::string>& values) {
  std::vector<std::string> quoted;
  for (const std::string& value : values) quoted.push_back(quote(value));
  return fmt::format("[{}]", fmt::join(quoted, ","));
}

bool is_percent(std::string_view text) {
  return text.size() > 1 && text.ends_with('%') && text.find_first_not_of("0123456789") == text.size() - 1;
}

std::optional<int> percent_of(const meta::v1::IntOrString& value) {
  if (is_int(value) || !is_percent(value.str_val())) return std::nullopt;
  int out = 0;
  const std::string& text = value.str_val();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size() - 1, out);
  return error == std::errc() ? std::optional(out) : std::nullopt;
}

void check_nonnegative_int_or_percent(const meta::v1::IntOrString& value, const Path& path, Errors& errors) {
  if (is_int(value)) return check_nonnegative(value.int_val(), path, errors);
  if (is_percent(value.str_val())) return;
  errors.invalid_text(
      path, value.str_val(),
      "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for "
      "validation is '[0-9]+%')");
}

void check_at_most_100_percent(const meta::v1::IntOrString& value, const Path& path, Errors& errors) {
  if (percent_of(value).value_or(0) > 100) errors.invalid_text(path, value.str_val(), "must not be greater than 100%");
}

}  // namespace ph::api
