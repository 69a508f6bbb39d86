#include "apiserver/discovery/discovery.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/errors.h"
#include "base/accept.h"

namespace ph::apiserver {

namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kYaml = "application/yaml";
constexpr std::string_view kProtobuf = "application/vnd.kubernetes.protobuf";

// In which form a document is wanted.
struct Form {
  std::string_view media_type;
  bool aggregated = false;
  std::string content_type() const {
    return std::string(media_type) + (aggregated ? ";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList" : "");
  }
};

bool asks_for_aggregated(const MediaRange& range) {
  return range.parameter("as") == "APIGroupDiscoveryList" && range.parameter("g") == "apidiscovery.k8s.io" &&
         range.parameter("v") == "v2";
}

Form negotiate(const HttpRequest& request, bool may_aggregate) {
  for (const MediaRange& range : accepted(request)) {
    for (const std::string_view type : {kJson, kYaml, kProtobuf}) {
      if (!range.covers(type)) continue;
      if (range.parameter("as").empty()) return {type, false};
      if (may_aggregate && asks_for_aggregated(range)) return {type, true};
    }
  }
  throw api::not_acceptable("application/json, application/yaml, application/vnd.kubernetes.protobuf");
}

void replace_first(std::string& text, std::string_view what, std::string_view with) {
  if (const auto at = text.find(what); at != std::string::npos) text.replace(at, what.size(), with);
}

// The core group's documents have always been without an apiVersion in JSON.
std::string encode(const Message& message, const Form& form, bool core) {
  if (form.media_type == kProtobuf) return api::encode_envelope(message);
  std::string json = api::encode_json(message);
  if (!form.aggregated && core) replace_first(json, R"("apiVersion":"v1",)", "");
  return form.media_type == kYaml ? api::json_to_yaml(nlohmann::json::parse(json)) : json;
}

std::vector<std::string> segments(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    const auto slash = path.find('/');
    if (slash != 0) out.emplace_back(path.substr(0, slash));
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  return out;
}

}  // namespace

DiscoveryHandler::DiscoveryHandler(const ObjectReader& reader, std::string server_address, ForeignGroups foreign)
    : reader_(reader), server_address_(std::move(server_address)), foreign_(std::move(foreign)), scheme_(reader.scheme()) {}

Task<std::optional<HttpResponse>> DiscoveryHandler::try_handle(const HttpRequest& request, const Identity&) {
  const std::string path(request.path());
  if (path != "/api" && path != "/apis" && !path.starts_with("/api/") && !path.starts_with("/apis/")) co_return std::nullopt;
  const Document* document = find(path, request);
  if (!document) co_return std::nullopt;
  if (request.method != "GET" && request.method != "HEAD") throw api::method_not_allowed("", request.method);
  co_return document->answer(request);
}

const Document* DiscoveryHandler::find(const std::string& path, const HttpRequest& request) {
  const std::vector<std::string> parts = segments(path);
  const bool core = parts[0] == "api";
  const Form form = negotiate(request, parts.size() == 1);
  if (!(scheme_ == reader_.scheme())) {
    scheme_ = reader_.scheme();
    made_.clear();
  }
  std::string key = fmt::format("{} {}", fmt::join(parts, "/"), form.content_type());
  if (const auto made = made_.find(key); made != made_.end()) return &made->second;

  const Resources own = scheme_.resources();
  std::vector<std::reference_wrapper<const api::Resource>> resources(own.begin(), own.end());
  for (const auto& [version, group] : foreign_) {
    for (const api::Resource& resource : group->resources()) resources.emplace_back(resource);
  }
  std::unique_ptr<Message> message;
  if (parts.size() == 1 && form.aggregated) {
    message = std::make_unique<apidiscovery::v2::APIGroupDiscoveryList>(aggregated(resources, core));
  } else if (parts.size() == 1 && core) {
    message = std::make_unique<meta::v1::APIVersions>(core_versions(server_address_));
  } else if (parts.size() == 1) {
    message = std::make_unique<meta::v1::APIGroupList>(group_list(resources));
  } else if (parts.size() == 2 && !core) {
    auto found = group(resources, parts[1]);
    if (found.name().empty()) return nullptr;
    message = std::make_unique<meta::v1::APIGroup>(std::move(found));
  } else if (parts.size() == (core ? 2 : 3)) {
    auto found = resource_list(resources, core ? "" : parts[1], parts.back());
    if (found.resources().empty()) return nullptr;
    message = std::make_unique<meta::v1::APIResourceList>(std::move(found));
  } else {
    return nullptr;
  }
  return &made_.emplace(std::move(key), Document(encode(*message, form, core), form.content_type())).first->second;
}

}  // namespace ph::apiserver
