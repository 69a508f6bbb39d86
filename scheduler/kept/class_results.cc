#include "scheduler/kept/class_results.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace ph::scheduler {

// -- What has become outdated

void ClassResults::resize(std::size_t slots) {
  if (kinds_.size() >= slots) return;
  const std::size_t before = kinds_.size();
  kinds_.resize(slots, kAbsent);
  stale_.resize(slots, kStaleVerdict);
  stale_scores_.resize(slots, kAllPlugins);
  memory_.stamps_.resize(slots, 0);
  for (std::size_t slot = before; slot < slots; ++slot) {
    spoiled_.push_back(slot);
    touch(slot);
  }
}

void ClassResults::touch(std::size_t slot) {
  if ((stale_[slot] & kTouched) != 0) return;
  stale_[slot] |= kTouched;
  touched_.push_back(slot);
}

void ClassResults::spoil_verdict(std::size_t slot) {
  if (slot >= stale_.size()) return;
  if ((stale_[slot] & kStaleVerdict) == 0) spoiled_.push_back(slot);
  stale_[slot] |= kStaleVerdict;
}

void ClassResults::spoil_scores(std::size_t slot, PluginSet plugins) {
  if (slot >= stale_.size()) return;
  stale_scores_[slot] |= plugins;
  touch(slot);
}

void ClassResults::spoil_all_scores(PluginSet plugins) {
  for (std::size_t slot = 0; slot < stale_scores_.size(); ++slot) spoil_scores(slot, plugins);
}

template <class F, class G>
void ClassResults::reach(const Outdated& outdated, const NodeChange& change, const Snapshot& snapshot, F spoil, G spoil_all) {
  switch (outdated.reach) {
    case Outdated::Nothing: return;
    case Outdated::Node: return spoil(change.slot);
    case Outdated::All: return spoil_all();
    case Outdated::Domain: break;
  }
  spoil(change.slot);
  const Interned key(outdated.topology_key);
  const auto spoil_domain = [&](const Interned& value) {
    for (const std::uint32_t slot : snapshot.nodes_in(key, value)) spoil(slot);
  };
  const NodeInfo* there = change.slot < snapshot.slots().size() ? snapshot.slots()[change.slot] : nullptr;
  if (const Interned* value = there ? there->label(key) : nullptr) spoil_domain(*value);
  for (const core::v1::Node* node : {change.node_before.get(), change.node_after.get()}) {
    if (!node) continue;
    const auto found = node->metadata().labels().find(std::string(key.view()));
    if (found != node->metadata().labels().end()) spoil_domain(Interned(found->second));
  }
}

void ClassResults::note(const Profile& profile, const Pod& pod, const NodeChange& change, const Snapshot& snapshot) {
  // Whoever comes or goes is to be judged, whatever the plugins say of the others.
  if (!change.node_before != !change.node_after) {
    spoil_verdict(change.slot);
    spoil_scores(change.slot, kAllPlugins);
    is_list_good_ = false;
  }
  const StateChange what{change.pod_added.get(), change.pod_removed.get(), change.node_before.get(), change.node_after.get()};
  profile.each_plugin(filters_, [&](const Plugin& plugin) {
    reach(
        plugin.outdated_by(what, pod), change, snapshot, [&](std::size_t slot) { spoil_verdict(slot); },
        [&] { are_all_verdicts_stale_ = true; });
  });
  for (PluginSet left = scorers_; left != 0; left &= left - 1) {
    const PluginSet bit = left & -left;
    profile.each_plugin(bit, [&](const Plugin& plugin) {
      reach(
          plugin.outdated_by(what, pod), change, snapshot, [&](std::size_t slot) { spoil_scores(slot, bit); },
          [&] { spoil_all_scores(bit); });
    });
  }
}

