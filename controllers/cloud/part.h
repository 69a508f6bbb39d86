// What a loop takes of the cloud when it is constructed.
#pragma once

#include <memory>
#include <string_view>

#include "controllers/cloud/provider.h"
#include "controllers/runtime/loop.h"
#include "controllers/runtime/options.h"

namespace ph::controllers::cloud {

// Makes the loop's provider, and gives the part that it works with. Null: there is no cloud, or it has no such part, which is told
// with the words of `lacks`.
template <class Part>
Part* part_of(const World& world, std::shared_ptr<Provider>& provider, Part* (Provider::*part)(), std::string_view lacks) {
  if (!world.options->cloud.provider) return nullptr;
  provider = world.options->cloud.provider(world);
  Part* out = (provider.get()->*part)();
  if (!out) world.log.warning(lacks, "provider", provider->name());
  return out;
}

}  // namespace ph::controllers::cloud
