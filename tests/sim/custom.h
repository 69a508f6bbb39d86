// Custom kinds in a simulated cluster: their definitions, and their objects as an administrator sees them.
#pragma once

#include <optional>
#include <string>

#include "apiextensions/v1.pb.h"
#include "meta/v1.pb.h"
#include "tests/sim/cluster.h"

namespace ph::sim {

// A built-in kind may be one, too, as far as its objects are but metadata.
struct CustomKind {
  std::string group = "shop.example.com", plural = "widgets", kind = "Widget";
  bool namespaced = true;

  std::string name() const { return plural + "." + group; }
  std::string api_version() const { return group.empty() ? "v1" : group + "/v1"; }
  // As discovery would name it.
  api::Resource resource() const;
};

// With one version and no rules for its objects.
apiextensions::v1::CustomResourceDefinition make_definition(const CustomKind& kind);

// Requests of an administrator. Failures are thrown (api::ApiError).
meta::v1::ObjectMeta create_custom(Cluster& cluster, const CustomKind& kind, const meta::v1::ObjectMeta& metadata);
std::optional<meta::v1::ObjectMeta> find_custom(Cluster& cluster, const CustomKind& kind, const std::string& key);
informers::Removed remove_custom(Cluster& cluster, const CustomKind& kind, const std::string& key,
                                 informers::DeleteOptions options = {});
// A JSON merge patch.
void patch_custom(Cluster& cluster, const CustomKind& kind, const std::string& key, const std::string& patch);

meta::v1::ObjectMeta metadata_of(const std::string& key);
// An owner reference to an object; `blocks`: its foreground deletion waits.
void add_owner(meta::v1::ObjectMeta* metadata, const std::string& api_version, const std::string& kind,
               const meta::v1::ObjectMeta& owner, bool blocks = true);

}  // namespace ph::sim