// What plugins count by domain.
void ClassResults::take_domains(const Profile& profile, const CycleState& state, const Snapshot& snapshot) {
  profile.each_plugin(filters_, [&](const Plugin& plugin) {
    domains_.all = false, domains_.domains.clear();
    plugin.changed_domains(Plugin::Kept::Verdicts, state, memory_, domains_);
    if (domains_.all) are_all_verdicts_stale_ = true;
    for (const DomainChange& change : domains_.domains) {
      for (const std::uint32_t slot : snapshot.nodes_in(change.key, change.value)) {
        if (slot >= stale_.size()) continue;
        if (change.decides) spoil_verdict(slot);
        memory_.stamps_[slot] = ++last_stamp_;
      }
    }
  });
}

// -- Verdicts

Verdict ClassResults::Refusal::verdict() const {
  Verdict out(code);
  for (const std::string& reason : reasons) out.add_reason(reason);
  return std::move(out).by(plugin);
}

bool ClassResults::Refusal::is(const Verdict& verdict) const {
  return code == verdict.code() && plugin == verdict.plugin() && std::ranges::equal(reasons, verdict.reasons());
}

ClassResults::Kind ClassResults::kind_of(const Verdict& verdict) {
  if (verdict.success()) return kFits;
  // The last one is the likeliest.
  for (std::size_t i = refusals_.size(); i-- > 0;) {
    if (refusals_[i].is(verdict)) return static_cast<Kind>(kFirstRefusal + i);
  }
  // Reasons that are different for each node would fill it for nothing: those that stand for no node make room.
  for (std::size_t i = 0; i < refusals_.size(); ++i) {
    if (refusals_[i].nodes == 0) {
      refusals_[i] = {verdict.plugin(), verdict.code(), {}, 0};
      for (const std::string_view reason : verdict.reasons()) refusals_[i].reasons.emplace_back(reason);
      return static_cast<Kind>(kFirstRefusal + i);
    }
  }
  if (refusals_.size() >= std::numeric_limits<Kind>::max() - kFirstRefusal)
    throw std::length_error("too many different refusals");
  Refusal& added = refusals_.emplace_back(verdict.plugin(), verdict.code());
  for (const std::string_view reason : verdict.reasons()) added.reasons.emplace_back(reason);
  return static_cast<Kind>(kFirstRefusal + refusals_.size() - 1);
}

void ClassResults::set_kind(std::size_t slot, Kind kind) {
  const Kind before = std::exchange(kinds_[slot], kind);
  feasible_ -= before == kFits;
  feasible_ += kind == kFits;
  if ((before == kFits) != (kind == kFits)) {
    is_list_good_ = false;
    touch(slot);
  }
  if (before >= kFirstRefusal) --refusals_[before - kFirstRefusal].nodes;
  if (kind >= kFirstRefusal) ++refusals_[kind - kFirstRefusal].nodes;
}

void ClassResults::judge(const Profile& profile, const CycleState& state, const Pod& pod, const Nominator& nominated,
                         std::size_t slot, const NodeInfo* node) {
  if (!node) return set_kind(slot, kAbsent);
  memory_.stamps_[slot] = ++last_stamp_;
  const Verdict verdict = profile.filter(state, pod, *node, nominated);
  if (!verdict.success() && !verdict.rejected()) throw std::runtime_error(verdict.message());
  set_kind(slot, kind_of(verdict));
}

// Nominated pods count for those that do not matter more, and never for themselves.
void ClassResults::spoil_nominated(const Snapshot& snapshot, const Nominator& nominated, const PodInfo& pod) {
  const auto spoil_node = [&](std::string_view name) {
    const NodeInfo* node = snapshot.find(name);
    if (node) spoil_verdict(node->slot());
    return node;
  };
  if (const auto slot = std::exchange(passing_, {})) spoil_verdict(*slot);
  const Journal<std::string>& changes = nominated.changes();
  if (nominations_seen_ && changes.reaches(*nominations_seen_) && priority_ == pod.priority) {
    for (std::uint64_t n = *nominations_seen_; n < changes.end(); ++n) {
      if (const NodeInfo* node = spoil_node(changes.at(n))) with_nominated_.push_back(node->slot());
    }
  } else {
    for (const std::size_t slot : std::exchange(with_nominated_, {})) spoil_verdict(slot);
    nominated.each_node([&](std::string_view name) {
      if (const NodeInfo* node = spoil_node(name)) with_nominated_.push_back(node->slot());
    });
  }
  priority_ = pod.priority;
  nominations_seen_ = changes.end();
  if (with_nominated_.size() > 2 * stale_.size()) {
    std::ranges::sort(with_nominated_);
    const auto repeated = std::ranges::unique(with_nominated_);
    with_nominated_.erase(repeated.begin(), repeated.end());
  }
  if (const NodeInfo* own = spoil_node(nominated.node_of(pod.uid))) passing_ = own->slot();
}

