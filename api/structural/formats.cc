#include "api/structural/formats.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <re2/re2.h>

#include "api/json_text.h"
#include "api/names.h"
#include "api/quantity.h"
#include "api/times.h"

namespace ph::api::structural {

namespace {

bool matches(const RE2& regex, std::string_view text) {
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), regex);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::string only(std::string_view text, bool (*keep)(char)) {
  std::string out;
  std::ranges::copy_if(text, std::back_inserter(out), keep);
  return out;
}

// -- Addresses

bool is_ipv4(std::string_view text) {
  in_addr address{};
  const bool leading_zero = RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), R"((^|\.)0[0-9])");
  return !leading_zero && inet_pton(AF_INET, std::string(text).c_str(), &address) == 1;
}

bool is_ipv6(std::string_view text) {
  in6_addr address{};
  return text.find(':') != text.npos && inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
}

bool is_cidr(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == text.npos) return false;
  const std::string_view address = text.substr(0, slash), bits = text.substr(slash + 1);
  int value = 0;
  const auto [end, error] = std::from_chars(bits.data(), bits.data() + bits.size(), value);
  if (bits.empty() || !is_digit(bits[0]) || error != std::errc() || end != bits.data() + bits.size()) return false;
  return (is_ipv4(address) && value <= 32) || (is_ipv6(address) && value <= 128);
}

// 6, 8 or 20 bytes: pairs with colons or dashes, or groups of four digits with dots.
bool is_mac(std::string_view text) {
  static const RE2 pairs(R"(^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})+$|^[0-9A-Fa-f]{2}(-[0-9A-Fa-f]{2})+$)");
  static const RE2 fours(R"(^[0-9A-Fa-f]{4}(\.[0-9A-Fa-f]{4})+$)");
  if (!matches(pairs, text) && !matches(fours, text)) return false;
  const auto digits = std::ranges::count_if(text, is_hex);
  return digits == 12 || digits == 16 || digits == 40;
}

// One label, or several with dots. Upstream takes letters and symbols of all scripts; a label that stands alone may have a dash
// after its first character only, and the last of several no two dashes in a row.
bool is_hostname(std::string_view text) {
  static const RE2 alone(R"(^[a-zA-Z0-9\pS\pL]-?[a-zA-Z0-9\pS\pL]*$)");
  static const RE2 inner(R"(^[a-zA-Z0-9\pS\pL]([a-zA-Z0-9\pS\pL-]*[a-zA-Z0-9\pS\pL])?$)");
  static const RE2 last(R"(^[a-zA-Z0-9\pS\pL](-?[a-zA-Z0-9\pS\pL])+$)");
  constexpr std::size_t kLabelMax = 63;
  if (text.size() > 255) return false;
  if (text.find('.') == text.npos) return text.size() <= kLabelMax && matches(alone, text);
  while (true) {
    const auto dot = text.find('.');
    const std::string_view label = text.substr(0, dot);
    if (label.size() > kLabelMax || !matches(dot == text.npos ? last : inner, label)) return false;
    if (dot == text.npos) return true;
    text.remove_prefix(dot + 1);
  }
}

// -- What Go's net/url and net/mail read

// An absolute URI, or a path from the root.
bool is_uri(std::string_view text) {
  static const RE2 scheme(R"(^[a-zA-Z][a-zA-Z0-9+.-]*:)");
  static const RE2 authority(R"(^[a-zA-Z][a-zA-Z0-9+.-]*://([^/?#]*))");
  static const RE2 host(
      R"(^([^@\[\]<>"\s]*@)?(\[[0-9a-fA-F:.%a-z]*\]|[^\[\]:<>"\s%]*|([^\[\]:<>"\s%]|%[0-9a-fA-F]{2})*)(:[0-9]*)?$)");
  static const RE2 bad_escape(R"(%($|[^0-9a-fA-F]|[0-9a-fA-F]($|[^0-9a-fA-F])))");
  if (text.empty() || std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; })) return false;
  const std::string_view path = text.substr(0, text.find('?'));
  if (matches(bad_escape, path)) return false;
  if (text[0] == '/') return true;
  if (!matches(scheme, text)) return false;
  re2::StringPiece named;
  if (!RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), authority, &named)) return true;
  return matches(host, std::string_view(named.data(), named.size()));
}

