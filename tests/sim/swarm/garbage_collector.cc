// garbagecollector: a random graph of owners and dependents (several owners, blocking or not, owners of unknown kinds, circles),
// deleted in the background, in the foreground, or orphaning; owners made again under their names; things held by finalizers.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "tests/sim/builders.h"
#include "tests/sim/swarm/shadow.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using core::v1::ConfigMap;
using meta::v1::ObjectMeta;
using meta::v1::OwnerReference;

constexpr const char* kLoop = ":generic-garbage-collector";
constexpr const char* kHeld = "example.com/held";
constexpr const char* kForeground = "foregroundDeletion";
constexpr const char* kOrphan = "orphan";

bool has_finalizer(const ObjectMeta& metadata, std::string_view finalizer) {
  return std::ranges::find(metadata.finalizers(), finalizer) != metadata.finalizers().end();
}

// All objects are ConfigMaps: the collector knows metadata only.
class GarbageCollector final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("garbagecollector"); }
  Faults faults() const override { return two_managers(60s, 0.02); }

  void begin() override {
    maps_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (after && after->metadata().has_deletion_timestamp()) note_leaving(after->metadata());
      if (before && write.author.ends_with(kLoop)) by_the_loop(key, before->metadata(), after ? &after->metadata() : nullptr);
    });
    for (int i = draw().between(2, 6); i > 0; --i) make();
  }

  void act() override {
    switch (draw().between(0, 9)) {
      case 0: case 1: case 2: case 3: return make();
      case 4: case 5: case 6: return remove();
      case 7: return add_owner();
      case 8: return drop_owners();
      default: return release();
    }
  }

  void settle() override {
    for (const std::string& key : maps_.keys()) {
      const ConfigMap* map = maps_.find(key);
      if (map && has_finalizer(map->metadata(), kHeld)) let_go(key);
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, map] : maps_.all()) {
      const ObjectMeta& metadata = map.metadata();
      if (metadata.has_deletion_timestamp()) {
        if (is_blocked_for_good(metadata.uid(), {})) continue;
        out.push_back(fmt::format("{} is still on its way out ({})", key, fmt::join(metadata.finalizers(), " ")));
        continue;
      }
      int solid = 0, absent = 0, unknown = 0;
      for (const OwnerReference& owner : metadata.owner_references()) {
        if (owner.kind() != "ConfigMap") ++unknown;
        else live(owner.uid()) ? ++solid : ++absent;
      }
      if (absent == 0 || unknown > 0) continue;
      out.push_back(solid == 0 ? key + " has lost all its owners" : key + " still names an owner that is gone");
    }
    for (const auto& [uid, key] : orphaned_) {
      if (collected_.contains(uid)) out.push_back(key + " was orphaned, and collected all the same");
    }
    return out;
  }

 private:
  const ConfigMap* live(const std::string& uid) const {
    for (const auto& [key, map] : maps_.all()) {
      if (map.metadata().uid() == uid) return &map;
    }
    return nullptr;
  }

  // Something that waits for it, or for what that waits for, has an owner of a kind nobody knows, and so is never deleted.
  bool is_blocked_for_good(const std::string& uid, std::set<std::string> seen) const {
    if (!seen.insert(uid).second) return false;
    for (const auto& [key, map] : maps_.all()) {
      bool blocks = false, unknown = false;
      for (const OwnerReference& owner : map.metadata().owner_references()) {
        blocks = blocks || (owner.uid() == uid && owner.block_owner_deletion());
        unknown = unknown || owner.kind() != "ConfigMap";
      }
      if (!blocks) continue;
      if (unknown || (map.metadata().has_deletion_timestamp() && is_blocked_for_good(map.metadata().uid(), seen))) return true;
    }
    return false;
  }

  // A user may change his mind about how, and the caches may not know yet.
  void note_leaving(const ObjectMeta& metadata) {
    if (has_finalizer(metadata, kForeground)) waiting_.insert(metadata.uid());
    if (has_finalizer(metadata, kOrphan)) orphaning_.insert(metadata.uid());
  }
  bool is_gone(const std::string& uid) const { return live(uid) == nullptr; }

  void by_the_loop(const std::string& key, const ObjectMeta& before, const ObjectMeta* after) {
    const bool ends = !before.has_deletion_timestamp() && (!after || after->has_deletion_timestamp());
    if (ends) return collected(key, before);
    if (!after) return;
    for (const OwnerReference& owner : before.owner_references()) dropped(key, owner, *after);
    if (has_finalizer(before, kForeground) && !has_finalizer(*after, kForeground)) {
      judge().reached("foreground deletions carried out");
      blocked(key, before.uid());
    }
    if (has_finalizer(before, kOrphan) && !has_finalizer(*after, kOrphan)) judge().reached("orphaning deletions carried out");
  }

  void collected(const std::string& key, const ObjectMeta& metadata) {
    judge().reached("things collected");
    collected_.insert(metadata.uid());
    if (metadata.owner_references().empty()) judge().never(key + " was deleted, and never had an owner");
    for (const OwnerReference& owner : metadata.owner_references()) {
      if (owner.kind() != "ConfigMap") judge().never(fmt::format("{} was deleted, and nobody knows its owner {}", key, owner.kind()));
      if (!is_gone(owner.uid()) && !waiting_.contains(owner.uid())) judge().never(fmt::format("{} was deleted, and its owner {} lives", key, owner.name()));
    }
  }

  void dropped(const std::string& key, const OwnerReference& owner, const ObjectMeta& after) {
    const bool kept = std::ranges::any_of(after.owner_references(), [&](const auto& each) { return each.uid() == owner.uid(); });
    if (kept) return;
    judge().reached("owners dropped");
    if (is_gone(owner.uid()) || waiting_.contains(owner.uid()) || orphaning_.contains(owner.uid())) return;
    judge().never(fmt::format("{} lost its owner {}, who lives", key, owner.name()));
  }

  // A foreground deletion ends when nobody blocks it any more, as far as the caches know.
  void blocked(const std::string& key, const std::string& uid) {
    for (const auto& [name, map] : maps_.all()) {
      for (const OwnerReference& owner : map.metadata().owner_references()) {
        if (owner.uid() == uid && owner.block_owner_deletion()) judge().reached("foreground deletions that overlooked a newcomer");
      }
    }
  }

  // -- The workload
  std::optional<std::string> some() {
    const auto keys = maps_.keys();
    if (keys.empty()) return std::nullopt;
    return draw().of(keys);
  }

  void own(ConfigMap& map) {
    OwnerReference& owner = *map.mutable_metadata()->add_owner_references();
    if (draw().chance(0.05)) {
      owner.set_api_version("example.com/v1");
      owner.set_kind("Gadget");
      owner.set_name("gadget");
      owner.set_uid("00000000-0000-4000-8000-000000000001");
      return;
    }
    const auto key = some();
    const ConfigMap* found = key ? maps_.find(*key) : nullptr;
    // Nobody owns itself: a foreground deletion would wait for itself.
    const bool itself = found && found->metadata().name() == map.metadata().name();
    const bool again = found && std::ranges::any_of(map.metadata().owner_references(),
                                                    [&](const auto& each) { return each.uid() == found->metadata().uid(); });
    if (!found || itself || again) {
      map.mutable_metadata()->mutable_owner_references()->RemoveLast();
      return;
    }
    owner.set_api_version("v1");
    owner.set_kind("ConfigMap");
    owner.set_name(found->metadata().name());
    owner.set_uid(found->metadata().uid());
    if (draw().chance(0.5)) owner.set_block_owner_deletion(true);
  }

  void make() {
    ConfigMap map = make_config_map(fmt::format("default/map-{}", draw().between(0, 24)));
    for (int i = draw().between(0, 2); i > 0; --i) own(map);
    if (draw().chance(0.1)) map.mutable_metadata()->add_finalizers(kHeld);
    attempt([&] { cluster().create(map); });
  }

  void remove() {
    const auto key = some();
    if (!key) return;
    const ConfigMap found = *maps_.find(*key);
    const int how = draw().between(0, 3);
    if (how == 0 && !found.metadata().has_deletion_timestamp()) note_orphans(found.metadata().uid());
    if (how != 0) forget_orphans(found.metadata().uid());
    attempt([&] {
      cluster().remove<ConfigMap>(*key, how == 0   ? informers::DeleteOptions::orphan()
                                        : how == 1 ? informers::DeleteOptions::foreground()
                                                   : informers::DeleteOptions::background());
    });
  }

  // Those that have this owner alone, and whom the collector has had the time to see.
  void note_orphans(const std::string& uid) {
    for (const auto& [key, map] : maps_.all()) {
      const ObjectMeta& metadata = map.metadata();
      if (metadata.owner_references_size() != 1 || metadata.owner_references(0).uid() != uid) continue;
      if (!metadata.has_deletion_timestamp()) orphaned_.emplace(metadata.uid(), key);
    }
  }
  // The user thought better of it.
  void forget_orphans(const std::string& uid) {
    for (const auto& [key, map] : maps_.all()) {
      for (const OwnerReference& owner : map.metadata().owner_references()) {
        if (owner.uid() == uid) orphaned_.erase(map.metadata().uid());
      }
    }
  }
  // What users do to it themselves is their affair.
  void forget_orphan(const std::string& key) {
    if (const ConfigMap* map = maps_.find(key)) orphaned_.erase(map->metadata().uid());
  }

  void add_owner() {
    const auto key = some();
    if (!key) return;
    forget_orphan(*key);
    attempt([&] { cluster().edit<ConfigMap>(*key, [this](ConfigMap& map) { own(map); }); });
  }
  void drop_owners() {
    const auto key = some();
    if (!key) return;
    attempt([&] { cluster().edit<ConfigMap>(*key, [](ConfigMap& map) { map.mutable_metadata()->clear_owner_references(); }); });
  }
  void release() {
    const auto key = some();
    if (key) let_go(*key);
  }
  void let_go(const std::string& key) {
    attempt([&] {
      cluster().edit<ConfigMap>(key, [](ConfigMap& map) {
        auto& finalizers = *map.mutable_metadata()->mutable_finalizers();
        finalizers.erase(std::remove(finalizers.begin(), finalizers.end(), kHeld), finalizers.end());
      });
    });
  }

  Shadow<ConfigMap> maps_;
  std::set<std::string> collected_, waiting_, orphaning_;  // UIDs
  std::map<std::string, std::string> orphaned_;   // UID → key of what must survive its owner
};

}  // namespace

std::unique_ptr<Swarm> garbage_collector() { return std::make_unique<GarbageCollector>(); }

}  // namespace ph::sim::swarm
