// scheduler: nodes that come, go, grow, fill up, are cordoned, tainted and labelled anew; pods with requests, ports, selectors,
// tolerations, priorities and gates that come, finish, make way for others and go. flow-scheduler: the same, with a second profile beside the
// default one that places its pods in batches by a flow network, and gangs for it: none of their pods is bound before there are enough,
// and none waits where there is room for all.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>

#include "api/node_selector.h"
#include "api/quantity.h"
#include "api/sorted.h"
#include "scheduler/flow/gang.h"
#include "tests/sim/builders.h"
#include "tests/sim/swarm/kubelet.h"

namespace ph::sim::swarm {
namespace {

using core::v1::Node;
using core::v1::Pod;

constexpr const char* kScheduler = "system:kube-scheduler";
constexpr int kPodsMost = 6;
constexpr int kPort = 8080;
constexpr const char* kFlowProfile = "flow-scheduler";
constexpr int kGang = 3;  // pods
// A pod that a node has room for is bound by then: there has been time for the longest backoffs, of the scheduler and of its watches.
// It is less than the five minutes after which whoever waits is tried again without a reason.
constexpr Duration kWaitMost = 100s;

struct Room {
  int cpu = 0, pods = 0, ports = 0;  // cpu in thousandths
};

int milli(const auto& quantity) { return static_cast<int>(api::Quantity::parse(quantity.string())->milli_value()); }

int cpu_of(const Pod& pod) {
  const auto& requests = pod.spec().containers(0).resources().requests();
  const auto found = requests.find("cpu");
  return found == requests.end() ? 0 : milli(found->second);
}

bool wants_port(const Pod& pod) {
  return std::ranges::any_of(pod.spec().containers(0).ports(), [](const auto& port) { return port.host_port() == kPort; });
}

bool is_finished(const Pod& pod) { return pod.status().phase() == "Failed" || pod.status().phase() == "Succeeded"; }

bool tells_why(const Pod& pod) {
  return std::ranges::any_of(pod.status().conditions(), [](const auto& c) {
    return c.type() == "PodScheduled" && c.status() == "False" && c.reason() == "Unschedulable";
  });
}

bool admits(const Node& node, const Pod& pod) {
  for (const auto& [name, value] : in_any_order(pod.spec().node_selector())) {
    const auto found = node.metadata().labels().find(name);
    if (found == node.metadata().labels().end() || found->second != value) return false;
  }
  return true;
}

bool tolerates_all(const Node& node, const Pod& pod) {
  return std::ranges::all_of(node.spec().taints(),
                             [&](const auto& taint) { return api::tolerates(pod.spec().tolerations(), taint); });
}

std::string flow_configuration(Draw& draw) {
  static const std::vector<const char*> policies{"Scores", "LoadSpreading", "Packing", "Locality"};
  return fmt::format(R"(
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: default-scheduler
- schedulerName: {}
  plugins: {{multiPoint: {{enabled: [{{name: FlowPlacement}}]}}}}
  pluginConfig:
  - name: FlowPlacement
    args: {{policy: {}, batchWindow: {}ms, maxBatch: {}}}
)",
                     kFlowProfile, draw.of(policies), 50 * draw.between(0, 10), draw.between(1, 20));
}

class SchedulerSwarm final : public Swarm {
 public:
  explicit SchedulerSwarm(bool with_flow) : with_flow_(with_flow) {}

  Setup setup(Draw& draw) override { return no_loops().scheduler(with_flow_ ? flow_configuration(draw) : std::string()); }
  Faults faults() const override { return all(); }