// An address as RFC 5322 has them, alone or after a name: "Ann <ann@example.com>".
bool is_email(std::string_view text) {
  static const RE2 whole(
      R"re(^\s*(?:(?:[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.\x{80}-\x{10ffff}-]+|"(?:[^"\\\n]|\\.)*")(?:\s+(?:[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.\x{80}-\x{10ffff}-]+|"(?:[^"\\\n]|\\.)*"))*\s*<([^<>]*)>|<([^<>]*)>|([^<>]*?))\s*$)re");
  static const RE2 address(
      R"re(^(?:[a-zA-Z0-9!#$%&'*+/=?^_`{|}~\x{80}-\x{10ffff}-]+(?:\.[a-zA-Z0-9!#$%&'*+/=?^_`{|}~\x{80}-\x{10ffff}-]+)*|"(?:[^"\\\n]|\\.)+")@)re"
      R"re((?:[a-zA-Z0-9!#$%&'*+/=?^_`{|}~\x{80}-\x{10ffff}-]+(?:\.[a-zA-Z0-9!#$%&'*+/=?^_`{|}~\x{80}-\x{10ffff}-]+)*|\[[^\[\]\\\n]*\])$)re");
  re2::StringPiece after_name, bracketed, plain;
  if (!RE2::FullMatch(re2::StringPiece(text.data(), text.size()), whole, &after_name, &bracketed, &plain)) return false;
  const re2::StringPiece found = !after_name.empty() ? after_name : !bracketed.empty() ? bracketed : plain;
  return matches(address, std::string_view(found.data(), found.size()));
}

// -- Numbers with check digits

bool is_isbn10(std::string_view text) {
  const std::string digits = only(text, [](char c) { return c != ' ' && c != '-'; });
  if (digits.size() != 10) return false;
  int sum = 0;
  for (int i = 0; i < 10; ++i) {
    const char c = digits[static_cast<std::size_t>(i)];
    if (!is_digit(c) && !(i == 9 && c == 'X')) return false;
    sum += (i + 1) * (c == 'X' ? 10 : c - '0');
  }
  return sum % 11 == 0;
}

bool is_isbn13(std::string_view text) {
  const std::string digits = only(text, [](char c) { return c != ' ' && c != '-'; });
  if (digits.size() != 13 || !std::ranges::all_of(digits, is_digit)) return false;
  int sum = 0;
  for (std::size_t i = 0; i < 12; ++i) sum += (digits[i] - '0') * (i % 2 == 0 ? 1 : 3);
  return digits[12] - '0' == (10 - sum % 10) % 10;
}

bool is_credit_card(std::string_view text) {
  static const RE2 shape(
      R"(^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|)"
      R"((?:2131|1800|35\d{3})\d{11})$)");
  const std::string digits = only(text, is_digit);
  if (!matches(shape, digits)) return false;
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const int digit = digits[digits.size() - 1 - i] - '0';
    const int counted = i % 2 == 0 ? digit : digit * 2;
    sum += counted > 9 ? counted - 9 : counted;
  }
  return sum % 10 == 0;
}

// -- Times

bool is_date(std::string_view text) {
  static const RE2 shape(R"(^\d{4}-\d{2}-\d{2}$)");
  return matches(shape, text) && parse_instant(std::string(text) + "T00:00:00Z").has_value();
}

// RFC 3339, or without seconds' fraction or zone as older programs write it; T and Z in either case.
bool is_date_time(std::string_view text) {
  static const RE2 shape(R"(^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(\.\d+)?([Zz]|[+-]\d{2}:?\d{2})$)");
  std::string date, time, zone;
  if (!RE2::FullMatch(re2::StringPiece(text.data(), text.size()), shape, &date, &time, nullptr, &zone)) return false;
  return parse_instant(date + "T" + time + "Z").has_value();
}

