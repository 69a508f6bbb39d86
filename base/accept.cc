#include "base/accept.h"

#include <algorithm>
#include <charconv>

#include "base/ascii.h"

namespace ph {

namespace {

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Takes what stands before the next separator off the front.
std::string_view take(std::string_view& rest, char separator) {
  const auto end = rest.find(separator);
  const std::string_view piece = trim(rest.substr(0, end));
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return piece;
}

// Digits and a point only, so that no locale can matter; what is no weight counts as none given.
double quality_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  return error == std::errc() && end == text.data() + text.size() && value >= 0 && value <= 1 ? value : 1;
}

MediaRange parse_range(std::string_view text) {
  MediaRange range;
  range.type = lower_ascii(take(text, ';'));
  while (!text.empty()) {
    std::string_view value = take(text, ';');
    const std::string name = lower_ascii(take(value, '='));
    value = trim(value);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    if (name == "q") {
      range.quality = quality_of(value);
    } else if (!name.empty()) {
      range.parameters.emplace_back(name, std::string(value));
    }
  }
  return range;
}

std::vector<MediaRange> parse_list(std::string_view header) {
  std::vector<MediaRange> ranges;
  while (!header.empty()) {
    const std::string_view piece = take(header, ',');
    if (!piece.empty()) ranges.push_back(parse_range(piece));
  }
  return ranges;
}

}  // namespace

std::string_view MediaRange::parameter(std::string_view name) const {
  const auto found = std::ranges::find(parameters, name, [](const auto& p) { return std::string_view(p.first); });
  return found == parameters.end() ? std::string_view() : std::string_view(found->second);
}

bool MediaRange::covers(std::string_view media_type) const {
  if (type == media_type || type == "*/*") return true;
  return type.ends_with("/*") && media_type.starts_with(std::string_view(type).substr(0, type.size() - 1));
}

std::vector<MediaRange> accepted(const HttpRequest& request) {
  std::vector<MediaRange> ranges;
  for (MediaRange& range : parse_list(request.headers.get("accept"))) {
    if (range.quality <= 0) continue;
    const auto place = std::ranges::upper_bound(ranges, range.quality, std::greater<>(), &MediaRange::quality);
    ranges.insert(place, std::move(range));
  }
  if (request.headers.get("accept").empty()) ranges.push_back({.type = "*/*"});
  return ranges;
}

bool accepts_gzip(const HttpRequest& request) {
  return std::ranges::any_of(parse_list(request.headers.get("accept-encoding")), [](const MediaRange& coding) {
    return coding.quality > 0 && (coding.type == "gzip" || coding.type == "*");
  });
}

}  // namespace ph
