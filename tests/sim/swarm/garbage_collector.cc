// garbagecollector: a random graph of owners and dependents (several owners, blocking or not, owners of unknown kinds, circles), of a
// built-in kind and of a custom one whose definition comes and goes; deleted in the background, in the foreground, or orphaning; owners
// made again under their names; things held by finalizers.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/errors.h"
#include "tests/sim/builders.h"
#include "tests/sim/custom.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using apiextensions::v1::CustomResourceDefinition;
using meta::v1::ObjectMeta;
using meta::v1::OwnerReference;

constexpr const char* kLoop = ":generic-garbage-collector";
constexpr const char* kHeld = "example.com/held";
constexpr const char* kForeground = "foregroundDeletion";
constexpr const char* kOrphan = "orphan";

const CustomKind kMaps{"", "configmaps", "ConfigMap"}, kWidgets;

bool has_finalizer(const ObjectMeta& metadata, std::string_view finalizer) {
  return std::ranges::find(metadata.finalizers(), finalizer) != metadata.finalizers().end();
}

struct Thing {
  const CustomKind* kind;
  ObjectMeta metadata;
  Steady since;  // when it was made
};

// What the store holds of both kinds, by "plural/namespace/name".
class Things {
 public:
  using OnChange = std::function<void(const std::string& key, const Thing* before, const Thing* after, const Cluster::Write&)>;

  void follow(Cluster& cluster, OnChange on_change) {
    cluster.on_write([this, &cluster, on_change = std::move(on_change)](const Cluster::Write& write) {
      for (const auto& [prefix, kind] :
           {std::pair("/registry/configmaps/", &kMaps), std::pair("/registry/shop.example.com/widgets/", &kWidgets)}) {
        if (!write.key.starts_with(prefix)) continue;
        const std::string key = kind->plural + "/" + write.key.substr(std::string_view(prefix).size());
        const auto found = all_.find(key);
        std::optional<Thing> before;
        if (found != all_.end()) before = found->second;
        if (write.object.empty()) {
          all_.erase(key);
        } else {
          const Steady now = cluster.executor().clock().steady();
          all_.insert_or_assign(key, Thing{kind, metadata_of_bytes(write.object), before ? before->since : now});
        }
        const Thing* after = find(key);
        on_change(key, before ? &*before : nullptr, after, write);
      }
    });
  }
  const std::map<std::string, Thing>& all() const { return all_; }
  const Thing* find(const std::string& key) const {
    const auto found = all_.find(key);
    return found == all_.end() ? nullptr : &found->second;
  }
  std::vector<std::string> keys() const {
    std::vector<std::string> out;
    for (const auto& [key, thing] : all_) out.push_back(key);
    return out;
  }

 private:
  static ObjectMeta metadata_of_bytes(const std::string& object) {
    meta::v1::PartialObjectMetadata out;
    if (object.starts_with('{')) {
      api::decode_json(object, out);
    } else {
      core::v1::ConfigMap map;
      api::decode_protobuf(object, map);
      *out.mutable_metadata() = map.metadata();
    }
    return out.metadata();
  }
  std::map<std::string, Thing> all_;
};