void ClassResults::refresh(const Profile& profile, const CycleState& state, const Pod& pod, const Snapshot& snapshot,
                           const Changes& changes, const Nominator& nominated) {
  const auto slots = snapshot.slots();
  resize(slots.size());
  if (const PluginSet filters = profile.active_filters(state); filters != filters_) {
    filters_ = filters;
    are_all_verdicts_stale_ = true;
  }
  if (!seen_ || !changes.reaches(*seen_)) {
    are_all_verdicts_stale_ = true;
    spoil_all_scores(kAllPlugins);
  } else {
    for (std::uint64_t n = *seen_; n < changes.end(); ++n) note(profile, pod, changes.at(n), snapshot);
  }
  take_domains(profile, state, snapshot);
  spoil_nominated(snapshot, nominated, state.pod());

  seen_.reset();  // as long as something is not done, all would have to be done again
  const auto refresh_one = [&](std::size_t slot) {
    if ((stale_[slot] & kStaleVerdict) == 0) return;
    const bool fitted = kinds_[slot] == kFits;
    judge(profile, state, pod, nominated, slot, slot < slots.size() ? slots[slot] : nullptr);
    stale_[slot] &= static_cast<std::uint8_t>(~kStaleVerdict);
    if (!fitted) stale_scores_[slot] = kAllPlugins;  // nobody has kept them up to date
  };
  if (are_all_verdicts_stale_) {
    for (std::size_t slot = 0; slot < stale_.size(); ++slot) {
      spoil_verdict(slot);
      refresh_one(slot);
    }
    are_all_verdicts_stale_ = false;
    is_list_good_ = false;
  } else {
    for (const std::size_t slot : spoiled_) refresh_one(slot);
  }
  spoiled_.clear();
  seen_ = changes.end();
}

std::span<const NodeInfo* const> ClassResults::feasible_nodes(const Snapshot& snapshot) {
  if (!is_list_good_) {
    list_.clear();
    for (std::size_t slot = 0; slot < kinds_.size() && list_.size() < feasible_; ++slot) {
      if (kinds_[slot] == kFits) list_.push_back(snapshot.slots()[slot]);
    }
    is_list_good_ = true;
  }
  return list_;
}

void ClassResults::explain(Diagnosis& diagnosis) const {
  for (const Refusal& refusal : refusals_) {
    if (refusal.nodes > 0) diagnosis.add(refusal.verdict(), refusal.nodes);
  }
}

std::vector<Rejection> ClassResults::rejections(const Snapshot& snapshot) const {
  std::vector<Rejection> out;
  out.reserve(kinds_.size() - feasible_);
  for (std::size_t slot = 0; slot < kinds_.size(); ++slot) {
    if (kinds_[slot] >= kFirstRefusal) {
      out.push_back({snapshot.slots()[slot], refusals_[kinds_[slot] - kFirstRefusal].verdict()});
    }
  }
  return out;
}

// -- Scores

void ClassResults::take_scorers(const Profile& profile, const CycleState& state, const Snapshot& snapshot) {
  board_.resize(kinds_.size(), profile.score_plugins());
  if (const PluginSet scorers = profile.active_scorers(state); scorers != scorers_) {
    scorers_ = scorers;
    stale_scores_.assign(stale_scores_.size(), kAllPlugins);
    is_board_kept_ = false;
  }
  take_scored_domains(profile, state, snapshot);
}

