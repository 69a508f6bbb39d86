#include "apiserver/maintenance/store_counts.h"

#include "api/schema.h"

namespace ph::apiserver {
namespace {

// Storage prefixes with their slash, and whose they are.
const std::map<std::string, std::string, std::less<>>& prefixes() {
  static const auto kPrefixes = [] {
    std::map<std::string, std::string, std::less<>> out;
    for (const api::Resource& resource : api::Scheme::builtin().resources()) {
      if (resource.storage_prefix.empty() || resource.stored_as) continue;
      const std::string& group = resource.kind.group;
      out.emplace(resource.storage_prefix + "/", group.empty() ? resource.plural : resource.plural + "." + group);
    }
    return out;
  }();
  return kPrefixes;
}

std::string resource_of(std::string_view key) {
  const auto& all = prefixes();
  const auto next = all.upper_bound(key);
  if (next != all.begin() && key.starts_with(std::prev(next)->first)) return std::prev(next)->second;
  constexpr std::string_view kRegistry = "/registry/";
  if (key.starts_with(kRegistry)) key.remove_prefix(kRegistry.size());
  return std::string(key.substr(0, key.find('/', 1)));
}

}  // namespace

void StoreCounts::add(std::string_view key, std::size_t value_bytes) {
  for (Count* count : {&resources[resource_of(key)], &all}) {
    ++count->objects;
    count->bytes += value_bytes;
  }
}

}  // namespace ph::apiserver
