// daemonset: nodes that come, go, and change labels and taints; sets rolled out by both strategies; pods that fail, finish and are
// deleted; orphans; revisions meddled with. In half of the seeds nobody does harm, and rollouts must keep their budget.
#include <fmt/format.h>

#include "tests/sim/builders.h"
#include "tests/sim/swarm/kubelet.h"

namespace ph::sim::swarm {
namespace {

using apps::v1::ControllerRevision;
using apps::v1::DaemonSet;
using core::v1::Node;
using core::v1::Pod;

constexpr int kHistory = 2;
constexpr const char* kHash = "controller-revision-hash";

std::string label(const meta::v1::ObjectMeta& metadata, const char* name) {
  const auto found = metadata.labels().find(name);
  return found == metadata.labels().end() ? std::string() : found->second;
}
bool has_taint(const Node& node, const char* effect) {
  return std::ranges::any_of(node.spec().taints(), [&](const auto& taint) { return taint.effect() == effect; });
}
const std::string& image_of(const core::v1::PodSpec& spec) { return spec.containers(0).image(); }

// By the rules of the documentation, as far as this workload goes: its sets select zones and tolerate nothing.
bool selects(const DaemonSet& set, const Node& node) {
  const auto& selector = set.spec().template_().spec().node_selector();
  const auto zone = selector.find("zone");
  return zone == selector.end() || zone->second == label(node.metadata(), "zone");
}
bool starts(const DaemonSet& set, const Node& node) {
  return selects(set, node) && !has_taint(node, "NoSchedule") && !has_taint(node, "NoExecute");
}
bool stays(const DaemonSet& set, const Node& node) { return selects(set, node) && !has_taint(node, "NoExecute"); }

bool rolls(const DaemonSet& set) { return set.spec().update_strategy().type() == "RollingUpdate"; }
int surge_of(const DaemonSet& set) {
  return rolls(set) ? set.spec().update_strategy().rolling_update().max_surge().int_val() : 0;
}
int unavailable_of(const DaemonSet& set) {
  return rolls(set) ? set.spec().update_strategy().rolling_update().max_unavailable().int_val() : 0;
}

class DaemonSets final : public Swarm {
 public:
  Setup setup(Draw& draw) override {
    gentle_ = draw.chance(0.5);
    prompt_ = gentle_ && draw.chance(0.7);
    return loops("daemonset,podgc,garbagecollector");
  }
  Faults faults() const override {
    Faults out = two_managers(120s);
    if (!prompt_) return out;
    // What the loop knows is never old: then it can be held to more.
    out.stalled = out.cut = out.expired = out.short_lived = out.slow = out.too_many = out.unavailable = 0;
    out.cut_off_every = out.second_manager_every = 0s;
    return out;
  }