class GarbageCollector final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("garbagecollector"); }
  Faults faults() const override { return two_managers(60s, 0.02); }

  void begin() override {
    things_.follow(cluster(), [this](const auto& key, const Thing* before, const Thing* after, const auto& write) {
      if (after && after->metadata.has_deletion_timestamp()) note_leaving(after->metadata);
      if (before && write.author.ends_with(kLoop)) by_the_loop(key, before->metadata, after ? &after->metadata : nullptr);
    });
    cluster().on_write([this](const Cluster::Write& write) {
      if (write.key.ends_with("/customresourcedefinitions/" + kWidgets.name())) is_defined_ = !write.object.empty();
    });
    is_defined_in_the_end_ = draw().chance(0.7);
    if (draw().chance(0.6)) define();
    for (int i = draw().between(2, 6); i > 0; --i) make();
  }

  void act() override {
    switch (draw().between(0, 10)) {
      case 0:
      case 1:
      case 2:
      case 3: return make();
      case 4:
      case 5:
      case 6: return remove();
      case 7: return add_owner();
      case 8: return drop_owners();
      case 9: return draw().chance(0.7) ? define() : undefine();
      default: return release();
    }
  }

  void settle() override {
    if (is_defined_in_the_end_) define();
    for (const std::string& key : things_.keys()) {
      const Thing* thing = things_.find(key);
      if (thing && has_finalizer(thing->metadata, kHeld)) let_go(key);
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, thing] : things_.all()) {
      const ObjectMeta& metadata = thing.metadata;
      if (metadata.has_deletion_timestamp()) {
        if (is_blocked_for_good(metadata.uid(), {})) continue;
        out.push_back(fmt::format("{} is still on its way out ({})", key, fmt::join(metadata.finalizers(), " ")));
        continue;
      }
      int solid = 0, absent = 0, unknown = 0;
      for (const OwnerReference& owner : metadata.owner_references()) {
        if (is_unknown(owner)) ++unknown;
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
  const ObjectMeta* live(const std::string& uid) const {
    for (const auto& [key, thing] : things_.all()) {
      if (thing.metadata.uid() == uid) return &thing.metadata;
    }
    return nullptr;
  }

  // Nobody need know whether there is such an owner.
  bool is_unknown(const OwnerReference& owner) const {
    return owner.kind() == "Gadget" || (owner.kind() == kWidgets.kind && !is_defined_);
  }

  // Something that waits for it, or for what that waits for, has an owner of a kind nobody knows, and so is never deleted.
  bool is_blocked_for_good(const std::string& uid, std::set<std::string> seen) const {
    if (!seen.insert(uid).second) return false;
    for (const auto& [key, thing] : things_.all()) {
      bool blocks = false, unknown = false;
      for (const OwnerReference& owner : thing.metadata.owner_references()) {
        blocks = blocks || (owner.uid() == uid && owner.block_owner_deletion());
        unknown = unknown || is_unknown(owner);
      }
      if (!blocks) continue;
      if (unknown || (thing.metadata.has_deletion_timestamp() && is_blocked_for_good(thing.metadata.uid(), seen))) return true;
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
      blocked(before.uid());
    }
    if (has_finalizer(before, kOrphan) && !has_finalizer(*after, kOrphan)) judge().reached("orphaning deletions carried out");
  }

  void collected(const std::string& key, const ObjectMeta& metadata) {
    judge().reached(key.starts_with("widgets/") ? "custom things collected" : "things collected");
    collected_.insert(metadata.uid());
    if (metadata.owner_references().empty()) judge().never(key + " was deleted, and never had an owner");
    for (const OwnerReference& owner : metadata.owner_references()) {
      if (owner.kind() == "Gadget")
        judge().never(fmt::format("{} was deleted, and nobody knows its owner {}", key, owner.kind()));
      if (owner.kind() == kWidgets.kind) judge().reached("things collected that a custom one owned");
      if (!is_gone(owner.uid()) && !waiting_.contains(owner.uid()))
        judge().never(fmt::format("{} was deleted, and its owner {} lives", key, owner.name()));
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
  void blocked(const std::string& uid) {
    for (const auto& [name, thing] : things_.all()) {
      for (const OwnerReference& owner : thing.metadata.owner_references()) {
        if (owner.uid() == uid && owner.block_owner_deletion())
          judge().reached("foreground deletions that overlooked a newcomer");
      }
    }
  }

  // -- The workload
  std::optional<std::string> some() {
    const auto keys = things_.keys();
    if (keys.empty()) return std::nullopt;
    return draw().of(keys);
  }

  void define() {
    if (!is_defined_) attempt([&] { cluster().create(make_definition(kWidgets)); });
  }
  void undefine() {
    if (!is_defined_) return;
    judge().reached("definitions deleted");
    for (const auto& [key, thing] : things_.all()) {
      if (thing.kind == &kWidgets) orphaned_.erase(thing.metadata.uid());
    }
    attempt([&] { cluster().remove<CustomResourceDefinition>(kWidgets.name()); });
  }

  void own(const CustomKind& kind, ObjectMeta& metadata) {
    if (draw().chance(0.05)) {
      ObjectMeta gadget = metadata_of("gadget");
      gadget.set_uid("00000000-0000-4000-8000-000000000001");
      return sim::add_owner(&metadata, "example.com/v1", "Gadget", gadget);
    }
    const auto key = some();
    const Thing* found = key ? things_.find(*key) : nullptr;
    // Nobody owns itself: a foreground deletion would wait for itself.
    const bool itself = found && found->kind == &kind && found->metadata.name() == metadata.name();
    const bool again = found && std::ranges::any_of(metadata.owner_references(),
                                                    [&](const auto& each) { return each.uid() == found->metadata.uid(); });
    if (!found || itself || again) return;
    sim::add_owner(&metadata, found->kind->api_version(), found->kind->kind, found->metadata, draw().chance(0.5));
  }

  void make() {
    const CustomKind& kind = draw().chance(0.4) ? kWidgets : kMaps;
    ObjectMeta metadata = metadata_of(fmt::format("default/thing-{}", draw().between(0, 24)));
    for (int i = draw().between(0, 2); i > 0; --i) own(kind, metadata);
    if (draw().chance(0.1)) metadata.add_finalizers(kHeld);
    attempt([&] {
      try {
        create_custom(cluster(), kind, metadata);
      } catch (const api::ApiError& error) {
        if (error.code() != 405) throw;  // the definition is on its way out
      }
    });
  }

  std::string name_of(const std::string& key) { return key.substr(key.find('/') + 1); }

  void remove() {
    const auto key = some();
    if (!key) return;
    const Thing found = *things_.find(*key);
    const int how = draw().between(0, 3);
    if (how == 0 && !found.metadata.has_deletion_timestamp()) note_orphans(found);
    if (how != 0) forget_orphans(found.metadata.uid());
    attempt([&] {
      remove_custom(cluster(), *found.kind, name_of(*key),
                    how == 0   ? informers::DeleteOptions::orphan()
                    : how == 1 ? informers::DeleteOptions::foreground()
                               : informers::DeleteOptions::background());
    });
  }

  // Those that have this owner alone, and whom the collector has had the time to see: each kind has a watch of its own, and one may
  // lag behind the other.
  void note_orphans(const Thing& owner) {
    for (const auto& [key, thing] : things_.all()) {
      const ObjectMeta& metadata = thing.metadata;
      if (metadata.owner_references_size() != 1 || metadata.owner_references(0).uid() != owner.metadata.uid()) continue;
      if (thing.kind != owner.kind && steady() - thing.since < cache_age_most()) continue;
      if (!metadata.has_deletion_timestamp()) orphaned_.emplace(metadata.uid(), key);
    }
  }
  // The user thought better of it.
  void forget_orphans(const std::string& uid) {
    for (const auto& [key, thing] : things_.all()) {
      for (const OwnerReference& owner : thing.metadata.owner_references()) {
        if (owner.uid() == uid) orphaned_.erase(thing.metadata.uid());
      }
    }
  }

  // Changes the metadata of what is there.
  void edit(const std::string& key, const std::function<void(ObjectMeta&)>& change) {
    const Thing thing = *things_.find(key);
    ObjectMeta metadata = thing.metadata;
    change(metadata);
    nlohmann::json owners = nlohmann::json::array(), finalizers = nlohmann::json::array();
    for (const OwnerReference& owner : metadata.owner_references()) owners.push_back(api::to_json(owner));
    for (const std::string& finalizer : metadata.finalizers()) finalizers.push_back(finalizer);
    const nlohmann::json patch{{"metadata", {{"uid", metadata.uid()}, {"ownerReferences", owners}, {"finalizers", finalizers}}}};
    attempt([&] { patch_custom(cluster(), *thing.kind, name_of(key), patch.dump()); });
  }

  void add_owner() {
    const auto key = some();
    if (!key) return;
    // What users do to it themselves is their affair.
    orphaned_.erase(things_.find(*key)->metadata.uid());
    const CustomKind& kind = *things_.find(*key)->kind;
    edit(*key, [&](ObjectMeta& metadata) { own(kind, metadata); });
  }
  void drop_owners() {
    const auto key = some();
    if (key) edit(*key, [](ObjectMeta& metadata) { metadata.clear_owner_references(); });
  }
  void release() {
    const auto key = some();
    if (key) let_go(*key);
  }
  void let_go(const std::string& key) {
    edit(key, [](ObjectMeta& metadata) {
      auto& finalizers = *metadata.mutable_finalizers();
      finalizers.erase(std::remove(finalizers.begin(), finalizers.end(), kHeld), finalizers.end());
    });
  }

  Things things_;
  bool is_defined_ = false, is_defined_in_the_end_ = false;
  std::set<std::string> collected_, waiting_, orphaning_;  // UIDs
  std::map<std::string, std::string> orphaned_;            // UID → key of what must survive its owner
};

}  // namespace

std::unique_ptr<Swarm> garbage_collector() { return std::make_unique<GarbageCollector>(); }

}  // namespace ph::sim::swarm
