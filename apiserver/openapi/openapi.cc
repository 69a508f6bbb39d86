#include "apiserver/openapi/openapi.h"

#include <atomic>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "apiserver/discovery/document.h"
#include "apiserver/openapi/documents.h"
#include "apiserver/openapi/gnostic.h"
#include "apiserver/openapi/operations.h"
#include "apiserver/rest/gzip.h"
#include "base/accept.h"

namespace ph::apiserver {

namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kProtobufV2 = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
// As older clients spell it; no media type may hold an @, so it is never sent back.
constexpr std::string_view kProtobufV2Old = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

// A document that is made when first asked for. Threads: any.
class Lazy {
 public:
  Lazy(std::string content_type, std::function<std::string()> make)
      : content_type_(std::move(content_type)), make_(std::move(make)) {}

  const Document& get() {
    std::call_once(once_, [this] {
      document_ = std::make_unique<Document>(make_(), content_type_);
      made_.store(true, std::memory_order_release);
    });
    return *document_;
  }
  // Null as long as it has not been made.
  const Document* if_made() const { return made_.load(std::memory_order_acquire) ? document_.get() : nullptr; }
  const std::string& content_type() const { return content_type_; }

 private:
  std::string content_type_;
  std::function<std::string()> make_;
  std::once_flag once_;
  std::atomic<bool> made_ = false;
  std::unique_ptr<Document> document_;
};

}  // namespace

class OpenApiCatalog {
 public:
  // What has not changed since `before` is taken from there.
  OpenApiCatalog(api::Scheme scheme, const OpenApiCatalog* before)
      : scheme_(std::move(scheme)),
        v2_(std::string(kJson), [scheme = scheme_] { return openapi_v2(scheme.resources()); }),
        v2_protobuf_(std::string(kProtobufV2), [this] { return gnostic_v2(v2_.get().body()); }),
        index_(std::string(kJson), [this] { return index_json(); }) {
    for (OtherPath& other : other_paths(scheme_.resources())) {
      const std::string name = other.document;
      v3_[name].document = std::make_shared<Lazy>(std::string(kJson), [other = std::move(other)] { return openapi_v3(other); });
    }
    for (const api::Resource& resource : scheme_.resources()) {
      v3_[group_version_path(resource.kind.group, resource.kind.version)].resources.push_back(&resource);
    }
    for (auto& [path, group] : v3_) {
      if (group.document) continue;  // it is about no resource
      const auto known = before ? before->v3_.find(path) : v3_.end();
      group.document = before && known != before->v3_.end() && known->second.resources == group.resources
                           ? known->second.document
                           : std::make_shared<Lazy>(std::string(kJson), [scheme = scheme_, kind = group.resources.front()->kind] {
                               return openapi_v3(scheme.resources(), kind.group, kind.version);
                             });
    }
  }

  const api::Scheme& scheme() const { return scheme_; }

  // Null when there is no such document.
  Lazy* find(const HttpRequest& request) {
    std::string_view path = request.path();
    if (path.ends_with('/')) path.remove_suffix(1);
    if (path == "/openapi/v2") return &by_form(request);
    if (path == "/openapi/v3") return &json_only(request, index_);
    static constexpr std::string_view kPrefix = "/openapi/v3/";
    if (!path.starts_with(kPrefix)) return nullptr;
    const auto found = v3_.find(path.substr(kPrefix.size()));
    return found == v3_.end() ? nullptr : &json_only(request, *found->second.document);
  }

 private:
  Lazy& by_form(const HttpRequest& request) {
    for (const MediaRange& range : accepted(request)) {
      if (range.covers(kJson)) return v2_;
      if (range.type == kProtobufV2 || range.type == kProtobufV2Old) return v2_protobuf_;
    }
    throw api::not_acceptable(std::string(kJson) + ", " + std::string(kProtobufV2));
  }

  Lazy& json_only(const HttpRequest& request, Lazy& document) {
    for (const MediaRange& range : accepted(request)) {
      if (range.covers(kJson)) return document;
    }
    throw api::not_acceptable(kJson);
  }

  std::string index_json() {
    nlohmann::json paths = nlohmann::json::object();
    for (auto& [path, group] : v3_) {
      paths[path] = {{"serverRelativeURL", "/openapi/v3/" + path + "?hash=" + group.document->get().tag()}};
    }
    return nlohmann::json{{"paths", std::move(paths)}}.dump();
  }

  struct GroupVersion {
    std::vector<const api::Resource*> resources;
    std::shared_ptr<Lazy> document;
  };

  api::Scheme scheme_;
  Lazy v2_, v2_protobuf_, index_;
  std::map<std::string, GroupVersion, std::less<>> v3_;
};

namespace {

// The address with the hash of its contents never shows anything else.
void add_expiry(const HttpRequest& request, const Document& document, HttpResponse& response) {
  if (request.query().find("hash=" + document.tag()) == std::string_view::npos) return;
  response.headers.set("Cache-Control", "public, immutable");
  response.headers.set("Expires", "Fri, 31 Dec 2100 23:59:59 GMT");
}

// The first one to ask waits for the document without holding up others; only its ETag cannot be told him.
HttpResponse answer_later(const HttpRequest& request, std::shared_ptr<OpenApiCatalog> catalog, Lazy* document) {
  HttpResponse response;
  const bool compress = accepts_gzip(request);
  response.headers.add("Content-Type", document->content_type());
  response.headers.add("Vary", "Accept");
  if (compress) response.headers.add("Content-Encoding", "gzip");
  response.render = [catalog = std::move(catalog), document, compress] {
    const std::string& body = document->get().body();
    return std::vector<SharedBytes>{share(compress ? gzip(body) : body)};
  };
  return response;
}

}  // namespace

OpenApiHandler::OpenApiHandler(const ObjectReader& reader)
    : reader_(reader), catalog_(std::make_shared<OpenApiCatalog>(reader.scheme(), nullptr)) {}
OpenApiHandler::~OpenApiHandler() = default;

Task<std::optional<HttpResponse>> OpenApiHandler::try_handle(const HttpRequest& request, const Identity&) {
  if (!request.path().starts_with("/openapi/")) co_return std::nullopt;
  if (!(catalog_->scheme() == reader_.scheme())) {
    catalog_ = std::make_shared<OpenApiCatalog>(reader_.scheme(), catalog_.get());
  }
  Lazy* lazy = catalog_->find(request);
  if (!lazy) co_return std::nullopt;
  const Document* document = lazy->if_made();
  if (!document) co_return answer_later(request, catalog_, lazy);
  HttpResponse response = document->answer(request);
  add_expiry(request, *document, response);
  co_return response;
}

}  // namespace ph::apiserver