  void begin() override {
    nodes_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto&) {
      if (before) past_nodes_[key].push_back({steady(), *before});
    });
    sets_.follow(cluster(), [this](const auto&, const auto* before, const auto* after, const auto&) {
      if (before) past_sets_[before->metadata().uid()].push_back({steady(), *before});
      if (after) note(before, *after);
    });
    revisions_.follow(cluster());
    pods_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (latest() > cluster().now()) clock_went_back_ = true;
      if (!after || !is_ready(*after)) {
        ready_since_.erase(key);
      } else if (!before || !is_ready(*before)) {
        ready_since_[key] = steady();
      }
      if (write.author.ends_with(":daemon-set-controller")) by_the_loop(key, before, after);
    });
    kubelet_.enter(cluster(), draw(), pods_, gentle_);
    for (int i = draw().between(2, 5); i > 0; --i) make_node();
    make();
  }

  void act() override {
    switch (draw().between(0, gentle_ ? 9 : 18)) {
      case 0: return make();
      case 1:
      case 2:
      case 3: return roll();
      case 4: return edit_one_set([this](DaemonSet& it) { choose_strategy(it); });
      case 5:
      case 6:
      case 7:
      case 8:
      case 9:
        for (int i = draw().between(1, gentle_ ? 16 : 8); i > 0; --i) kubelet_.step();
        return;
      case 10: return make_node();
      case 11:
        if (draw().chance(0.5)) remove_one(nodes_);
        return;
      case 12:
      case 13: return change_node();
      case 14: return edit_one_set([this](DaemonSet& it) { choose_zone(it); });
      case 15: return make_orphan();
      case 16: return remove_pod();
      case 17: return meddle();
      case 18:
        if (draw().chance(0.4)) remove_one(sets_, informers::DeleteOptions::background());
        return;
    }
  }

  void settle() override { kubelet_.settle(); }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, set] : sets_.all()) compare(key, set, out);
    return out;
  }

 private:
  template <class T>
  struct Past {
    Steady until;
    T state;
  };
  // What a set has ever asked for.
  struct Asked {
    int surge = 0, unavailable = 0;
  };

  void note(const DaemonSet* before, const DaemonSet& after) {
    Asked& asked = asked_[after.metadata().uid()];
    asked.surge = std::max(asked.surge, surge_of(after));
    asked.unavailable = std::max(asked.unavailable, unavailable_of(after));
    if (before && after.status().collision_count() > before->status().collision_count()) judge().reached("hash collisions");
  }

  const DaemonSet* set_of(const std::string& uid) const {
    for (const auto& [key, set] : sets_.all()) {
      if (set.metadata().uid() == uid) return &set;
    }
    return nullptr;
  }
  std::vector<const Pod*> pods_on(const std::string& uid, const std::string& node) const {
    std::vector<const Pod*> out;
    for (const auto& [key, pod] : pods_.all()) {
      if (is_active(pod) && controller_of(pod.metadata()) == uid && node_of(pod) == node) out.push_back(&pod);
    }
    return out;
  }

  bool has_ready(const std::string& uid, const std::string& node) const {
    return std::ranges::any_of(pods_on(uid, node), [](const Pod* pod) { return is_ready(*pod); });
  }

  // -- Never
  void by_the_loop(const std::string& key, const Pod* before, const Pod* after) {
    if (!before) return created(key, *after);
    const bool ends = !after || (!before->metadata().has_deletion_timestamp() && after->metadata().has_deletion_timestamp());
    if (ends) return deleted(key, *before);
    const std::string was = controller_of(before->metadata()), is = controller_of(after->metadata());
    if (was.empty() && !is.empty()) judge().reached("pods adopted");
    if (!was.empty() && is.empty()) judge().reached("pods released");
    if (!was.empty() && !is.empty() && was != is) judge().never(key + " was taken from its owner");
  }

  void created(const std::string& key, const Pod& pod) {
    const std::string uid = controller_of(pod.metadata()), node = node_of(pod);
    judge().reached(asked_[uid].surge > 0 ? "pods made, perhaps beside another" : "pods made");
    if (!might_start(uid, node)) judge().never(fmt::format("{} was made for {}, where none belongs", key, node));
    if (!alone()) return;
    const std::size_t most = asked_[uid].surge > 0 ? 2 : 1, count = pods_on(uid, node).size();
    if (count > most) judge().never(fmt::format("{} was made: {} pods are on {}, where {} may be", key, count, node, most));
  }

  // By any states that the loop may still go by.
  bool might_start(const std::string& uid, const std::string& node) {
    const Steady oldest = steady() - cache_age_most() - request_most();
    const auto states = [&](const auto& past, const std::string& of, const auto* present) {
      std::vector<std::remove_cvref_t<decltype(*present)>> out;
      if (present) out.push_back(*present);
      const auto found = past.find(of);
      if (found == past.end()) return out;
      for (const auto& each : found->second) {
        if (each.until >= oldest) out.push_back(each.state);
      }
      return out;
    };
    const auto nodes = states(past_nodes_, node, nodes_.find(node));
    const auto sets = states(past_sets_, uid, set_of(uid));
    return std::ranges::any_of(sets, [&](const DaemonSet& set) {
      return std::ranges::any_of(nodes, [&](const Node& each) { return starts(set, each); });
    });
  }

  void deleted(const std::string& key, const Pod& pod) {
    judge().reached("pods deleted by the loop");
    const std::string uid = controller_of(pod.metadata());
    if (!alone()) return;
    if (uid.empty()) return judge().never(key + " was deleted, and nobody's");
    if (gentle_) keeps_budget(key, pod);
  }

  // Where nothing but the loop takes pods away: what it may have known to be ready goes when another on its node is ready, or while as
  // few nodes are without as was ever asked for.
  void keeps_budget(const std::string& key, const Pod& pod) {
    const std::string uid = controller_of(pod.metadata());
    const auto since = ready_since_.find(key);
    const DaemonSet* set = set_of(uid);
    // Of two old pods the older one stays, which is the ready one: unless the clock was set back between them.
    if (clock_went_back_) return;
    if (!set || since == ready_since_.end() || steady() - since->second < cache_age_most() + request_most()) return;
    if (has_ready(uid, node_of(pod))) return judge().reached("ready pods deleted beside a ready one");
    int missing = 0;
    for (const auto& [name, node] : nodes_.all()) missing += starts(*set, node) && !has_ready(uid, name);
    judge().reached("ready pods deleted within the budget");
    const int most = asked_[uid].unavailable;
    if (missing > most)
      judge().never(fmt::format("{} was deleted: {} nodes are without a ready pod, where {} may be", key, missing, most));
  }

  // -- In the end
  void compare(const std::string& key, const DaemonSet& set, std::vector<std::string>& out) const {
    const std::string& uid = set.metadata().uid();
    int wanted = 0, misscheduled = 0;
    for (const auto& [name, node] : nodes_.all()) {
      const auto here = pods_on(uid, name);
      if (starts(set, node)) {
        ++wanted;
        if (here.size() != 1 || !is_ready(*here.front()))
          out.push_back(fmt::format("{} has {} pods on {}", key, here.size(), name));
      } else if (!here.empty() && stays(set, node)) {
        ++misscheduled;
      } else if (!here.empty()) {
        out.push_back(fmt::format("{} still has a pod on {}", key, name));
      }
      for (const Pod* pod : here) {
        if (rolls(set) && image_of(pod->spec()) != image_of(set.spec().template_().spec())) {
          out.push_back(fmt::format("{} has an old pod on {}", key, name));
        }
      }
    }
    for (const auto& [name, pod] : pods_.all()) compare_pod(key, set, name, pod, out);
    const auto& status = set.status();
    if (status.observed_generation() != set.metadata().generation()) out.push_back(key + " does not know its newest generation");
    if (status.desired_number_scheduled() != wanted || status.number_available() != wanted ||
        status.number_misscheduled() != misscheduled) {
      out.push_back(fmt::format("{} tells of {} nodes, {} available, {} misscheduled, not of {} and {}", key,
                                status.desired_number_scheduled(), status.number_available(), status.number_misscheduled(),
                                wanted, misscheduled));
    }
    compare_revisions(key, set, out);
  }

  void compare_pod(const std::string& key, const DaemonSet& set, const std::string& name, const Pod& pod,
                   std::vector<std::string>& out) const {
    if (!is_active(pod)) return;
    const std::string controller = controller_of(pod.metadata());
    const bool selected = label(pod.metadata(), "app") == set.metadata().name();
    if (controller.empty() && selected) out.push_back(fmt::format("{} selects the orphan {}", key, name));
    if (controller != set.metadata().uid()) return;
    if (!selected) out.push_back(fmt::format("{} still owns {}", key, name));
    if (!nodes_.find(node_of(pod))) out.push_back(fmt::format("{} is on {}, which is gone", name, node_of(pod)));
  }

  void compare_revisions(const std::string& key, const DaemonSet& set, std::vector<std::string>& out) const {
    int present = 0, unused = 0;
    std::int64_t newest = 0, number = 0;
    for (const auto& [name, revision] : revisions_.all()) {
      if (controller_of(revision.metadata()) != set.metadata().uid()) continue;
      newest = std::max<std::int64_t>(newest, revision.revision());
      const std::string hash = label(revision.metadata(), kHash);
      const bool used =
          std::ranges::any_of(pods_.all(), [&](const auto& pod) { return label(pod.second.metadata(), kHash) == hash; });
      // The zone is in the data, too.
      const std::string& data = revision.data().raw();
      const auto zone = set.spec().template_().spec().node_selector().find("zone");
      const bool same_zone = zone == set.spec().template_().spec().node_selector().end()
                                 ? data.find("nodeSelector") == std::string::npos
                                 : data.find(fmt::format("\"zone\":\"{}\"", zone->second)) != std::string::npos;
      const bool is_present = same_zone && data.find("\"" + image_of(set.spec().template_().spec()) + "\"") != std::string::npos;
      if (is_present) number = revision.revision();
      present += is_present;
      unused += !is_present && !used;
    }
    if (present != 1) out.push_back(fmt::format("{} has {} revisions of its template", key, present));
    if (number != newest) out.push_back(fmt::format("{}: its template is revision {} of {}", key, number, newest));
    if (unused > kHistory) out.push_back(fmt::format("{} keeps {} old revisions", key, unused));
  }

  // -- The workload
  void make() {
    DaemonSet set = make_daemon_set(fmt::format("default/{}", draw().of(kNames)));
    set.mutable_spec()->set_revision_history_limit(kHistory);
    choose_strategy(set);
    choose_zone(set);
    if (!gentle_ && draw().chance(0.3)) set.mutable_spec()->set_min_ready_seconds(draw().between(1, 20));
    attempt([&] { cluster().create(set); });
  }
  void choose_strategy(DaemonSet& it) {
    auto& strategy = *it.mutable_spec()->mutable_update_strategy();
    strategy.Clear();
    strategy.set_type(draw().chance(0.1) ? "OnDelete" : "RollingUpdate");
    if (strategy.type() == "OnDelete") return;
    const bool surges = draw().chance(0.5);
    strategy.mutable_rolling_update()->mutable_max_surge()->set_int_val(surges ? draw().between(1, 2) : 0);
    strategy.mutable_rolling_update()->mutable_max_unavailable()->set_int_val(surges ? 0 : draw().between(1, 2));
  }
  void choose_zone(DaemonSet& it) {
    auto& selector = *it.mutable_spec()->mutable_template_()->mutable_spec()->mutable_node_selector();
    selector.clear();
    if (draw().chance(0.4)) selector["zone"] = draw().of(kZones);
  }
  void edit_one_set(const std::function<void(DaemonSet&)>& change) { edit_one<DaemonSet>(sets_, change); }
  void roll() {
    const std::string image = fmt::format("img:{}", draw().between(1, 5));
    edit_one_set(
        [&](DaemonSet& it) { it.mutable_spec()->mutable_template_()->mutable_spec()->mutable_containers(0)->set_image(image); });
  }
  void make_node() {
    Node node;
    node.mutable_metadata()->set_name(fmt::format("node-{}", draw().between(0, 5)));
    change(node);
    attempt([&] { cluster().create(node); });
  }
  void change(Node& node) {
    (*node.mutable_metadata()->mutable_labels())["zone"] = draw().of(kZones);
    node.mutable_spec()->clear_taints();
    if (draw().chance(0.6)) return;
    auto& taint = *node.mutable_spec()->add_taints();
    taint.set_key("k");
    taint.set_effect(draw().of(kEffects));
  }
  void change_node() {
    edit_one<Node>(nodes_, [this](Node& node) { change(node); });
  }
  // With a node: where one without would be scheduled, the loop cannot know.
  void make_orphan() {
    Pod pod = make_pod(fmt::format("default/orphan-{}", draw().between(0, 9)), fmt::format("node-{}", draw().between(0, 5)));
    (*pod.mutable_metadata()->mutable_labels())["app"] = draw().of(kNames);
    if (draw().chance(0.7)) return void(attempt([&] { cluster().create(pod); }));
    const std::string app = draw().chance(0.3) ? "grey" : draw().of(kNames);
    edit_one<Pod>(pods_, [&](Pod& it) { (*it.mutable_metadata()->mutable_labels())["app"] = app; });
  }
  void remove_pod() {
    informers::DeleteOptions options;
    if (draw().chance(0.5)) options.grace_seconds = 0;
    remove_one(pods_, options);
  }
  // A revision goes, or leaves its name to another, or comes back as an orphan that says the same.
  void meddle() {
    const auto keys = revisions_.keys();
    if (keys.empty()) return;
    const std::string key = draw().of(keys);
    ControllerRevision twin = *revisions_.find(key);
    meta::v1::ObjectMeta metadata;
    metadata.set_namespace_("default");
    if (draw().chance(0.6)) {
      const bool removed = attempt([&] { cluster().remove<ControllerRevision>(key); });
      metadata.set_name(twin.metadata().name());
      *twin.mutable_metadata() = metadata;
      twin.mutable_data()->set_raw(R"({"another":"one"})");
      if (removed && draw().chance(0.6)) attempt([&] { cluster().create(twin); });
      return;
    }
    metadata.set_name(fmt::format("twin-{}", draw().between(0, 5)));
    (*metadata.mutable_labels())["app"] = label(twin.metadata(), "app");
    *twin.mutable_metadata() = metadata;
    twin.set_revision(draw().between(0, 9));
    attempt([&] { cluster().create(twin); });
  }

  inline static const std::vector<std::string> kNames{"a", "b", "c"};
  inline static const std::vector<std::string> kZones{"east", "west"};
  inline static const std::vector<std::string> kEffects{"NoSchedule", "NoExecute", "PreferNoSchedule"};

  bool gentle_ = false, prompt_ = false, clock_went_back_ = false;
  Shadow<Node> nodes_;
  Shadow<DaemonSet> sets_;
  Shadow<ControllerRevision> revisions_;
  Shadow<Pod> pods_;
  Kubelet kubelet_;
  std::map<std::string, Asked> asked_;                             // by the set's UID
  std::map<std::string, std::vector<Past<Node>>> past_nodes_;      // by name
  std::map<std::string, std::vector<Past<DaemonSet>>> past_sets_;  // by UID
  std::map<std::string, Steady> ready_since_;                      // by the pod's key
};

}  // namespace

std::unique_ptr<Swarm> daemon_set() { return std::make_unique<DaemonSets>(); }

}  // namespace ph::sim::swarm
