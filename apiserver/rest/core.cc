#include "apiserver/rest/core.h"

#include <set>

#include "api/encoded.h"
#include "api/errors.h"
#include "apiserver/flowcontrol/flow_control.h"
#include "base/anywhere.h"
#include "base/assert.h"

namespace ph::apiserver {
namespace {

// Built-in kinds of which every answer says that they are on their way out; there is one.
std::string deprecation_of(const api::GroupVersionKind& kind) {
  if (kind != api::GroupVersionKind{"", "v1", "Endpoints"}) return {};
  return "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";
}

// Whoever holds it last, it ends on its executor: it has a share in what belongs there.
std::shared_ptr<Served> ends_at_home(Executor& executor, std::shared_ptr<Served> served) {
  Served* const raw = served.get();
  return {raw, [home = &executor, served = std::move(served)](Served*) mutable {
            Executor* const here = Executor::current();
            if (here == home || (here == nullptr && !Anywhere::here())) return;
            home->post([served = std::move(served)] {});
          }};
}

}  // namespace

std::shared_ptr<Served> Serving::find(std::string_view group, std::string_view version, std::string_view plural) const {
  const api::Resource* resource = scheme.resource(group, version, plural);
  return resource == nullptr ? nullptr : served.at(resource);
}

void Serving::check_readable(const Served& served) const {
  if (unreadable.empty()) return;
  const auto found = unreadable.find(served.stored_as ? served.stored_as->prefix : served.prefix);
  if (found != unreadable.end()) throw api::internal(found->second);
}

std::string qualified_resource(const api::Resource& resource) {
  return resource.kind.group.empty() ? resource.plural : resource.plural + "." + resource.kind.group;
}

std::string qualified_kind(const api::GroupVersionKind& kind) {
  return kind.group.empty() ? kind.kind : kind.kind + "." + kind.group;
}

api::Object make_object(const api::Schema& schema) { return api::Object::make(schema); }

api::Object decode_entry(const api::Resource& resource, const Entry& entry) {
  return api::decode_stored(*resource.schema, *entry.protobuf);
}

EntryRef shown(const Served& served, const EntryRef& entry) {
  if (!served.to_shown || !entry) return entry;
  const Served& storage = served.stored_as ? *served.stored_as : served;
  api::Object object =
      served.to_shown(served.converter ? served.converter->decode(*entry) : decode_entry(*storage.resource, *entry));
  auto converted = std::make_shared<Entry>();
  converted->key = entry->key;
  converted->revision = entry->revision;
  converted->protobuf = share(api::encode_stored(object));
  return converted;
}

api::Object to_stored(const Served& served, api::Object object) {
  return served.stored_as ? served.to_stored(object) : std::move(object);
}

Core::Core(Executor& executor, Rng& rng, Store& store, Log log, ServerOptions options)
    : executor(executor),
      rng(rng),
      store(store),
      log(std::move(log)),
      options(std::move(options)),
      front{.options = this->options, .clock = executor.clock(), .rng = rng, .log = this->log},
      hub_(store, executor, this->options.cache),
      writes_(executor) {
  for (const api::Resource& resource : scheme_.resources()) add(resource);
  for (auto& [resource, served] : served_) {
    if (!resource->stored_as) continue;
    served->stored_as = served_.at(scheme_.resource(*scheme_.find(*resource->stored_as)));
    served->to_shown = api::conversion(*resource->stored_as, resource->kind);
    served->to_stored = api::conversion(resource->kind, *resource->stored_as);
    PH_ASSERT(served->to_shown);
    PH_ASSERT(served->to_stored);
  }
  if (this->options.metrics) metrics = std::make_unique<ServerMetrics>(*this->options.metrics, *this);
  front.metrics = metrics.get();
  publish();
}

Core::~Core() = default;

void Core::install(Extensions installed) {
  extensions = std::move(installed);
  front.authenticator = extensions.authenticator.get();
  front.authorizer = extensions.authorizer.get();
  front.tables = extensions.tables.get();
  front.auditor = extensions.auditor;
  front.virtual_resources = &extensions.virtual_resources;
  front.foreign = &extensions.foreign;
  const FlowControlOptions limits{.seats = options.max_requests + options.max_writes, .wait_max = options.request_timeout / 4};
  flows = std::make_unique<FlowControl>(*this, executor.clock(), limits, options.metrics);
  front.flows = flows.get();
}

void Core::set_ready(bool ready) {
  ready_ = ready;
  publish();
}

void Core::publish() {
  std::map<std::string, std::string, std::less<>> unreadable;
  for (const auto& [key, why] : store.unreadable()) {
    for (const auto& [prefix, cache] : caches_) {
      if (key.starts_with(prefix)) unreadable.emplace(prefix, why);
    }
  }
  front.serving.set(std::make_shared<Serving>(Serving{ready_, scheme_, served_, std::move(unreadable)}));
}

void Core::add(const api::Resource& resource) {
  auto served = std::make_shared<Served>();
  served->resource = &resource;
  served->qualified = qualified_resource(resource);
  // Messages name the kind that is stored.
  served->qualified_kind = qualified_kind(resource.stored_as.value_or(resource.kind));
  served->deprecation = deprecation_of(resource.kind);
  const RegistryEntry& entry = registry_entry(resource);
  served->traits = entry.traits;
  auto& rules = rules_[served->qualified];
  if (!rules) rules = entry.make(options);
  served->rules = rules.get();
  if (!resource.storage_prefix.empty()) use_cache(*served);
  enter(std::move(served));
}

void Core::enter(std::shared_ptr<Served> served) {
  served->serial = ++serials_;
  if (const api::Resource& resource = *served->resource; resource.owner) {
    added_[{resource.kind.group, resource.plural}].push_back(&resource);
  }
  served_[served->resource] = std::move(served);
}

void Core::use_cache(Served& served) {
  served.prefix = served.resource->storage_prefix + "/";
  auto& cache = caches_[served.prefix];
  if (!cache) {
    cache = std::make_shared<WatchCache>(hub_, served.prefix, served.has(kSmallWindow) ? WindowSize::Small : WindowSize::Normal);
  }
  served.kept_cache = cache;
  served.cache = cache.get();
}

std::shared_ptr<Served> Core::find(std::string_view group, std::string_view version, std::string_view plural) const {
  assert_on_executor();
  const api::Resource* resource = scheme_.resource(group, version, plural);
  return resource == nullptr ? nullptr : served_.at(resource);
}

Task<void> Core::serve(std::vector<std::shared_ptr<Served>> resources) {
  for (const auto& served : resources) use_cache(*served);
  co_await hub_.fill();
  std::vector<api::ResourceRef> refs;
  for (const auto& served : resources) {
    PH_ASSERT(served->kept_resource);
    forget(served->resource->kind.group, served->resource->plural);
    if (served->listed) refs.push_back(served->kept_resource);
  }
  for (auto& served : resources) enter(ends_at_home(executor, std::move(served)));
  scheme_ = scheme_.with(std::move(refs));
  publish();
  kinds_changed.set();
}

void Core::withdraw(std::string_view group, std::string_view plural) {
  std::set<std::string> prefixes = forget(group, plural);
  scheme_ = scheme_.without(group, plural);
  publish();
  kinds_changed.set();
  for (const std::string& prefix : prefixes) {
    const auto cache = caches_.find(prefix);
    if (cache == caches_.end()) continue;
    cache->second->close();
    caches_.erase(cache);
  }
}

std::set<std::string> Core::forget(std::string_view group, std::string_view plural) {
  std::set<std::string> prefixes;
  const auto found = added_.find(std::tuple(group, plural));
  if (found == added_.end()) return prefixes;
  for (const api::Resource* resource : found->second) {
    const auto entry = served_.find(resource);
    prefixes.insert(entry->second->prefix);
    if (metrics) metrics->forget(*entry->second);
    served_.erase(entry);
  }
  added_.erase(found);
  return prefixes;
}

Served& Core::of(const api::Schema& schema) { return *served_.at(resource(schema)); }

const api::Resource* Core::resource(const api::Schema& schema) const { return scheme_.resource(schema); }

WatchCache* Core::cache(const api::Resource& resource) {
  assert_on_executor();
  const auto found = served_.find(&resource);
  return found == served_.end() ? nullptr : found->second->cache;
}

api::Object Core::read(const api::Resource& resource, const ObjectKey& key) {
  assert_on_executor();
  const auto found = served_.find(&resource);
  if (found == served_.end() || found->second->cache == nullptr) return {};
  const Served& served = *found->second;
  const EntryRef entry = shown(served, served.cache->find(key.text()));
  return entry ? decode_entry(resource, *entry) : api::Object();
}

Task<void> Core::fill() {
  co_await hub_.fill();
  for (auto& [name, rules] : rules_) rules->start(*this);
}

void Core::close() {
  for (auto& [prefix, cache] : caches_) cache->close();
}

}  // namespace ph::apiserver