void ClassResults::take_scored_domains(const Profile& profile, const CycleState& state, const Snapshot& snapshot) {
  for (std::size_t p = 0; p < profile.score_plugins(); ++p) {
    if (!profile.is_scored(p, state)) continue;
    domains_.all = false, domains_.domains.clear();
    profile.score_plugin(p).changed_domains(Plugin::Kept::Scores, state, memory_, domains_);
    if (domains_.all) {
      spoil_all_scores(profile.score_bit(p));
      continue;
    }
    for (const DomainChange& change : domains_.domains) {
      const auto slots = snapshot.nodes_in(change.key, change.value);
      if (profile.score_plugin(p).scale() == Scale::ByRange && slots.size() == snapshot.nodes().size()) {
        board_.shift(p, change.by);  // it is one domain for all
        continue;
      }
      for (const std::uint32_t slot : slots) spoil_scores(slot, profile.score_bit(p));
    }
  }
}

void ClassResults::score(const Profile& profile, const CycleState& state, const Pod& pod, std::size_t slot,
                         const NodeInfo& node) {
  for (std::size_t p = 0; p < profile.score_plugins(); ++p) {
    if (!profile.is_scored(p, state) || (stale_scores_[slot] & profile.score_bit(p)) == 0) continue;
    board_.set_raw(p, slot, profile.raw_score(p, state, pod, node));
  }
  stale_scores_[slot] = 0;
}

std::vector<ScoreBoard::Column> ClassResults::columns(const Profile& profile, const CycleState& state) {
  std::vector<ScoreBoard::Column> out;
  for (std::size_t p = 0; p < profile.score_plugins(); ++p) {
    const ScorePlugin& plugin = profile.score_plugin(p);
    if (profile.is_scored(p, state)) out.push_back({p, plugin.name(), plugin.scale(), profile.weight(p)});
  }
  return out;
}

// Should a plugin throw, the rest is still to be done, and what is done may be done again.
void ClassResults::refresh_board(const Profile& profile, const CycleState& state, const Pod& pod, const Snapshot& snapshot) {
  const auto score_one = [&](std::size_t slot) {
    if (stale_scores_[slot] != 0) score(profile, state, pod, slot, *snapshot.slots()[slot]);
  };
  if (!is_board_kept_ || kMuchTouched * touched_.size() > kinds_.size()) {
    is_board_kept_ = false;
    for (std::size_t slot = 0; slot < kinds_.size(); ++slot) {
      if (kinds_[slot] == kFits) score_one(slot);
    }
    board_.begin(columns(profile, state), [&](std::size_t slot) { return kinds_[slot] == kFits; });
    is_board_kept_ = true;
  } else {
    for (const std::size_t slot : touched_) {
      board_.leave(slot);
      if (kinds_[slot] != kFits) continue;
      score_one(slot);
      board_.join(slot);
    }
  }
  for (const std::size_t slot : touched_) stale_[slot] &= static_cast<std::uint8_t>(~kTouched);
  touched_.clear();
}

const NodeInfo* ClassResults::best(const Profile& profile, const CycleState& state, const Pod& pod, const Snapshot& snapshot,
                                   Rng& rng) {
  take_scorers(profile, state, snapshot);
  refresh_board(profile, state, pod, snapshot);
  const ScoreBoard::Best best = board_.best();
  return snapshot.slots()[board_.among_best(best.equals > 1 ? rng.below(best.equals) : 0)];
}

std::vector<NodeScore> ClassResults::totals(const Profile& profile, const CycleState& state, const Pod& pod,
                                            const Snapshot& snapshot, std::span<const NodeInfo* const> nodes) {
  take_scorers(profile, state, snapshot);
  is_board_kept_ = false;
  for (const NodeInfo* node : nodes) {
    if (stale_scores_[node->slot()] != 0) score(profile, state, pod, node->slot(), *node);
  }

  std::vector<NodeScore> total, one;
  total.reserve(nodes.size());
  for (const NodeInfo* node : nodes) total.push_back({node, 0});
  for (std::size_t p = 0; p < profile.score_plugins(); ++p) {
    if (!profile.is_scored(p, state)) continue;
    one.clear();
    for (const NodeInfo* node : nodes) one.push_back({node, board_.raw(p, node->slot())});
    profile.add_weighted(p, one, total);
  }
  return total;
}

}  // namespace ph::scheduler
