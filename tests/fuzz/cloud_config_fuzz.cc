// The file of --cloud-config: refused in words, or pools whose ranges begin before they end and have nothing in common.
#include "base/assert.h"
#include "controllers/cloud/local_config.h"
#include "tests/fuzz/fuzzers.h"

namespace ph::fuzz {

using controllers::cloud::Addresses, controllers::cloud::ConfigError, controllers::cloud::LocalConfig;

void cloud_config(std::string_view input) {
  LocalConfig config;
  try {
    config = controllers::cloud::read_local_config(input);
  } catch (const ConfigError& error) {
    PH_ASSERT(*error.what() != '\0');
    return;
  }
  std::vector<Addresses> all;
  for (const auto& pool : config.pools) {
    PH_ASSERT(!pool.addresses.empty());
    all.insert(all.end(), pool.addresses.begin(), pool.addresses.end());
  }
  for (const Addresses& range : all) {
    PH_ASSERT(range.contains(range.first) && range.contains(range.last));
    for (const Addresses& other : all) PH_ASSERT(&other == &range || !other.contains(range.first));
    const Addresses again = controllers::cloud::read_addresses(range.first.text() + "-" + range.last.text());
    PH_ASSERT(again.first.bytes == range.first.bytes && again.last.bytes == range.last.bytes);
  }
}

}  // namespace ph::fuzz
