#include "apiserver/rest/negotiate.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "api/errors.h"
#include "apiserver/rest/query.h"
#include "base/ascii.h"

namespace ph::apiserver {
namespace {

constexpr std::string_view kAccept = "accept";
constexpr std::string_view kJson = "application/json";
constexpr std::string_view kYaml = "application/yaml";
constexpr std::string_view kProtobuf = "application/vnd.kubernetes.protobuf";
constexpr std::string_view kProtobufStream = "application/vnd.kubernetes.protobuf;stream=watch";
constexpr std::string_view kSupportedOfDocuments = "application/json, application/yaml";
constexpr std::string_view kSupported = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\"");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\"") - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto end = text.find(at);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

// One range of an Accept header.
struct Range {
  std::string type;
  std::map<std::string, std::string, std::less<>> parameters;
  double quality = 1;

  std::string_view parameter(std::string_view name) const {
    const auto found = parameters.find(name);
    return found == parameters.end() ? std::string_view() : std::string_view(found->second);
  }
};

Range parse_range(std::string_view text) {
  Range range;
  const auto parts = split(text, ';');
  range.type = lower_ascii(trim(parts[0]));
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const auto equals = parts[i].find('=');
    if (equals == std::string_view::npos) continue;
    const std::string name = lower_ascii(trim(parts[i].substr(0, equals)));
    const std::string_view value = trim(parts[i].substr(equals + 1));
    if (name == "q") {
      double quality = 1;
      std::from_chars(value.data(), value.data() + value.size(), quality, std::chars_format::fixed);
      if (quality >= 0 && quality <= 1) range.quality = quality;  // "nan" is neither
    } else {
      range.parameters[name] = std::string(value);
    }
  }
  return range;
}

std::vector<Range> parse_accept(const HttpRequest& request) {
  std::vector<Range> ranges;
  for (const auto& [name, value] : request.headers) {
    if (name.size() != kAccept.size() || lower_ascii(name) != kAccept) continue;
    for (const std::string_view part : split(value, ',')) {
      if (!trim(part).empty()) ranges.push_back(parse_range(part));
    }
  }
  std::ranges::stable_sort(ranges, std::ranges::greater(), &Range::quality);
  return ranges;
}

std::optional<Format> format_of(std::string_view type) {
  if (type == kJson || type == "*/*" || type == "application/*") return Format::Json;
  if (type == kYaml) return Format::Yaml;
  if (type == kProtobuf) return Format::Protobuf;
  return std::nullopt;
}

// Takes what the range asks for into `form`; false when nobody makes that.
bool read_as(const Range& range, Form& form) {
  const std::string_view kind = range.parameter("as"), version = range.parameter("v");
  if (kind.empty()) return true;
  if (range.parameter("g") != "meta.k8s.io" || (version != "v1" && version != "v1beta1")) return false;
  form.as = kind == "Table" ? As::Table : As::PartialMetadata;
  form.of_list = kind == "PartialObjectMetadataList";
  form.beta = version == "v1beta1";
  return kind == "Table" || form.of_list || kind == "PartialObjectMetadata";
}

// Upstream's router looks before anybody else does, and knows whole types alone.
bool is_routed(const std::vector<Range>& ranges) {
  return std::ranges::any_of(ranges, [](const Range& range) { return range.type != "application/*" && format_of(range.type); });
}

api::ApiError not_routed() {
  meta::v1::Status status = api::not_acceptable({}).status();
  status.set_message(fmt::format("406: Not Acceptable\n\nAvailable representations: {}", kSupported));
  status.mutable_details();
  return api::ApiError(std::move(status));
}

bool wants_pretty(const HttpRequest& request) {
  const Query query = Query::parse(request.query());
  if (query.has("pretty")) return query.flag("pretty");
  const std::string_view agent = request.headers.get("User-Agent");
  return agent.starts_with("curl") || agent.starts_with("Wget") || agent.starts_with("Mozilla/5.0");
}

}  // namespace

Form negotiate(const HttpRequest& request, bool stream, bool tables, bool protobuf) {
  Form form;
  form.pretty = wants_pretty(request) && !stream;
  form.gzip = !stream && request.headers.get("Accept-Encoding").find("gzip") != std::string_view::npos;
  const std::vector<Range> ranges = parse_accept(request);
  if (ranges.empty()) return form;
  if (protobuf && !is_routed(ranges)) throw not_routed();
  for (const Range& range : ranges) {
    const auto format = format_of(range.type);
    Form wanted = form;
    if (!format || !read_as(range, wanted) || range.quality <= 0) continue;
    if (stream && *format == Format::Yaml) continue;
    if (*format == Format::Protobuf && wanted.as == As::Object && !protobuf) continue;
    if (wanted.as == As::Table && (!tables || *format == Format::Protobuf)) continue;
    wanted.format = *format;
    return wanted;
  }
  throw api::not_acceptable(protobuf ? kSupported : kSupportedOfDocuments);
}

std::string_view content_type(Format format, bool stream) {
  switch (format) {
    case Format::Json: return kJson;
    case Format::Yaml: return kYaml;
    case Format::Protobuf: return stream ? kProtobufStream : kProtobuf;
  }
  return kJson;
}

std::string media_type(std::string_view header) { return lower_ascii(trim(header.substr(0, header.find(';')))); }

Format body_format(const HttpRequest& request) {
  const std::string_view header = request.headers.get("Content-Type");
  if (header.empty()) return Format::Json;
  const std::string type = media_type(header);
  if (type == kJson || type == kYaml || type == kProtobuf) return *format_of(type);
  throw api::unsupported_media_type(
      fmt::format("the body of the request was in an unknown format - accepted media types include: {}", kSupported));
}

bool is_apply(const HttpRequest& request) {
  return media_type(request.headers.get("Content-Type")) == "application/apply-patch+yaml";
}

}  // namespace ph::apiserver