// Go's durations, or Scala's: "22 ns", "3 days".
bool is_duration(std::string_view text) {
  static const RE2 scala(
      R"((?i)^\s*[-+]?\d+(\.\d+)?\s*(ns|nano|nanos|nanosecond|nanoseconds|us|µs|μs|micro|micros|microsecond|microseconds|ms|milli|millis|)"
      R"(millisecond|milliseconds|s|sec|secs|second|seconds|m|min|mins|minute|minutes|h|hr|hour|hours|d|day|days|w|wk|week|weeks)\s*$)");
  return parse_duration(text).has_value() || matches(scala, text);
}

bool is_base64(std::string_view text) {
  static const RE2 shape(R"(^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$)");
  return matches(shape, text);
}

bool is_rgb_color(std::string_view text) {
  static const RE2 shape(
      R"(^rgb\(\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*\)$)");
  return matches(shape, text);
}

template <const char* Pattern>
bool is_shape(std::string_view text) {
  static const RE2 shape(Pattern);
  return matches(shape, text);
}

constexpr char kUuid[] = "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$";
constexpr char kUuid3[] = "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$";
constexpr char kUuid4[] = "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$";
constexpr char kUuid5[] = "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$";
constexpr char kSsn[] = R"(^\d{3}[- ]?\d{2}[- ]?\d{4}$)";
constexpr char kHexColor[] = "^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$";
constexpr char kObjectId[] = "^[0-9a-fA-F]{24}$";

struct Checked {
  std::string_view name;
  bool (*is)(std::string_view text);
};

constexpr Checked kTexts[] = {
    {"bsonobjectid", &is_shape<kObjectId>},
    {"uri", &is_uri},
    {"email", &is_email},
    {"hostname", &is_hostname},
    {"ipv4", &is_ipv4},
    {"ipv6", &is_ipv6},
    {"cidr", &is_cidr},
    {"mac", &is_mac},
    {"uuid", &is_shape<kUuid>},
    {"uuid3", &is_shape<kUuid3>},
    {"uuid4", &is_shape<kUuid4>},
    {"uuid5", &is_shape<kUuid5>},
    {"isbn", [](std::string_view text) { return is_isbn10(text) || is_isbn13(text); }},
    {"isbn10", &is_isbn10},
    {"isbn13", &is_isbn13},
    {"creditcard", &is_credit_card},
    {"ssn", &is_shape<kSsn>},
    {"hexcolor", &is_shape<kHexColor>},
    {"rgbcolor", &is_rgb_color},
    {"byte", &is_base64},
    {"password", [](std::string_view) { return true; }},
    {"date", &is_date},
    {"duration", &is_duration},
    {"datetime", &is_date_time},
    {"quantity", [](std::string_view text) { return Quantity::parse(text).has_value(); }},
    {"k8sshortname", [](std::string_view text) { return check_dns1123_label(text).empty(); }},
    {"k8slongname", [](std::string_view text) { return check_dns1123_subdomain(text).empty(); }},
};

}  // namespace

std::string checked_format(const std::vector<std::string>& types, std::string_view format) {
  const std::string_view type = types.size() == 1 ? std::string_view(types[0]) : std::string_view();
  if (type == "integer") return format == "int32" || format == "int64" ? std::string(format) : std::string();
  if (type == "number") return format == "float" || format == "double" ? std::string(format) : std::string();
  if (!type.empty() && type != "string") return {};
  std::string plain = only(format, [](char c) { return c != '-'; });
  return std::ranges::find(kTexts, plain, &Checked::name) == std::end(kTexts) ? std::string() : plain;
}

bool has_format(std::string_view text, std::string_view format) {
  const auto found = std::ranges::find(kTexts, format, &Checked::name);
  return found == std::end(kTexts) || found->is(text);
}

}  // namespace ph::api::structural
