// What the verbs share: the served resources with their caches and rules, and one request on its way.
#pragma once

#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "api/convert.h"
#include "api/object.h"
#include "api/rules.h"
#include "api/schema.h"
#include "apiserver/admission/trace.h"
#include "apiserver/cache/cache.h"
#include "apiserver/extensions.h"
#include "apiserver/flowcontrol/flow.h"
#include "apiserver/registry/resource_rules.h"
#include "apiserver/rest/converter.h"
#include "apiserver/rest/frames.h"
#include "apiserver/rest/front.h"
#include "apiserver/rest/lines.h"
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
  std::uint64_t serial = 0;     // of all that was ever served, from 1 on
  std::string prefix;           // "/registry/pods/"
  std::string qualified;        // "deployments.apps"
  std::string qualified_kind;   // "Deployment.apps"
  WatchCache* cache = nullptr;  // null: nothing is stored
  ResourceRules* rules = nullptr;
  // What of it is not the server's for good: of custom resources.
  api::ResourceRef kept_resource;
  std::shared_ptr<WatchCache> kept_cache;
  std::shared_ptr<ResourceRules> kept_rules;
  unsigned traits = kPlain;
  // Another kind's objects shown as this one (events.k8s.io over core events, versions of a custom kind): the resource that stores
  // them, and the way there and back.
  std::shared_ptr<Served> stored_as;
  std::function<api::Object(const api::Object&)> to_shown, to_stored;
  // Who converts, when it is somebody outside: then the two above are for work that is run by `Conversions`. Null: nobody.
  std::shared_ptr<Converter> converter;
  ShownEntries shown_entries;
  bool listed = true;       // false: a version that only stores
  std::string deprecation;  // a warning with every answer; empty: none
  FrameCache frames;

  bool has(Trait trait) const { return (traits & trait) != 0; }
};

// The insides of the server. Everything in it belongs to its executor.
class Core final : public ObjectReader {
 public:
  Core(Executor& executor, Rng& rng, Store& store, Log log, ServerOptions options);
  ~Core() override;

  // Once, before `fill`.
  void install(Extensions extensions);

  // Null when nothing of that name is served.
  std::shared_ptr<Served> find(std::string_view group, std::string_view version, std::string_view plural) const;
  // Of a built-in kind: there for good.
  Served& of(const api::Schema& schema);

  // Serves what was not built in, in the place of all that had the group and plural of one of them. Made by the caller but for their
  // caches, which they share by their prefix; whoever uses the ones before goes on with those. Filled when it returns.
  Task<void> serve(std::vector<std::shared_ptr<Served>> resources);
  // … no more: its watches end.
  void withdraw(std::string_view group, std::string_view plural);

  // ObjectReader
  const api::Scheme& scheme() const override { return scheme_; }
  const api::Resource* resource(const api::Schema& schema) const override;
  WatchCache* cache(const api::Resource& resource) override;
  api::Object read(const api::Resource& resource, const ObjectKey& key) override;
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
  std::unique_ptr<ServerMetrics> metrics;  // null: nothing is counted
  std::unique_ptr<FlowControl> flows;      // null until extensions are installed: nobody has to wait
  Front front;                             // what other threads may use of all this

  bool ready() const { return ready_; }
  void set_ready(bool ready);

  Lines lines;  // of writes that have lost

  Event kinds_changed;  // set whenever other resources are served than before; reset by whoever follows that

  // Writes under way: they are carried to their end though their client may be gone, or tired of waiting.
  Scope& writes() { return writes_; }

 private:
  void add(const api::Resource& resource);
  void use_cache(Served& served);
  void enter(std::shared_ptr<Served> served);
  // Shows other threads what is served now.
  void publish();
  // Of what is not built in; the prefixes of what it had.
  std::set<std::string> forget(std::string_view group, std::string_view plural);

  api::Scheme scheme_ = api::Scheme::builtin();
  CacheHub hub_;
  std::map<std::string, std::shared_ptr<WatchCache>> caches_;    // by prefix
  std::map<std::string, std::unique_ptr<ResourceRules>> rules_;  // by qualified name
  std::map<const api::Resource*, std::shared_ptr<Served>> served_;
  // Of them, what is not built in: by group and plural, its versions.
  std::map<std::tuple<std::string, std::string>, std::vector<const api::Resource*>, std::less<>> added_;
  std::uint64_t serials_ = 0;
  bool ready_ = false;
  Scope writes_;  // the first to go
};

struct Draft;       // apiserver/rest/write.h
class Conversions;  // apiserver/rest/conversions.h
namespace audit {
class Trail;  // apiserver/audit/auditor.h
}

// One request on its way through the server; lives as long as its handling.
struct Call {
  HttpRequest request;
  std::string audit_id;
  Time received;  // when it is audited
  RequestInfo info;
  Query query;
  Identity user;
  Flow flow;  // as which it waits for its turn
  Form form;
  std::exception_ptr unacceptable;  // why the form that was asked for cannot be given
  Steady deadline = Steady::max();
  std::shared_ptr<Served> held;  // `served`, which may be withdrawn meanwhile
  Served* served = nullptr;
  const api::Subresource* subresource = nullptr;
  bool let_in = false;           // who asks is known, and he may
  api::Object decoded;           // the body, when it has been read already; else none
  bool prepared = false;         // and it has what `prepare_new` gives a new object
  std::shared_ptr<Draft> draft;  // of an update, made ahead
  // What is converted for it; null: nobody outside converts this resource.
  std::shared_ptr<Conversions> conversions;
  std::shared_ptr<audit::Trail> trail;  // null: it is not audited
  std::shared_ptr<void> spent;          // what the write was made with
  std::vector<std::string> warnings;
  std::unique_ptr<AdmissionTrace> trace;  // of what admission changes; null: nobody wants to know
  bool watching = false;                  // a watch has begun, which counts itself at its end

  // A namespace's own path names it twice.
  ObjectKey key() const { return {served->resource->namespaced ? info.namespace_name : std::string(), info.name}; }
};

// "deployments.apps"
std::string qualified_resource(const api::Resource& resource);
std::string qualified_kind(const api::GroupVersionKind& kind);

// A new empty object of the kind; the object of a stored entry.
api::Object make_object(const api::Schema& schema);
api::Object decode_entry(const api::Resource& resource, const Entry& entry);

// The entry as the resource shows it: itself, or converted (events). Where somebody outside converts: see `Conversions`.
EntryRef shown(const Served& served, const EntryRef& entry);
// And back: the object in the form it is stored in.
api::Object to_stored(const Served& served, api::Object object);

}  // namespace ph::apiserver
