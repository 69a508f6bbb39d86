#include "apiserver/rest/core.h"

#include "api/codec.h"
#include "api/convert.h"
#include "api/kinds.h"

namespace ph::apiserver {

std::string qualified_resource(const api::Resource& resource) {
  return resource.kind.group.empty() ? resource.plural : resource.plural + "." + resource.kind.group;
}

std::string qualified_kind(const api::GroupVersionKind& kind) {
  return kind.group.empty() ? kind.kind : kind.kind + "." + kind.group;
}

std::unique_ptr<Message> make_object(const api::Schema& schema) { return api::Scheme::builtin().make(schema); }

std::unique_ptr<Message> decode_entry(const api::Resource& resource, const Entry& entry) {
  std::unique_ptr<Message> object = make_object(*resource.schema);
  api::decode_envelope(*entry.protobuf, *object);
  return object;
}

EntryRef shown(const Served& served, const EntryRef& entry) {
  if (served.stored_as == nullptr || !entry) return entry;
  core::v1::Event stored;
  api::decode_envelope(*entry->protobuf, stored);
  auto converted = std::make_shared<Entry>();
  converted->key = entry->key;
  converted->revision = entry->revision;
  converted->protobuf = share(api::encode_envelope(api::convert_event(stored)));
  return converted;
}

std::unique_ptr<Message> to_stored(const Served& served, std::unique_ptr<Message> object) {
  if (served.stored_as == nullptr) return object;
  return std::make_unique<core::v1::Event>(api::convert_event(static_cast<const ph::events::v1::Event&>(*object)));
}

Core::Core(Executor& executor, Rng& rng, Store& store, Log log, ServerOptions options)
    : executor(executor), rng(rng), store(store), log(std::move(log)), options(std::move(options)), hub_(store, executor), writes_(executor) {
  for (const api::Resource& resource : api::Scheme::builtin().resources()) add(resource);
  for (auto& [resource, served] : served_) {
    if (resource->stored_as) served->stored_as = &of(*api::Scheme::builtin().find(*resource->stored_as));
  }
  if (this->options.metrics) metrics = std::make_unique<ServerMetrics>(*this->options.metrics, *this);
}

Core::~Core() = default;

void Core::add(const api::Resource& resource) {
  auto served = std::make_unique<Served>();
  served->resource = &resource;
  served->qualified = qualified_resource(resource);
  served->qualified_kind = qualified_kind(resource.kind);
  served->kind_rules = &api::rules_of(*resource.schema);
  const RegistryEntry& entry = registry_entry(resource);
  served->traits = entry.traits;
  auto& rules = rules_[served->qualified];
  if (!rules) rules = entry.make(options);
  served->rules = rules.get();
  if (!resource.storage_prefix.empty()) {
    served->prefix = resource.storage_prefix + "/";
    auto& cache = caches_[served->prefix];
    if (!cache) {
      cache = std::make_unique<WatchCache>(hub_, served->prefix);
      cache_order_.push_back(cache.get());
    }
    served->cache = cache.get();
  }
  served_[&resource] = std::move(served);
}

Served* Core::find(std::string_view group, std::string_view version, std::string_view plural) {
  const api::Resource* resource = api::Scheme::builtin().resource(group, version, plural);
  if (resource == nullptr) return nullptr;
  return served_.at(resource).get();
}

Served& Core::of(const api::Schema& schema) { return *served_.at(resource(schema)); }

const api::Resource* Core::resource(const api::Schema& schema) const { return api::Scheme::builtin().resource(schema); }

WatchCache* Core::cache(const api::Resource& resource) { return served_.at(&resource)->cache; }

std::unique_ptr<Message> Core::read(const api::Resource& resource, const ObjectKey& key) {
  const Served& served = *served_.at(&resource);
  if (served.cache == nullptr) return nullptr;
  const EntryRef entry = shown(served, served.cache->find(key.text()));
  return entry ? decode_entry(resource, *entry) : nullptr;
}

Task<void> Core::fill() {
  co_await hub_.fill();
  for (auto& [name, rules] : rules_) rules->start(*this);
}

void Core::close() {
  for (WatchCache* cache : cache_order_) cache->close();
}

}  // namespace ph::apiserver
