#include "apiserver/registry/resource_rules.h"

namespace ph::apiserver {

#define RESOURCE(group, plural, rules, traits) std::unique_ptr<ResourceRules> rules(const ServerOptions&);
#include "apiserver/registry/registry.def"
#undef RESOURCE

std::unique_ptr<ResourceRules> plain(const ServerOptions&) { return std::make_unique<ResourceRules>(); }

namespace {

constexpr RegistryEntry kEntries[] = {
#define RESOURCE(group, plural, rules, traits) {group, plural, traits, &rules},
#include "apiserver/registry/registry.def"
#undef RESOURCE
};
constexpr RegistryEntry kPlainEntry{"", "", kPlain, &plain};

}  // namespace

const RegistryEntry& registry_entry(const api::Resource& resource) {
  for (const RegistryEntry& entry : kEntries) {
    if (entry.group == resource.kind.group && entry.plural == resource.plural) return entry;
  }
  return kPlainEntry;
}

}  // namespace ph::apiserver
