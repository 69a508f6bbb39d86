// Objects of the store that are changed past the server's rules: as another server, or one of another version, may have left them.
#pragma once

#include <functional>
#include <string>

#include "api/codec.h"
#include "api/object.h"
#include "tests/sim/cluster.h"

namespace ph::sim {

// Like `Cluster::edit`, but nobody judges what comes of it.
template <class T>
void edit_unjudged(Cluster& cluster, const std::string& key, const std::function<void(T&)>& change) {
  T object = cluster.get<T>(key);
  change(object);
  object.mutable_metadata()->clear_resource_version();
  const std::string prefix = api::Scheme::builtin().resource(api::schema_of<T>())->storage_prefix;
  cluster.plant(prefix + "/" + key, api::encode_envelope(object));
}

}  // namespace ph::sim
