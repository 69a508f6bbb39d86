// statefulset: ordered and parallel sets that are scaled, rolled out and back, moved, deleted and made anew; orphans of fitting
// names, strangers in the way, pods that fail, finish and are deleted. The garbage collector runs beside, for claims and what
// sets leave.
#include <fmt/format.h>

#include "tests/sim/stateful_set.h"
#include "tests/sim/swarm/kubelet.h"

namespace ph::sim::swarm {
namespace {

using apps::v1::ControllerRevision;
using apps::v1::StatefulSet;
using core::v1::PersistentVolumeClaim;
using core::v1::Pod;

constexpr int kHistoryMost = 2;
constexpr const char* kRevision = "controller-revision-hash";

std::string label(const meta::v1::ObjectMeta& metadata, const std::string& key) {
  const auto found = metadata.labels().find(key);
  return found == metadata.labels().end() ? std::string() : found->second;
}

// Of "default/a-3"; -1: none.
int ordinal_of(const std::string& pod) {
  const std::string digits = pod.substr(pod.rfind('-') + 1);
  return digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos ? -1 : std::stoi(digits);
}

bool is_finished(const Pod& pod) { return pod.status().phase() == "Succeeded" || pod.status().phase() == "Failed"; }
bool is_ordered(const StatefulSet& set) { return set.spec().pod_management_policy() != "Parallel"; }
bool rolls(const StatefulSet& set) { return set.spec().update_strategy().type() == "RollingUpdate"; }
int first_of(const StatefulSet& set) { return set.spec().ordinals().start(); }
int end_of(const StatefulSet& set) { return first_of(set) + set.spec().replicas(); }
bool contains(const StatefulSet& set, int ordinal) { return ordinal >= first_of(set) && ordinal < end_of(set); }
int partition_of(const StatefulSet& set) { return first_of(set) + set.spec().update_strategy().rolling_update().partition(); }
const std::string& image_of(const core::v1::PodSpec& spec) { return spec.containers(0).image(); }
const std::string& image_of(const StatefulSet& set) { return image_of(set.spec().template_().spec()); }

class StatefulSets final : public Swarm {
 public:
  Setup setup(Draw& draw) override {
    gentle_ = draw.chance(0.5);
    return loops("statefulset,garbagecollector");
  }
  Faults faults() const override { return two_managers(120s); }