  void begin() override {
    nodes_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto&) {
      if (!after) gone_.insert_or_assign(key, *before);
    });
    pods_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (!before || !after) return;
      const bool sent_away = after->metadata().has_deletion_timestamp() && !before->metadata().has_deletion_timestamp();
      if (sent_away && write.author == kScheduler) this->sent_away(key);
      if (before->spec().node_name() == after->spec().node_name()) return;
      if (!before->spec().node_name().empty()) judge().never(key + " was bound twice");
      if (write.author == kScheduler) bound(key, *after);
    });
    for (int i = draw().between(1, 4); i > 0; --i) make_node();
  }

  void act() override {
    switch (draw().between(0, 15)) {
      case 0:
      case 1: return make_node();
      case 2:
        if (draw().chance(0.5)) return delete_node();
        return;
      case 3: return cordon();
      case 4: return finish();
      case 5:
      case 6: return delete_pod();
      case 7: return open_gate();
      case 8: return taint();
      case 9: return relabel();
      case 10: return grow();
      case 11: return tolerate();
      case 12:
        if (with_flow_) return make_gang();
        [[fallthrough]];
      default:
        for (int i = draw().between(1, with_flow_ ? 12 : 5); i > 0; --i) make_pod();
    }
  }

  void settle() override {
    for (const auto& [key, pod] : std::map(pods_.all())) {
      if (pod.metadata().has_deletion_timestamp()) end(key);
    }
  }

  // Who finds no node for a pod tells so again, of the nodes as they are now; but nobody finds one.
  void rest() override { rests_ = true; }
  bool may_write_at_rest(const std::string& line) const override {
    return line.find("/registry/events/") != std::string::npos || line.find("/registry/pods/") != std::string::npos;
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, pod] : pods_.all()) {
      if (!pod.spec().node_name().empty() || is_finished(pod) || pod.metadata().has_deletion_timestamp()) continue;
      if (pod.spec().scheduling_gates_size() > 0) continue;
      if (!tells_why(pod)) out.push_back(key + " waits, and does not tell why");
      if (is_held_by_gang(pod)) continue;
      for (const auto& [name, node] : nodes_.all()) {
        if (node.spec().unschedulable() || !admits(node, pod) || !tolerates_all(node, pod)) continue;
        if (is_repelled(key, pod, name)) continue;
        if (fits(node, pod)) {
          out.push_back(fmt::format("{} waits, and {} has room for it", key, name));
        } else if (fits_without_lesser(node, pod)) {
          out.push_back(fmt::format("{} waits, and could take the place of others on {}", key, name));
        }
      }
    }
    for (const auto& [gang, made] : gangs_) {
      if (has_room_for_gang(gang)) out.push_back(gang + " waits, and there is room for all of it");
    }
    forbid_long_waits(out);
    return out;
  }

 private:
  // -- Gangs
  static std::string gang_of(const Pod& pod) {
    const auto found = pod.metadata().labels().find(std::string(scheduler::flow::kGangLabel));
    return found == pod.metadata().labels().end() ? std::string() : found->second;
  }
  // How many pods with a node it misses; and, of those that wait, whom it has.
  int missing_of_gang(const std::string& gang, std::vector<const Pod*>* waiting = nullptr) const {
    int out = kGang;
    for (const auto& [key, pod] : pods_.all()) {
      if (gang_of(pod) != gang || is_finished(pod) || pod.metadata().has_deletion_timestamp()) continue;
      if (!pod.spec().node_name().empty()) {
        out -= nodes_.find(pod.spec().node_name()) != nullptr;  // what was on a node that is gone is no use any more
      } else if (waiting) {
        waiting->push_back(&pod);
      }
    }
    return std::max(out, 0);
  }
  bool is_held_by_gang(const Pod& pod) const { return !gang_of(pod).empty() && missing_of_gang(gang_of(pod)) > 0; }
  bool has_room_for_gang(const std::string& gang) const {
    std::vector<const Pod*> waiting;
    const int missing = missing_of_gang(gang, &waiting);
    if (missing == 0 || waiting.size() < static_cast<std::size_t>(missing)) return false;
    std::map<std::string, Room> used;
    for (const auto& [name, node] : nodes_.all()) used[name] = used_on(name);
    return has_room_for(waiting, 0, missing, used);
  }
  // For so many of those from `at` on, each on some node.
  bool has_room_for(const std::vector<const Pod*>& pods, std::size_t at, int wanted, std::map<std::string, Room>& used) const {
    if (wanted == 0) return true;
    if (pods.size() - at < static_cast<std::size_t>(wanted)) return false;
    for (const auto& [name, node] : nodes_.all()) {
      if (node.spec().unschedulable() || !admits(node, *pods[at]) || !tolerates_all(node, *pods[at])) continue;
      if (!is_enough(room_of(node), used[name], *pods[at])) continue;
      used[name].cpu += cpu_of(*pods[at]);
      ++used[name].pods;
      const bool rest = has_room_for(pods, at + 1, wanted - 1, used);
      used[name].cpu -= cpu_of(*pods[at]);
      --used[name].pods;
      if (rest) return true;
    }
    return has_room_for(pods, at + 1, wanted, used);
  }
  void gang_bound(const std::string& gang) {
    judge().reached("pods of gangs bound");
    if (gangs_[gang] < kGang)
      judge().never(fmt::format("a pod of {} was bound, when there were {} of {}", gang, gangs_[gang], kGang));
    if (missing_of_gang(gang) == 0) judge().reached("gangs bound whole");
  }
  // One that is not whole yet gets its other pods, or there is another one.
  void make_gang() {
    std::string gang;
    for (const auto& [name, made] : gangs_) {
      if (made < kGang) gang = name;
    }
    if (gang.empty()) gang = fmt::format("gang-{}", gangs_.size());
    int& made = gangs_[gang];
    // Of one size, by its number: how sizes fit together is not known to a flow, and finding out is not promised.
    const int cpu = 200 * (1 + static_cast<int>(gangs_.size()) % 3);
    for (int i = draw().between(1, kGang + 1); i > 0; --i) {
      Pod pod = sim::make_pod(fmt::format("default/{}-{}", gang, made));
      pod.mutable_spec()->set_scheduler_name(kFlowProfile);
      auto& labels = *pod.mutable_metadata()->mutable_labels();
      labels[std::string(scheduler::flow::kGangLabel)] = gang;
      labels[std::string(scheduler::flow::kGangLeastLabel)] = std::to_string(kGang);
      auto& requests = *pod.mutable_spec()->mutable_containers(0)->mutable_resources()->mutable_requests();
      requests["cpu"].set_string(fmt::format("{}m", cpu));
      if (draw().chance(0.2)) (*pod.mutable_spec()->mutable_node_selector())["zone"] = draw().chance(0.5) ? "a" : "b";
      // A request whose answer is lost may have been served.
      ++made;
      attempt([&] { cluster().create(pod); });
    }
  }

  // What is missing for too long, though nothing goes wrong any more, is somebody whom no event woke.
  void forbid_long_waits(const std::vector<std::string>& missing) {
    std::map<std::string, Steady> since;
    for (const std::string& text : missing) {
      const auto known = missing_since_.find(text);
      since[text] = known == missing_since_.end() ? steady() : known->second;
      if (steady() - since[text] > kWaitMost) judge().never("stranded: " + text);
    }
    missing_since_ = std::move(since);
  }

  static Room room_of(const Node& node) {
    const auto& allocatable = node.status().allocatable();
    return {milli(allocatable.at("cpu")), kPodsMost};
  }
  // By pods of at least this priority.
  Room used_on(const std::string& node, int priority = INT32_MIN) const {
    Room out;
    for (const auto& [key, pod] : pods_.all()) {
      if (pod.spec().node_name() != node || is_finished(pod) || pod.spec().priority() < priority) continue;
      out.cpu += cpu_of(pod);
      out.ports += wants_port(pod);
      ++out.pods;
    }
    return out;
  }
  static bool is_enough(const Room& room, const Room& used, const Pod& pod) {
    const bool port = !wants_port(pod) || used.ports == 0;
    return port && used.cpu + cpu_of(pod) <= room.cpu && used.pods < room.pods;
  }
  bool fits(const Node& node, const Pod& pod) const { return is_enough(room_of(node), used_on(node.metadata().name()), pod); }
  bool fits_without_lesser(const Node& node, const Pod& pod) const {
    return is_enough(room_of(node), used_on(node.metadata().name(), pod.spec().priority()), pod);
  }

  // Some pod on the node wants to be alone of its kind there, as this one does.
  bool is_repelled(const std::string& key, const Pod& pod, const std::string& node) const {
    if (!pod.spec().has_affinity()) return false;
    return std::ranges::any_of(pods_.all(), [&](const auto& entry) {
      const auto& [name, other] = entry;
      return name != key && other.spec().has_affinity() && other.spec().node_name() == node && !is_finished(other);
    });
  }

  void sent_away(const std::string& key) {
    judge().reached("pods that made way");
    if (rests_) judge().never(key + " was sent away at rest");
  }

  void bound(const std::string& key, const Pod& pod) {
    judge().reached("pods bound");
    if (pod.spec().scheduler_name() == kFlowProfile) judge().reached("pods bound by the profile with a flow");
    if (const std::string gang = gang_of(pod); !gang.empty()) gang_bound(gang);
    if (is_repelled(key, pod, pod.spec().node_name()))
      judge().never(fmt::format("{} was bound to {}, beside one of those it keeps away from", key, pod.spec().node_name()));
    if (rests_) judge().never(key + " was bound at rest");
    const std::string& name = pod.spec().node_name();
    if (pod.spec().scheduling_gates_size() > 0) judge().never(key + " was bound through its gates");
    const Node* node = nodes_.find(name);
    if (!node) {
      judge().reached("pods bound to a node that is gone");
      if (!gone_.contains(name)) judge().never(fmt::format("{} was bound to {}, which never was", key, name));
      return;
    }
    if (!admits(*node, pod) && !relabelled_.contains(name))
      judge().never(fmt::format("{} was bound to {}, which it does not select", key, name));
    const Room room = room_of(*node), used = used_on(name);
    if (used.ports > 1) judge().never(fmt::format("{} was bound to {}, where its port is taken", key, name));
    if (used.cpu > room.cpu || used.pods > room.pods) {
      judge().never(fmt::format("{} was bound to {}: {} of {}m CPU, {} of {} pods are used", key, name, used.cpu, room.cpu,
                                used.pods, room.pods));
    }
  }

  // -- The workload
  void make_node() {
    // A name is not used again with another size: caches may still know the old one.
    Node node;
    node.mutable_metadata()->set_name(fmt::format("node-{}", nodes_made_++));
    (*node.mutable_metadata()->mutable_labels())["zone"] = draw().chance(0.5) ? "a" : "b";
    (*node.mutable_metadata()->mutable_labels())["kubernetes.io/hostname"] = node.metadata().name();
    const std::string cpu = fmt::format("{}m", 500 * draw().between(1, 5));
    for (auto* resources : {node.mutable_status()->mutable_capacity(), node.mutable_status()->mutable_allocatable()}) {
      (*resources)["cpu"].set_string(cpu);
      (*resources)["memory"].set_string("8Gi");
      (*resources)["pods"].set_string(std::to_string(kPodsMost));
    }
    attempt([&] { cluster().create(node); });
  }
  void delete_node() {
    const auto keys = nodes_.keys();
    if (!keys.empty()) attempt([&] { cluster().remove<Node>(draw().of(keys)); });
  }
  void cordon() {
    const auto keys = nodes_.keys();
    if (keys.empty()) return;
    attempt([&] {
      cluster().edit<Node>(draw().of(keys),
                           [](Node& node) { node.mutable_spec()->set_unschedulable(!node.spec().unschedulable()); });
    });
  }
  void taint() {
    edit_one<Node>(nodes_, [](Node& node) {
      if (node.spec().taints().empty()) {
        auto* taint = node.mutable_spec()->add_taints();
        taint->set_key("example.com/taint");
        taint->set_effect("NoSchedule");
      } else {
        node.mutable_spec()->clear_taints();
      }
    });
  }
  void relabel() {
    edit_one<Node>(nodes_, [this](Node& node) {
      relabelled_.insert(node.metadata().name());
      std::string& zone = (*node.mutable_metadata()->mutable_labels())["zone"];
      zone = zone == "a" ? "b" : "a";
    });
  }
  // It never shrinks: caches may still know what it was.
  void grow() {
    const auto keys = nodes_.keys();
    if (keys.empty()) return;
    Node node = *nodes_.find(draw().of(keys));
    node.mutable_metadata()->clear_resource_version();
    const std::string cpu = fmt::format("{}m", room_of(node).cpu + 500);
    (*node.mutable_status()->mutable_capacity())["cpu"].set_string(cpu);
    (*node.mutable_status()->mutable_allocatable())["cpu"].set_string(cpu);
    attempt([&] { cluster().update_status(node); });
  }
  static void add_toleration(Pod& pod) {
    if (!pod.spec().tolerations().empty()) return;
    auto* toleration = pod.mutable_spec()->add_tolerations();
    toleration->set_key("example.com/taint");
    toleration->set_operator_("Exists");
  }
  void tolerate() {
    const auto key = some_pod();
    if (key) attempt([&] { cluster().edit<Pod>(*key, [](Pod& pod) { add_toleration(pod); }); });
  }
  void make_pod() {
    Pod pod = sim::make_pod(fmt::format("default/pod-{}", draw().between(0, 30)));
    auto& requests = *pod.mutable_spec()->mutable_containers(0)->mutable_resources()->mutable_requests();
    requests["cpu"].set_string(fmt::format("{}m", 100 * draw().between(1, 9)));
    if (draw().chance(0.2)) (*pod.mutable_spec()->mutable_node_selector())["zone"] = draw().chance(0.5) ? "a" : "b";
    if (draw().chance(0.1)) pod.mutable_spec()->add_scheduling_gates()->set_name("example.com/gate");
    if (draw().chance(0.2)) add_toleration(pod);
    pod.mutable_spec()->set_priority(draw().chance(0.3) ? 10 * draw().between(1, 2) : 0);
    if (with_flow_) {
      if (draw().chance(0.7)) pod.mutable_spec()->set_scheduler_name(kFlowProfile);
      if (draw().chance(0.2)) keep_apart(pod);
    }
    if (draw().chance(0.15)) {
      auto* port = pod.mutable_spec()->mutable_containers(0)->add_ports();
      port->set_container_port(kPort);
      port->set_host_port(kPort);
    }
    attempt([&] { cluster().create(pod); });
  }
  static void keep_apart(Pod& pod) {
    (*pod.mutable_metadata()->mutable_labels())["kind"] = "loner";
    auto* term = pod.mutable_spec()
                     ->mutable_affinity()
                     ->mutable_pod_anti_affinity()
                     ->add_required_during_scheduling_ignored_during_execution();
    term->set_topology_key("kubernetes.io/hostname");
    (*term->mutable_label_selector()->mutable_match_labels())["kind"] = "loner";
  }
  std::optional<std::string> some_pod() {
    const auto keys = pods_.keys();
    if (keys.empty()) return std::nullopt;
    return draw().of(keys);
  }
  void delete_pod() {
    const auto key = some_pod();
    if (!key) return;
    const Pod* pod = pods_.find(*key);
    if (pod->metadata().has_deletion_timestamp() || draw().chance(0.5)) return end(*key);
    attempt([&] { cluster().remove<Pod>(*key); });
  }
  void end(const std::string& key) {
    informers::DeleteOptions options;
    options.grace_seconds = 0;
    attempt([&] { cluster().remove<Pod>(key, options); });
  }
  void finish() {
    const auto key = some_pod();
    if (!key || pods_.find(*key)->spec().node_name().empty()) return;
    Pod pod = *pods_.find(*key);
    pod.mutable_metadata()->clear_resource_version();
    pod.mutable_status()->set_phase("Succeeded");
    attempt([&] { cluster().update_status(pod); });
  }
  void open_gate() {
    for (const auto& [key, pod] : pods_.all()) {
      if (pod.spec().scheduling_gates_size() == 0) continue;
      const std::string name = key;
      judge().reached("gates opened");
      attempt([&] { cluster().edit<Pod>(name, [](Pod& it) { it.mutable_spec()->clear_scheduling_gates(); }); });
      return;
    }
  }

  const bool with_flow_;
  Shadow<Node> nodes_;
  Shadow<Pod> pods_;
  std::map<std::string, Node> gone_;
  std::set<std::string> relabelled_;
  std::map<std::string, Steady> missing_since_;
  std::map<std::string, int> gangs_;  // pods that were made of each
  int nodes_made_ = 0;
  bool rests_ = false;
};

}  // namespace

std::unique_ptr<Swarm> scheduler_swarm() { return std::make_unique<SchedulerSwarm>(false); }
std::unique_ptr<Swarm> flow_scheduler_swarm() { return std::make_unique<SchedulerSwarm>(true); }

}  // namespace ph::sim::swarm
