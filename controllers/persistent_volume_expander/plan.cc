#include "controllers/persistent_volume_expander/plan.h"

#include <fmt/format.h>

#include "api/csi_migration.h"
#include "api/quantity.h"

namespace ph::controllers::volume_expander {
namespace {

// Of a volume whose file system has not grown with it yet.
constexpr const char* kPreResizeCapacity = "volume.alpha.kubernetes.io/pre-resize-capacity";

template <class Map>
api::Quantity storage_of(const Map& amounts) {
  const auto found = amounts.find("storage");
  if (found == amounts.end()) return {};
  return api::Quantity::parse(found->second.string()).value_or(api::Quantity());
}

api::Quantity asked(const Claim& claim) { return storage_of(claim.spec().resources().requests()); }

}  // namespace

bool asks_for_more(const Claim* before, const Claim* after) {
  if (!after || after->status().phase() != "Bound") return false;
  const bool is_new = !before || before->metadata().uid() != after->metadata().uid();
  return is_new || asked(*before) < asked(*after);
}

std::optional<Expansion> plan(const Claim& claim, const Volume& volume) {
  const bool is_grown = !(storage_of(claim.status().capacity()) < asked(claim));
  if (is_grown && !volume.metadata().annotations().contains(kPreResizeCapacity)) return std::nullopt;
  if (const auto moved = api::migrated(volume)) {
    return Expansion{.message = fmt::format("CSI migration enabled for {}; waiting for external resizer to expand the pvc",
                                            moved->plugin->in_tree),
                     .resizer = std::string(moved->plugin->driver)};
  }
  return Expansion{.message = "waiting for an external controller to expand this PVC", .resizer = {}};
}

}  // namespace ph::controllers::volume_expander
