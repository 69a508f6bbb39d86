// What is plugged into the apiserver around its generic verbs: access, admission, and the paths that are not resources.
//
// Everything here is called on the apiserver's executor unless it says otherwise. Made with the server's `reader()` and
// handed over by `ApiServer::install` before `start`.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apiserver/access.h"
#include "apiserver/admission/webhook/transports.h"
#include "apiserver/cache/cache.h"
#include "base/time.h"
#include "base/transport.h"
#include "meta/v1.pb.h"

namespace ph::apiserver {

namespace audit {
class Auditor;  // apiserver/audit/auditor.h
}

// Answers paths outside the resources: discovery, OpenAPI, version, health, metrics. Asked after authentication and
// authorization, in the order of the list; nothing means "not mine", and when nobody answers the client gets 404.
// Paths that only name a group or version (/api, /api/v1, /apis/apps, /apis/apps/v1) come here too.
class PathHandler {
 public:
  virtual ~PathHandler() = default;
  // The request and the identity outlive the task. Throws ApiError.
  virtual Task<std::optional<HttpResponse>> try_handle(const HttpRequest& request, const Identity& user) = 0;
};

// What of each object a table row carries (`?includeObject=`).
enum class IncludeObject { Metadata, None, Object };

struct TableOptions {
  IncludeObject include = IncludeObject::Metadata;
  bool column_definitions = true;  // only the first event of a watch has them
  bool beta = false;               // meta.k8s.io/v1beta1 instead of v1
  Time now;                        // ages are counted up to here
};

// Makes the JSON text of a meta.k8s.io/v1 Table, in parts: the beginning, rows with commas between them, and "]}". Threads: any
// (it runs where large bodies are rendered), from const data.
class TableConverter {
 public:
  virtual ~TableConverter() = default;
  // `metadata`: of the table (resourceVersion, continue, remainingItemCount).
  virtual void begin(const api::Resource& resource, const meta::v1::ListMeta& metadata, const TableOptions& options,
                     std::string& out) const = 0;
  virtual void append_rows(const api::Resource& resource, std::span<const EntryRef> entries, const TableOptions& options,
                           std::string& out) const = 0;

  std::string table(const api::Resource& resource, std::span<const EntryRef> entries, const meta::v1::ListMeta& metadata,
                    const TableOptions& options) const {
    std::string out;
    begin(resource, metadata, options, out);
    append_rows(resource, entries, options, out);
    return out += "]}";
  }
};

// Sub-resources with a protocol of their own (pods/log). The references outlive the task.
class SubresourceHandler {
 public:
  virtual ~SubresourceHandler() = default;
  virtual Task<HttpResponse> handle(const HttpRequest& request, const RequestInfo& info, const Identity& user) = 0;
};

// A group and version that is none of the scheme's: it is in discovery, and its requests are handed on as they are, once their sender
// is known and may ask. Lives as long as the server.
class ForeignGroup {
 public:
  virtual ~ForeignGroup() = default;
  // All of one group and version, by name. They stay as they are.
  virtual std::span<const api::Resource> resources() const = 0;
  // What `info` says is the path's alone: whether there is such a resource, and what can be done with it, is judged here. The
  // references outlive the task. Throws ApiError.
  virtual Task<HttpResponse> handle(const HttpRequest& request, const RequestInfo& info, const Identity& user) = 0;
};
// By "group/version".
using ForeignGroups = std::map<std::string, std::shared_ptr<ForeignGroup>, std::less<>>;

struct Extensions {
  // Null: everybody is anonymous, unless the connection says otherwise (Peer::identity is looked at by the authenticator).
  std::unique_ptr<Authenticator> authenticator;
  // Null: everything is allowed.
  std::unique_ptr<Authorizer> authorizer;
  // In the order they run.
  std::vector<std::unique_ptr<AdmissionPlugin>> admission;
  std::vector<std::unique_ptr<PathHandler>> paths;
  // Null: tables are not served (406).
  std::unique_ptr<TableConverter> tables;
  // By "plural.group" or "plural.group/subresource", the group left out for core: "tokenreviews.authentication.k8s.io",
  // "serviceaccounts/token". The body is decoded, defaulted and validated before, and answered with 201 after.
  std::map<std::string, std::unique_ptr<VirtualResource>> virtual_resources;
  // By "plural.group/subresource": "pods/log".
  std::map<std::string, std::unique_ptr<SubresourceHandler>> subresources;
  // Outlives the server and all it has answered. Null: nothing is audited.
  const audit::Auditor* auditor = nullptr;
  ForeignGroups foreign;
  // How conversion webhooks are reached; empty: their calls fail. Services are asked at their endpoints, not at their own address.
  WebhookTransports webhooks;
  bool webhooks_at_endpoints = false;
  // Run one after the other at the end of the server's start, when requests are served already.
  std::vector<std::function<Task<void>()>> at_start;
};

}  // namespace ph::apiserver
