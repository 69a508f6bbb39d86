// What the verbs share: the served resources with their caches and rules, and one request on its way.
#pragma once

#include <exception>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/rules.h"
#include "api/schema.h"
#include "apiserver/cache/cache.h"
#include "apiserver/extensions.h"
#include "apiserver/registry/resource_rules.h"
#include "apiserver/rest/frames.h"
#include "apiserver/rest/metrics.h"
#include "apiserver/rest/negotiate.h"
#include "apiserver/rest/query.h"
#include "apiserver/server.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/sync.h"

namespace ph::apiserver {

// A resource in the form it is stored in.
struct Served {
  const api::Resource* resource = nullptr;
  std::string prefix;          // "/registry/pods/"
  std::string qualified;       // "deployments.apps"
  std::string qualified_kind;  // "Deployment.apps"
  WatchCache* cache = nullptr; // null: nothing is stored
  ResourceRules* rules = nullptr;
  const api::KindRules* kind_rules = nullptr;
  unsigned traits = kPlain;
  // Another kind's objects shown as this one (events.k8s.io over core events): the resource that stores them.
  Served* stored_as = nullptr;
  FrameCache frames;

  bool has(Trait trait) const { return (traits & trait) != 0; }
};

// The insides of the server. Everything in it belongs to its executor.
class Core final : public ObjectReader {
 public:
  Core(Executor& executor, Rng& rng, Store& store, Log log, ServerOptions options);
  ~Core() override;

  // Null when nothing of that name is served.
  Served* find(std::string_view group, std::string_view version, std::string_view plural);
  Served& of(const api::Schema& schema);

  // ObjectReader
  const api::Resource* resource(const api::Schema& schema) const override;
  WatchCache* cache(const api::Resource& resource) override;
  std::unique_ptr<Message> read(const api::Resource& resource, const ObjectKey& key) override;
  using ObjectReader::read;

  Task<void> fill();
  void close();

  Time now() const { return executor.clock().now(); }

  Executor& executor;
  Rng& rng;
  Store& store;
  Log log;
  ServerOptions options;
  Extensions extensions;
  bool ready = false;
  std::unique_ptr<ServerMetrics> metrics;  // null: nothing is counted

  // Writes under way: they are carried to their end though their client may be gone, or tired of waiting.
  Scope& writes() { return writes_; }

 private:
  void add(const api::Resource& resource);

  CacheHub hub_;
  std::map<std::string, std::unique_ptr<WatchCache>> caches_;      // by prefix
  std::map<std::string, std::unique_ptr<ResourceRules>> rules_;    // by qualified name
  std::map<const api::Resource*, std::unique_ptr<Served>> served_;
  std::vector<WatchCache*> cache_order_;
  Scope writes_;  // the first to go
};

// One request on its way through the server; lives as long as its handling.
struct Call {
  HttpRequest request;
  RequestInfo info;
  Query query;
  Identity user;
  Form form;
  std::exception_ptr unacceptable;  // why the form that was asked for cannot be given
  Steady deadline = Steady::max();
  Served* served = nullptr;
  const api::Subresource* subresource = nullptr;
  std::vector<std::string> warnings;
  bool watching = false;  // a watch has begun, which counts itself at its end

  // A namespace's own path names it twice.
  ObjectKey key() const { return {served->resource->namespaced ? info.namespace_name : std::string(), info.name}; }
};

// "deployments.apps"
std::string qualified_resource(const api::Resource& resource);
std::string qualified_kind(const api::GroupVersionKind& kind);

// A new empty object of the kind; the object of a stored entry.
std::unique_ptr<Message> make_object(const api::Schema& schema);
std::unique_ptr<Message> decode_entry(const api::Resource& resource, const Entry& entry);

// The entry as the resource shows it: itself, or converted (events).
EntryRef shown(const Served& served, const EntryRef& entry);
// And back: the object in the form it is stored in.
std::unique_ptr<Message> to_stored(const Served& served, std::unique_ptr<Message> object);

}  // namespace ph::apiserver
