#include "apiserver/rest/query.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "api/errors.h"
#include "base/ascii.h"

namespace ph::apiserver {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out.push_back(static_cast<char>(high * 16 + low));
        i += 2;
        continue;
      }
    }
    out.push_back(plus_is_space && text[i] == '+' ? ' ' : text[i]);
  }
  return out;
}

Query Query::parse(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const auto end = text.find('&');
    const std::string_view part = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (part.empty()) continue;
    const auto equals = part.find('=');
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
    query.values_.emplace_back(percent_decode(part.substr(0, equals), true), percent_decode(value, true));
  }
  return query;
}

bool Query::has(std::string_view name) const {
  return std::ranges::any_of(values_, [&](const auto& entry) { return entry.first == name; });
}

std::string_view Query::get(std::string_view name) const {
  const auto found = std::ranges::find_if(values_, [&](const auto& entry) { return entry.first == name; });
  return found == values_.end() ? std::string_view() : std::string_view(found->second);
}

std::vector<std::string> Query::all(std::string_view name) const {
  std::vector<std::string> out;
  for (const auto& [key, value] : values_) {
    if (key == name) out.push_back(value);
  }
  return out;
}

bool Query::flag(std::string_view name) const {
  if (!has(name)) return false;
  const std::string value = lower_ascii(get(name));
  return value != "false" && value != "0";
}

std::optional<std::int64_t> Query::integer(std::string_view name) const {
  if (!has(name)) return std::nullopt;
  const std::string_view text = get(name);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw api::bad_request(fmt::format("strconv.ParseInt: parsing \"{}\": invalid syntax", text));
  }
  return value;
}

}  // namespace ph::apiserver
