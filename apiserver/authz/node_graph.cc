#include "apiserver/authz/node_graph.h"

#include <algorithm>

#include "api/codec.h"
#include "apiserver/cache/entry_changes.h"

namespace ph::apiserver {

using core::v1::PersistentVolume;
using core::v1::Pod;

namespace {

template <class T>
T decoded(const Entry& entry) {
  T out;
  api::decode_envelope(*entry.protobuf, out);
  return out;
}

std::string node_of(const Entry* pod) {
  if (!pod) return {};
  return api::scalar_at(api::schema_of<Pod>(), api::open_envelope(*pod->protobuf).raw, "spec.nodeName");
}

// Empty: none.
std::string claim_of(const PersistentVolume& volume) {
  if (!volume.spec().has_claim_ref()) return {};
  return volume.spec().claim_ref().namespace_() + "/" + volume.spec().claim_ref().name();
}

const EntryList& list_of(const NodeGraph::Entries& entries) {
  static const EntryList kNone;
  return entries ? *entries : kNone;
}

}  // namespace

bool NodeGraph::Use::has(std::string_view name) const {
  const auto at = std::ranges::lower_bound(names, name, {}, [](const std::string& each) { return std::string_view(each); });
  return at != names.end() && *at == name;
}

std::size_t NodeGraph::Lists::shard_of(std::string_view name) { return std::hash<std::string_view>()(name) % kShards; }

const NodeGraph::Uses* NodeGraph::Lists::find(std::string_view name) const {
  const auto& shard = shards_[shard_of(name)];
  if (!shard) return nullptr;
  const auto found = shard->find(name);
  return found == shard->end() ? nullptr : found->second.get();
}

// The changes of one refresh: what they touch is copied once, whatever else has it.
class NodeGraph::Lists::Edit {
 public:
  explicit Edit(Lists& lists) : lists_(lists) {}

  void put(const std::string& name, std::shared_ptr<const Use> use) {
    Uses& uses = at(name);
    const auto place = find(uses, use->key);
    if (place != uses.end() && (*place)->key == use->key) *place = std::move(use);
    else uses.insert(place, std::move(use));
  }
  void drop(const std::string& name, std::string_view key) {
    Uses& uses = at(name);
    const auto place = find(uses, key);
    if (place != uses.end() && (*place)->key == key) uses.erase(place);
  }

  void finish() {
    std::map<std::size_t, std::shared_ptr<Shard>> shards;
    for (auto& [name, uses] : changed_) {
      const std::size_t number = shard_of(name);
      const auto& before = lists_.shards_[number];
      std::shared_ptr<Shard>& shard = shards[number];
      if (!shard) shard = before ? std::make_shared<Shard>(*before) : std::make_shared<Shard>();
      if (uses->empty()) shard->erase(name);
      else shard->insert_or_assign(name, std::move(uses));
    }
    for (auto& [number, shard] : shards) lists_.shards_[number] = std::move(shard);
  }

 private:
  static Uses::iterator find(Uses& uses, std::string_view key) {
    return std::ranges::lower_bound(uses, key, {}, [](const auto& use) { return std::string_view(use->key); });
  }
  Uses& at(const std::string& name) {
    const auto [found, fresh] = changed_.try_emplace(name);
    if (fresh) {
      const Uses* before = lists_.find(name);
      found->second = before ? std::make_shared<Uses>(*before) : std::make_shared<Uses>();
    }
    return *found->second;
  }

  Lists& lists_;
  std::map<std::string, std::shared_ptr<Uses>> changed_;
};

void NodeGraph::refresh(const State& state) {
  follow_pods(state.pods);
  follow_volumes(state.volumes);
  state_ = state;
}

void NodeGraph::follow_pods(const Entries& now) {
  if (state_.pods == now) return;
  Lists::Edit edit(pods_);
  EntryChanges::visit(list_of(state_.pods), list_of(now), [&](const Entry* before, const Entry* after) {
    const std::string was_on = node_of(before), is_on = node_of(after);
    if (!was_on.empty() && was_on != is_on) edit.drop(was_on, before->key);
    if (is_on.empty()) return;
    std::vector<std::string> names = needs_of(decoded<Pod>(*after));
    // Most changes of a bound pod are of its status, and change nothing here.
    if (was_on == is_on && names == needs_of(decoded<Pod>(*before))) return;
    edit.put(is_on, std::make_shared<const Use>(Use{after->key, std::move(names)}));
  });
  edit.finish();
}

void NodeGraph::follow_volumes(const Entries& now) {
  if (state_.volumes == now) return;
  Lists::Edit edit(volumes_);
  EntryChanges::visit(list_of(state_.volumes), list_of(now), [&](const Entry* before, const Entry* after) {
    if (before) {
      const auto volume = decoded<PersistentVolume>(*before);
      if (const std::string claim = claim_of(volume); !claim.empty() && !secrets_of(volume).empty())
        edit.drop(claim, before->key);
    }
    if (!after) return;
    const auto volume = decoded<PersistentVolume>(*after);
    std::vector<std::string> secrets = secrets_of(volume);
    if (!secrets.empty()) edit.put(claim_of(volume), std::make_shared<const Use>(Use{after->key, std::move(secrets)}));
  });
  edit.finish();
}

bool NodeGraph::needs(std::string_view node, Needed what, std::string_view namespace_name, std::string_view name) const {
  const Uses* pods = pods_.find(node);
  if (!pods) return false;

  const std::string wanted = needed(what, name), space = std::string(namespace_name) + "/";
  const auto key_of = [](const auto& use) { return std::string_view(use->key); };
  for (auto pod = std::ranges::lower_bound(*pods, std::string_view(space), {}, key_of);
       pod != pods->end() && (*pod)->key.starts_with(space); ++pod) {
    if ((*pod)->has(wanted)) return true;
  }
  if (what != Needed::Secret) return false;

  // A volume's secrets may be in any namespace.
  const std::string secret = space + std::string(name);
  return std::ranges::any_of(*pods, [&](const auto& pod) {
    const std::string pod_space = pod->key.substr(0, pod->key.find('/') + 1);
    return std::ranges::any_of(pod->names, [&](const std::string& each) {
      if (each.front() != static_cast<char>(Needed::Claim)) return false;
      const Uses* volumes = volumes_.find(pod_space + each.substr(1));
      return volumes && std::ranges::any_of(*volumes, [&](const auto& volume) { return volume->has(secret); });
    });
  });
}

}  // namespace ph::apiserver
