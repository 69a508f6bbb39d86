// What the store holds of one kind, kept up to date with every write: the truth that rules are judged by.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "api/codec.h"
#include "api/schema.h"
#include "tests/sim/cluster.h"

namespace ph::sim::swarm {

// Begins with what exists. Must not be outlived by the cluster's last write: make it in `begin`, keep it in the swarm, and let
// the swarm outlive the cluster.
template <class T>
class Shadow {
 public:
  // Called after each change; `before` is null for a creation, `after` for the end.
  using OnChange = std::function<void(const std::string& key, const T* before, const T* after, const Cluster::Write&)>;

  Shadow() = default;
  Shadow(const Shadow&) = delete;
  Shadow& operator=(const Shadow&) = delete;

  void follow(Cluster& cluster, OnChange on_change = {}) {
    const std::string prefix = api::Scheme::builtin().resource(api::schema_of<T>())->storage_prefix + "/";
    for (const T& object : cluster.list<T>()) objects_.emplace(key_of(object).text(), object);
    cluster.on_write([this, prefix, on_change = std::move(on_change)](const Cluster::Write& write) {
      if (!write.key.starts_with(prefix)) return;
      const std::string key = write.key.substr(prefix.size());
      const auto found = objects_.find(key);
      std::optional<T> before;
      if (found != objects_.end()) before = found->second;
      if (write.object.empty()) {
        objects_.erase(key);
      } else {
        T object;
        api::decode_protobuf(write.object, object);
        objects_.insert_or_assign(key, std::move(object));
      }
      if (!on_change) return;
      const auto after = objects_.find(key);
      on_change(key, before ? &*before : nullptr, after == objects_.end() ? nullptr : &after->second, write);
    });
  }

  // By "namespace/name", or "name".
  const std::map<std::string, T>& all() const { return objects_; }
  const T* find(const std::string& key) const {
    const auto found = objects_.find(key);
    return found == objects_.end() ? nullptr : &found->second;
  }
  std::vector<std::string> keys() const {
    std::vector<std::string> out;
    for (const auto& [key, object] : objects_) out.push_back(key);
    return out;
  }

 private:
  std::map<std::string, T> objects_;
};

}  // namespace ph::sim::swarm