  void begin() override {
    sets_.follow(cluster(), [this](const auto&, const auto* before, const auto* after, const auto&) {
      if (!after || (before && before->metadata().generation() == after->metadata().generation())) return;
      asked_[after->metadata().uid()].push_back({steady(), *after});
    });
    pods_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (before && is_ready(*before)) ready_until_[key] = steady();
      if (write.author.ends_with(":statefulset-controller")) by_the_loop(key, before, after);
    });
    claims_.follow(cluster());
    revisions_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (write.author.ends_with(":statefulset-controller")) by_the_loop(key, before, after);
    });
    kubelet_.enter(cluster(), draw(), pods_, gentle_);
    make();
  }

  void act() override {
    switch (draw().between(0, 25)) {
      case 0: return make();
      case 1:
      case 2: return edit([this](StatefulSet& it) { it.mutable_spec()->set_replicas(draw().between(0, 5)); });
      case 3:
      case 4: return edit([this](StatefulSet& it) { set_image(it); });
      case 5: return edit([this](StatefulSet& it) { choose_strategy(it); });
      case 6:
        if (draw().chance(0.3))
          return edit([this](StatefulSet& it) { it.mutable_spec()->mutable_ordinals()->set_start(draw().between(0, 3)); });
        return;
      case 7:
        if (draw().chance(0.4)) return remove();
        return;
      case 8:
        if (!gentle_) return make_orphan();
        return;
      case 9:
        if (!gentle_) return relabel();
        return;
      case 10:
        if (!gentle_) return delete_pod();
        return;
      default:
        for (int i = draw().between(1, 8); i > 0; --i) kubelet_.step();
    }
  }

  void settle() override {
    // Who stands in the way for ever gives the name up, and so does an adopted pod that cannot mount its claims. Of several pods
    // beyond the range that have finished none is the first to go (upstream's rule, too).
    for (const auto& [key, pod] : std::map(pods_.all())) {
      const std::string uid = controller_of(pod.metadata());
      const bool strange = uid.empty() && !key.starts_with("default/" + label(pod.metadata(), "app") + "-");
      const bool stuck = std::ranges::any_of(sets_.all(), [&](const auto& entry) {
        const StatefulSet& set = entry.second;
        if (set.metadata().uid() != uid) return false;
        return (is_finished(pod) && !contains(set, ordinal_of(key))) ||
               (!set.spec().volume_claim_templates().empty() && pod.spec().volumes().empty());
      });
      if (strange || stuck) attempt([&] { cluster().remove<Pod>(key, {.grace_seconds = 0}); });
    }
    kubelet_.settle();
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, set] : sets_.all()) {
      if (set.metadata().has_deletion_timestamp()) {
        out.push_back(key + " has not gone yet");
      } else {
        compare(key, set, out);
      }
    }
    return out;
  }

 private:
  // A set as somebody wanted it, since then.
  struct Wanted {
    Steady since;
    StatefulSet set;
  };

  // How far back the loop may look.
  Duration window() const { return cache_age_most() + request_most(); }
  // What the set was within that time; empty: there was no such set.
  std::vector<const StatefulSet*> wanted_lately(const std::string& uid) {
    std::vector<const StatefulSet*> out;
    const auto found = asked_.find(uid);
    if (found == asked_.end()) return out;
    for (auto at = found->second.rbegin(); at != found->second.rend(); ++at) {
      out.push_back(&at->set);
      if (at->since + window() < steady()) break;
    }
    return out;
  }
  template <class Holds>
  bool any_lately(const std::string& uid, Holds holds) {
    return std::ranges::any_of(wanted_lately(uid), [&](const StatefulSet* set) { return holds(*set); });
  }
  bool was_ready_lately(const std::string& key) {
    const Pod* pod = pods_.find(key);
    if (pod && is_ready(*pod)) return true;
    const auto found = ready_until_.find(key);
    return found != ready_until_.end() && found->second + window() >= steady();
  }
  static std::string pod_key(const StatefulSet& set, int ordinal) {
    return fmt::format("default/{}-{}", set.metadata().name(), ordinal);
  }

  // -- Never

  void by_the_loop(const std::string& key, const Pod* before, const Pod* after) {
    if (!before) return created(key, *after);
    const std::string was = controller_of(before->metadata());
    const bool ends = !after || (!before->metadata().has_deletion_timestamp() && after->metadata().has_deletion_timestamp());
    if (ends) return deleted(key, *before, was);
    const std::string is = controller_of(after->metadata());
    if (was.empty() && !is.empty()) judge().reached("pods adopted");
    if (!was.empty() && is.empty()) judge().reached("pods released");
    if (!was.empty() && !is.empty() && was != is) judge().never(key + " was taken from its owner");
    if (was == is) judge().reached("pods given their labels");
  }

  void created(const std::string& key, const Pod& pod) {
    const std::string uid = controller_of(pod.metadata());
    const int ordinal = ordinal_of(key);
    if (!any_lately(uid, [&](const StatefulSet& set) { return contains(set, ordinal); })) {
      return judge().never(key + " was created, and its set wants no such pod");
    }
    if (!any_lately(
            uid, [&](const StatefulSet& set) { return image_of(set) == image_of(pod.spec()) || partition_of(set) > ordinal; })) {
      judge().never(fmt::format("{} was created with {}", key, image_of(pod.spec())));
    }
    const bool in_order = any_lately(uid, [&](const StatefulSet& set) {
      if (!is_ordered(set)) return true;
      for (int i = first_of(set); i < ordinal; ++i) {
        if (!was_ready_lately(pod_key(set, i))) return false;
      }
      return true;
    });
    if (!in_order) judge().never(key + " was created before those below it were ready");
    for (const auto& volume : pod.spec().volumes()) {
      const std::string& claim = volume.volume_source().persistent_volume_claim().claim_name();
      const bool retained = any_lately(uid, [](const StatefulSet& set) {
        const auto& policy = set.spec().persistent_volume_claim_retention_policy();
        return policy.when_deleted() == "Retain" && policy.when_scaled() == "Retain";
      });
      if (!claim.empty() && retained && !claims_.find("default/" + claim)) judge().never(key + " was created before its claim");
    }
  }

  void deleted(const std::string& key, const Pod& pod, const std::string& uid) {
    judge().reached("pods deleted by the loop");
    const int ordinal = ordinal_of(key);
    if (uid.empty()) {
      if (alone()) judge().never(key + " was deleted, and nobody's");
      return;
    }
    if (is_finished(pod)) return judge().reached("finished pods deleted");
    if (any_lately(uid, [&](const StatefulSet& set) { return !contains(set, ordinal); })) return condemned(key, ordinal, uid);
    const bool outdated = any_lately(uid, [&](const StatefulSet& set) {
      const bool other = image_of(set) != image_of(pod.spec()) || label(pod.metadata(), kRevision).empty();
      return rolls(set) && ordinal >= partition_of(set) && other;
    });
    if (!outdated) return judge().never(key + " was deleted, and is what its set wants");
    judge().reached("outdated pods deleted");
    // One pod at a time becomes unavailable for an update: those above have been updated and are ready, in order all others are.
    const bool one_by_one = any_lately(uid, [&](const StatefulSet& set) {
      for (int i = is_ordered(set) ? first_of(set) : ordinal + 1; i < end_of(set); ++i) {
        if (i != ordinal && !was_ready_lately(pod_key(set, i))) return false;
      }
      return true;
    });
    if (!one_by_one) judge().never(key + " was deleted for an update while another is not ready");
  }

  void condemned(const std::string& key, int ordinal, const std::string& uid) {
    judge().reached("pods scaled away");
    if (!alone()) return;
    const bool in_order = any_lately(uid, [&](const StatefulSet& set) {
      return !is_ordered(set) || std::ranges::none_of(pods_.all(), [&](const auto& entry) {
        const int other = ordinal_of(entry.first);
        return controller_of(entry.second.metadata()) == uid && other > ordinal && !contains(set, other) &&
               !relabelled_.contains(entry.first);
      });
    });
    if (!in_order) judge().never(key + " was deleted before one above it");
  }

  void by_the_loop(const std::string& key, const ControllerRevision* before, const ControllerRevision* after) {
    if (!before) return judge().reached("revisions made");
    if (after && before->revision() != after->revision()) judge().reached("revisions gone back to");
    if (after && before->revision() > after->revision()) judge().never(key + " got an older number");
    if (after) return;
    judge().reached("revisions forgotten");
    const std::string uid = controller_of(before->metadata());
    for (const auto& [pod, each] : pods_.all()) {
      if (controller_of(each.metadata()) != uid || label(each.metadata(), kRevision) != before->metadata().name()) continue;
      if (alone()) judge().never(fmt::format("{} was forgotten while {} is of it", key, pod));
    }
  }

  // -- In the end

  void compare(const std::string& key, const StatefulSet& set, std::vector<std::string>& out) const {
    const auto& status = set.status();
    const std::string& uid = set.metadata().uid();
    for (const auto& [name, pod] : pods_.all()) {
      if (controller_of(pod.metadata()) == uid && !contains(set, ordinal_of(name)))
        out.push_back(fmt::format("{} still has {}", key, name));
      if (controller_of(pod.metadata()) == uid &&
          label(pod.metadata(), "app") != label(set.spec().template_().metadata(), "app")) {
        out.push_back(fmt::format("{} is not released by {}", name, key));
      }
    }
    int updated = 0;
    for (int i = first_of(set); i < end_of(set); ++i) {
      const std::string name = pod_key(set, i);
      const Pod* pod = pods_.find(name);
      if (!pod || controller_of(pod->metadata()) != uid || !is_active(*pod) || !is_ready(*pod)) {
        out.push_back(fmt::format("{} has no {} that is ready", key, name));
        continue;
      }
      const std::string revision = label(pod->metadata(), kRevision);
      updated += revision == status.update_revision();
      if (label(pod->metadata(), "statefulset.kubernetes.io/pod-name") != pod->metadata().name())
        out.push_back(name + " has no label of its name");
      if (!rolls(set) || i < partition_of(set)) continue;
      if (revision != status.update_revision() || image_of(pod->spec()) != image_of(set)) out.push_back(name + " is not updated");
    }
    const int wanted = set.spec().replicas();
    if (status.replicas() != wanted || status.ready_replicas() != wanted || status.available_replicas() != wanted ||
        status.updated_replicas() != updated) {
      out.push_back(fmt::format("{} tells of {} pods, {} ready, {} available, {} updated; it wants {}, of which {} are", key,
                                status.replicas(), status.ready_replicas(), status.available_replicas(),
                                status.updated_replicas(), wanted, updated));
    }
    if (status.observed_generation() != set.metadata().generation()) out.push_back(key + " does not know its newest generation");
    if (rolls(set) && updated == wanted && status.current_revision() != status.update_revision())
      out.push_back(key + " has not completed");
    compare_revisions(key, set, out);
    compare_claims(set, out);
  }

  void compare_revisions(const std::string& key, const StatefulSet& set, std::vector<std::string>& out) const {
    const ControllerRevision* update = revisions_.find("default/" + set.status().update_revision());
    if (!update) return out.push_back(key + " has no revision of its template");
    if (update->data().raw().find("\"" + image_of(set) + "\"") == std::string::npos)
      out.push_back(key + "'s revision is of another template");
    int unused = 0;
    for (const auto& [name, revision] : revisions_.all()) {
      if (controller_of(revision.metadata()) != set.metadata().uid()) continue;
      if (revision.revision() > update->revision()) out.push_back(fmt::format("{} is newer than the present template's", name));
      bool used = revision.metadata().name() == set.status().current_revision() || &revision == update;
      for (const auto& [pod, each] : pods_.all()) used = used || label(each.metadata(), kRevision) == revision.metadata().name();
      unused += !used;
    }
    if (unused > set.spec().revision_history_limit())
      out.push_back(fmt::format("{} keeps {} revisions that nobody uses", key, unused));
  }

  void compare_claims(const StatefulSet& set, std::vector<std::string>& out) const {
    if (set.spec().volume_claim_templates().empty()) return;
    const auto& policy = set.spec().persistent_volume_claim_retention_policy();
    for (int i = first_of(set); i < end_of(set); ++i) {
      const std::string key = fmt::format("default/data-{}-{}", set.metadata().name(), i);
      const PersistentVolumeClaim* claim = claims_.find(key);
      // One that an earlier set of the name owned went with it, when its pod ran already.
      if (!claim && !is_first_of_name(set)) continue;
      if (!claim) {
        out.push_back(key + " is missing");
        continue;
      }
      const std::string owner = controller_of(claim->metadata());
      if (owner != (policy.when_deleted() == "Delete" ? set.metadata().uid() : ""))
        out.push_back(key + " has an odd owner: " + owner);
    }
  }

  bool is_first_of_name(const StatefulSet& set) const {
    return std::ranges::none_of(asked_, [&](const auto& entry) {
      const auto& other = entry.second.front().set.metadata();
      return other.name() == set.metadata().name() && other.uid() != set.metadata().uid();
    });
  }

  // -- The workload

  void make() {
    const std::string name = draw().of(kNames);
    StatefulSetBuilder set = make_stateful_set("default/" + name).replicas(draw().between(0, 4));
    if (draw().chance(0.4)) set.parallel();
    if (draw().chance(0.2)) set.min_ready(draw().between(1, 10));
    if (draw().chance(0.4)) set.claims(draw().of(kPolicies), draw().of(kPolicies));
    StatefulSet object = set;
    object.mutable_spec()->set_revision_history_limit(draw().between(0, kHistoryMost));
    set_image(object);
    choose_strategy(object);
    attempt([&] { cluster().create(object); });
  }
  void set_image(StatefulSet& it) {
    it.mutable_spec()->mutable_template_()->mutable_spec()->mutable_containers(0)->set_image(
        fmt::format("img:{}", draw().between(1, 4)));
  }
  void choose_strategy(StatefulSet& it) {
    auto& strategy = *it.mutable_spec()->mutable_update_strategy();
    strategy.Clear();
    strategy.set_type(draw().chance(0.2) ? "OnDelete" : "RollingUpdate");
    if (rolls(it)) strategy.mutable_rolling_update()->set_partition(draw().chance(0.3) ? draw().between(1, 4) : 0);
  }
  void edit(const std::function<void(StatefulSet&)>& change) { edit_one<StatefulSet>(sets_, change); }
  void remove() {
    remove_one(sets_, draw().chance(0.4)   ? informers::DeleteOptions::orphan()
                      : draw().chance(0.5) ? informers::DeleteOptions::background()
                                           : informers::DeleteOptions::foreground());
  }
  void make_orphan() {
    const std::string name = draw().of(kNames);
    Pod pod = make_pod(fmt::format("default/{}-{}", name, draw().chance(0.2) ? "x" : std::to_string(draw().between(0, 5))));
    (*pod.mutable_metadata()->mutable_labels())["app"] = draw().chance(0.3) ? "stranger" : name;
    attempt([&] { cluster().create(pod); });
  }
  void relabel() {
    const std::string app = draw().chance(0.5) ? "stranger" : draw().of(kNames);
    edit_one<Pod>(pods_, [&](Pod& pod) {
      relabelled_.insert("default/" + pod.metadata().name());
      (*pod.mutable_metadata()->mutable_labels())["app"] = app;
    });
  }
  void delete_pod() {
    informers::DeleteOptions options;
    if (draw().chance(0.5)) options.grace_seconds = 0;
    remove_one(pods_, options);
  }

  inline static const std::vector<std::string> kNames{"a", "b"};
  inline static const std::vector<std::string> kPolicies{"Retain", "Delete"};

  bool gentle_ = false;
  Shadow<StatefulSet> sets_;
  Shadow<Pod> pods_;
  Shadow<PersistentVolumeClaim> claims_;
  Shadow<ControllerRevision> revisions_;
  Kubelet kubelet_;
  std::map<std::string, std::vector<Wanted>> asked_;  // by the set's UID
  std::map<std::string, Steady> ready_until_;         // by the pod's key
  std::set<std::string> relabelled_;                  // pods that somebody has relabelled: they may be another's, or nobody's
};

}  // namespace

std::unique_ptr<Swarm> stateful_set() { return std::make_unique<StatefulSets>(); }

}  // namespace ph::sim::swarm
