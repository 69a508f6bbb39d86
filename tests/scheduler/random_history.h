// A scheduler beside the same cluster as messages (Twin), and random things that happen to both (History): what whole cycles are
// compared with the obvious loops on.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>

#include "scheduler/scheduler.h"
#include "tests/scheduler/dice.h"
#include "tests/scheduler/naive_nodes.h"
#include "tests/scheduler/stored_objects.h"
#include "tests/sim/executor.h"

namespace ph::scheduler::test {

using core::v1::Namespace, core::v1::Node, core::v1::Pod;

// How many are tried; PH_NAIVE_SEEDS says another number.
inline std::uint64_t seeds(std::uint64_t usual) {
  const char* asked = std::getenv("PH_NAIVE_SEEDS");
  return asked ? std::strtoull(asked, nullptr, 10) : usual;
}

class Nobody final : public Transport {
 public:
  Task<HttpResponse> send(HttpRequest, bool) override {
    ADD_FAILURE() << "a cycle must not talk to the API";
    co_return HttpResponse{};
  }
};

// A scheduler, and the same cluster as messages.
class Twin {
 public:
  explicit Twin(std::uint64_t seed) : rng_(seed) {
    for (const char* name : {"default", "other"}) put_namespace(name, name);
  }

  // What happens is told to the cache and to the queue, as a running scheduler does.
  void put_node(const Node& node) {
    const auto known = nodes_.find(node.metadata().name());
    const NodeRef before = known == nodes_.end() ? nullptr : share_node(known->second), after = share_node(node);
    scheduler_.cache().put_node(after);
    nodes_[node.metadata().name()] = node;
    const ClusterEvents events = before ? events_of(*before, node) : ClusterEvents{ClusterEvent::NodeAdded};
    events.each([&](ClusterEvent event) { queue().move({.event = event, .node_before = before, .node_after = after}); });
  }
  void remove_node(const std::string& name) {
    scheduler_.cache().remove_node(name);
    queue().move({.event = ClusterEvent::NodeDeleted, .node_before = share_node(nodes_.at(name))});
    nodes_.erase(name);
  }
  // `assumed`: a cycle has placed it, and the API has not shown it yet.
  void put_pod(const Pod& pod, bool assumed = false) {
    const std::string& uid = pod.metadata().uid();
    const PodRef after = make_pod_info(pod), before = pods_.contains(uid) ? make_pod_info(pods_.at(uid)) : nullptr;
    if (assumed && !scheduler_.cache().assume(after)) return;
    pods_[uid] = pod;
    if (assumed) return;
    scheduler_.cache().put_pod(after);
    if (shown_.insert(uid).second) queue().move({.event = ClusterEvent::AssignedPodAdded, .pod_after = after});
    const ClusterEvents events = before ? events_of(*before, *after) : ClusterEvents();
    events.each([&](ClusterEvent event) { queue().move({.event = event, .pod_before = before, .pod_after = after}); });
  }
  void remove_pod(const std::string& uid) {
    scheduler_.cache().remove_pod(uid);
    queue().move({.event = ClusterEvent::AssignedPodDeleted, .pod_before = make_pod_info(pods_.at(uid))});
    pods_.erase(uid);
    shown_.erase(uid);
  }
  void put_namespace(const std::string& name, const std::string& team) {
    Namespace& space = namespaces_[name];
    space.mutable_metadata()->set_name(name);
    (*space.mutable_metadata()->mutable_labels())["team"] = team;
    objects_.put(space);
  }
  // No node: nowhere any more.
  void nominate(const Pod& pod, const std::string& node) {
    const std::string uid = pod.metadata().uid();
    queue().nominated().remove(uid);
    if (const auto ended = nominated_.extract(uid)) {
      queue().move({.event = ClusterEvent::AssignedPodDeleted, .pod_before = make_pod_info(ended.mapped())},
                   {.except = uid, .priority_most = pod.spec().priority()});
    }
    if (node.empty()) return;
    queue().nominated().put(make_pod_info(pod), node);
    Pod& there = nominated_[uid] = pod;
    there.mutable_spec()->set_node_name(node);
  }

  SchedulingQueue& queue() { return scheduler_.queue(); }
  const Profile& profile() const { return *scheduler_.profile("default-scheduler"); }
  const std::map<std::string, Node>& nodes() const { return nodes_; }
  const std::map<std::string, Pod>& pods() const { return pods_; }
  const std::map<std::string, Pod>& nominated() const { return nominated_; }

  // One cycle; the node's name, or nothing: `diagnosis` says why.
  std::string expect_same(const Pod& pod, bool like_others, Diagnosis& diagnosis) {
    CycleState state(make_pod_info(pod));
    const auto placement = like_others ? scheduler_.place_like_others(profile(), state, pod, diagnosis)
                                       : scheduler_.place(profile(), state, pod, diagnosis);
    const auto named = naive::named(pod);
    if (named && named->empty() && !nodes_.empty()) {
      EXPECT_EQ(diagnosis.pre_filter_message, "pod affinity terms conflict");
      EXPECT_EQ(placement.node, nullptr);
      return {};
    }
    const naive::World world = this->world();
    Refused refused;
    const std::vector<Node> left = naive_nodes(world, pod, refused);
    if (left.empty()) {
      EXPECT_EQ(placement.node, nullptr) << placement.node->name();
      expect_same_refusals(refused, diagnosis, named.has_value());
      return {};
    }
    EXPECT_EQ(placement.feasible, left.size());
    EXPECT_NE(placement.node, nullptr) << fit_message(diagnosis);
    if (placement.node && left.size() > 1) expect_same_scores(world, pod, left, *placement.node, state);
    return placement.node ? placement.node->name() : "";
  }

  // Some node would do, as the loops see it.
  bool fits(const Pod& pod) const {
    Refused refused;
    return !naive_nodes(world(), pod, refused).empty();
  }

 private:
  using Refused = std::map<std::string, naive::Refusal>;

  std::vector<Node> naive_nodes(const naive::World& world, const Pod& pod, Refused& refused) const {
    const auto named = naive::named(pod);
    std::vector<Node> left;
    for (const Node& node : world.nodes) {
      if (named && !named->contains(node.metadata().name())) continue;
      const naive::Refusal refusal = refusal_of(world, pod, node);
      if (refusal.plugin.empty()) {
        left.push_back(node);
      } else {
        refused[node.metadata().name()] = refusal;
      }
    }
    return left;
  }

  // Pods on nodes that are not known stand nowhere.
  naive::World world() const {
    naive::World out;
    out.namespaces = namespaces_;
    for (const auto& [name, node] : nodes_) out.nodes.push_back(node);
    for (const auto& [uid, pod] : pods_) {
      if (nodes_.contains(pod.spec().node_name())) out.pods.push_back(pod);
    }
    return out;
  }

  // Pods that are expected on the node and matter no less may come, or not: it must do both ways.
  naive::Refusal refusal_of(const naive::World& world, const Pod& pod, const Node& node) const {
    naive::World with = world;
    for (const auto& [uid, other] : nominated_) {
      const bool matters = other.spec().priority() >= pod.spec().priority() && uid != pod.metadata().uid();
      if (matters && other.spec().node_name() == node.metadata().name()) with.pods.push_back(other);
    }
    if (with.pods.size() > world.pods.size()) {
      if (const naive::Refusal refusal = naive::refusal(with, pod, node); !refusal.plugin.empty()) return refusal;
    }
    return naive::refusal(world, pod, node);
  }

  // `narrowed`: the pod names its nodes, and no others are looked at.
  void expect_same_refusals(const Refused& refused, const Diagnosis& diagnosis, bool narrowed) const {
    std::map<std::string, naive::Refusal> got;
    std::set<std::string> plugins;
    for (const Rejection& one : scheduler_.rejections().nodes) {
      const bool never = one.verdict.code() == Code::UnschedulableAndUnresolvable;
      got[one.node->name()] = {std::string(one.verdict.plugin()), one.verdict.message(), never};
    }
    EXPECT_EQ(got.size(), refused.size());
    for (const auto& [node, refusal] : refused) {
      plugins.insert(refusal.plugin);
      EXPECT_EQ(got[node].plugin, refusal.plugin) << node;
      EXPECT_EQ(got[node].text, refusal.text) << node;
      EXPECT_EQ(got[node].never, refusal.never) << node;
      EXPECT_TRUE(diagnosis.rejectors.contains(refusal.plugin)) << refusal.plugin;
    }
    if (narrowed && !nodes_.empty()) plugins.insert("NodeAffinity");
    if (refused.size() == nodes_.size()) EXPECT_EQ(diagnosis.rejectors.size(), plugins.size());
  }

  void expect_same_scores(const naive::World& world, const Pod& pod, const std::vector<Node>& left, const NodeInfo& taken,
                          const CycleState& state) {
    const naive::Scores wanted = naive::total_scores(world, pod, left);
    const std::int64_t best = std::ranges::max(wanted);
    std::vector<const NodeInfo*> nodes;
    Snapshot snapshot;
    scheduler_.cache().update(snapshot);
    for (const Node& node : left) nodes.push_back(snapshot.find(node.metadata().name()));
    const auto got = profile().score(state, pod, nodes);
    for (std::size_t i = 0; i < left.size(); ++i) {
      const std::string& name = left[i].metadata().name();
      EXPECT_EQ(got[i].score, wanted[i]) << name;
      if (name == taken.name()) EXPECT_EQ(wanted[i], best) << name << " was taken";
    }
  }

  SeededRng rng_;
  sim::SimExecutor executor_;
  Nobody transport_;
  StoredObjects objects_;
  informers::Client client_{transport_, "test"};
  informers::Informers informers_{executor_, client_, rng_, {}};
  Scheduler scheduler_{{.executor = executor_,
                        .clock = executor_.clock(),
                        .rng = rng_,
                        .client = client_,
                        .informers = informers_,
                        .log = {},
                        .objects = &objects_},
                       Configuration::defaults()};
  std::map<std::string, Node> nodes_;
  std::map<std::string, Pod> pods_, nominated_;
  std::set<std::string> shown_;  // UIDs of those that the API has shown
  std::map<std::string, Namespace> namespaces_;
};

// -- What happens to it

class History {
 public:
  // `alone`: no pod has an opinion of where others are.
  explicit History(std::uint64_t seed, bool alone = false) : dice_(seed), twin_(seed), alone_(alone) {}

  Dice& dice() { return dice_; }
  Twin& twin() { return twin_; }

  void happen() {
    if (twin_.nodes().size() > kNodesMost) return twin_.remove_node(any_node());
    if (twin_.pods().size() > kPodsMost) return remove_pod();
    switch (dice_.upto(15)) {
      case 0:
      case 1: return twin_.put_node(node(made_++));
      case 2:
      case 3: return change_node();
      case 4:
        if (twin_.nodes().size() > 3) twin_.remove_node(any_node());
        return;
      case 5:
      case 6: return remove_pod();
      case 7: return change_pod();
      case 8: return nominate();
      case 9: return twin_.put_namespace(dice_.one_of({"default", "other"}), dice_.one_of({"default", "other"}));
      default: return put_pod();
    }
  }

  // A pod of some class comes up. Mostly it goes where it was placed.
  void cycle() {
    if (templates_.size() < 6 || dice_.once_in(12)) templates_.insert(templates_.begin(), waiting_pod());
    if (templates_.size() > 6) templates_.pop_back();
    Pod pod = templates_[static_cast<std::size_t>(dice_.upto(static_cast<int>(templates_.size()) - 1))];
    rename(pod);
    Diagnosis diagnosis;
    const std::string node = twin_.expect_same(pod, !dice_.once_in(6), diagnosis);
    if (node.empty() || dice_.once_in(3)) return;
    pod.mutable_spec()->set_node_name(node);
    twin_.put_pod(pod, true);
    if (dice_.once_in(2)) twin_.put_pod(pod);
  }

  Pod waiting_pod() {
    Pod out = dice_.pod("p", 0);
    ask(out);
    choose_nodes(out);
    if (alone_) return out;
    if (dice_.once_in(4)) dice_.affinity(out);
    if (dice_.once_in(4)) spread(out);
    for (int i = dice_.once_in(3) ? 1 + dice_.upto(1) : 0; i > 0; --i) dice_.constraint(out, "ScheduleAnyway");
    return out;
  }
  void rename(Pod& pod) {
    pod.mutable_metadata()->set_name("p" + std::to_string(++number_));
    pod.mutable_metadata()->set_uid("uid-" + std::to_string(number_));
  }

 private:
  Node node(int number) {
    Node out = dice_.node(number);
    auto& there = *out.mutable_status()->mutable_allocatable();
    there["cpu"].set_string(dice_.one_of({"1", "2", "4", "8"}));
    there["memory"].set_string(dice_.one_of({"2Gi", "4Gi", "8Gi"}));
    there["pods"].set_string(dice_.one_of({"3", "6", "110"}));
    if (dice_.once_in(3)) there["example.com/gpu"].set_string(dice_.one_of({"0", "1", "4"}));
    if (dice_.once_in(3)) there["ephemeral-storage"].set_string("10Gi");
    if (dice_.once_in(8)) out.mutable_spec()->set_unschedulable(true);
    if (dice_.once_in(3)) (*out.mutable_metadata()->mutable_labels())["size"] = dice_.one_of({"3", "7", "many"});
    for (int i = dice_.upto(2); i > 0; --i) {
      const bool large = dice_.once_in(2);
      auto* image = out.mutable_status()->add_images();
      image->add_names(large ? "large:1" : "small:latest");
      image->set_size_bytes(large ? 900'000'000 : 60'000'000);
    }
    return out;
  }

  // What a pod asks of a node.
  void ask(Pod& pod) {
    auto& container = *pod.mutable_spec()->add_containers();
    container.set_name("c");
    container.set_image(dice_.one_of({"large:1", "small", "other:2"}));
    request(container);
    if (dice_.once_in(6)) {
      auto& init = *pod.mutable_spec()->add_init_containers();
      init.set_name("i");
      init.set_image("small");
      request(init);
      if (dice_.once_in(2)) init.set_restart_policy("Always");
    }
    if (dice_.once_in(8)) (*pod.mutable_spec()->mutable_overhead())["cpu"].set_string("50m");
    if (dice_.once_in(5)) {
      auto* port = container.add_ports();
      port->set_container_port(80);
      port->set_host_port(80 + dice_.upto(1));
      port->set_protocol(dice_.one_of({"", "UDP"}));
      port->set_host_ip(dice_.one_of({"", "10.0.0.1", "10.0.0.2"}));
    }
    pod.mutable_spec()->set_priority(dice_.upto(2));
  }
  void request(core::v1::Container& container) {
    auto& requests = *container.mutable_resources()->mutable_requests();
    if (!dice_.once_in(3)) requests["cpu"].set_string(dice_.one_of({"100m", "500m", "1", "3"}));
    if (!dice_.once_in(3)) requests["memory"].set_string(dice_.one_of({"200Mi", "1Gi", "3Gi"}));
    if (dice_.once_in(8)) requests["example.com/gpu"].set_string("1");
    if (dice_.once_in(8)) requests["ephemeral-storage"].set_string("4Gi");
  }

  void choose_nodes(Pod& pod) {
    if (dice_.once_in(5)) (*pod.mutable_spec()->mutable_node_selector())["zone"] = dice_.one_of({"a", "b"});
    if (dice_.once_in(4)) {
      auto* toleration = pod.mutable_spec()->add_tolerations();
      toleration->set_key(dice_.one_of({"t", "node.kubernetes.io/unschedulable", ""}));
      toleration->set_operator_("Exists");
      toleration->set_effect(dice_.one_of({"", "NoSchedule", "PreferNoSchedule"}));
    }
    const auto affinity = [&] { return pod.mutable_spec()->mutable_affinity()->mutable_node_affinity(); };
    if (dice_.once_in(4)) {
      auto* required = affinity()->mutable_required_during_scheduling_ignored_during_execution();
      for (int i = dice_.upto(1); i >= 0; --i) term(*required->add_node_selector_terms());
    }
    for (int i = dice_.upto(2); i > 0; --i) {
      auto* one = affinity()->add_preferred_during_scheduling_ignored_during_execution();
      one->set_weight(1 + dice_.upto(20));
      *one->mutable_preference()->add_match_expressions() = expression();
    }
  }
  void term(core::v1::NodeSelectorTerm& out) {
    if (dice_.once_in(4)) {
      std::vector<std::string> names;
      for (int i = dice_.upto(2); i >= 0; --i) names.push_back("n" + std::to_string(dice_.upto(made_)));
      *out.add_match_fields() = requirement("metadata.name", dice_.one_of({"In", "NotIn"}), {names.front()});
      if (dice_.once_in(6)) *out.add_match_fields() = requirement("metadata.name", "In", {names.back()});
    }
    if (out.match_fields().empty() || dice_.once_in(2)) *out.add_match_expressions() = expression();
  }
  core::v1::NodeSelectorRequirement expression() {
    if (dice_.once_in(5)) return requirement("size", dice_.one_of({"Gt", "Lt"}), {"5"});
    const std::string op = dice_.one_of({"In", "NotIn", "Exists", "DoesNotExist"});
    const std::vector<std::string> values{dice_.one_of({"a", "b", "c"})};
    return requirement(dice_.one_of({"zone", "rack"}), op, op.ends_with("In") ? values : std::vector<std::string>());
  }

  // A selector that selects everything counts nothing, but, as upstream has it, pods that are nominated.
  void spread(Pod& pod) {
    do {
      pod.mutable_spec()->clear_topology_spread_constraints();
      for (int i = dice_.upto(1); i >= 0; --i) dice_.constraint(pod, "DoNotSchedule");
    } while (std::ranges::any_of(pod.spec().topology_spread_constraints(), naive::selects_everything));
  }
  std::string any_node() { return any(twin_.nodes()); }
  template <class Map>
  std::string any(const Map& map) {
    return std::next(map.begin(), dice_.upto(static_cast<int>(map.size()) - 1))->first;
  }
  void change_node() {
    if (twin_.nodes().empty()) return;
    const std::string name = any_node();
    Node changed = node(std::stoi(name.substr(1)));
    // One thing of it, or all.
    Node now = twin_.nodes().at(name);
    switch (dice_.upto(4)) {
      case 0: *now.mutable_spec() = changed.spec(); break;
      case 1: *now.mutable_metadata() = changed.metadata(); break;
      case 2: *now.mutable_status()->mutable_allocatable() = changed.status().allocatable(); break;
      case 3: *now.mutable_status()->mutable_images() = changed.status().images(); break;
      default: now = changed;
    }
    twin_.put_node(now);
  }
  // On a node that is known, or not any more, or not yet.
  void put_pod() {
    Pod pod = waiting_pod();
    rename(pod);
    pod.mutable_spec()->set_node_name("n" + std::to_string(dice_.upto(made_)));
    if (dice_.once_in(10)) pod.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1);
    twin_.put_pod(pod, dice_.once_in(3));
  }
  void remove_pod() {
    if (!twin_.pods().empty()) twin_.remove_pod(any(twin_.pods()));
  }
  void change_pod() {
    if (twin_.pods().empty()) return;
    Pod pod = twin_.pods().at(any(twin_.pods()));
    switch (dice_.upto(3)) {
      case 0: pod.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1); break;
      case 1: (*pod.mutable_metadata()->mutable_labels())["app"] = dice_.one_of({"x", "y"}); break;
      case 2:
        (*pod.mutable_spec()->mutable_containers(0)->mutable_resources()->mutable_requests())["cpu"].set_string("100m");
        break;
      default: break;  // the API confirms it
    }
    twin_.put_pod(pod);
  }
  void nominate() {
    if (!twin_.nominated().empty() && dice_.once_in(2)) {
      const Pod pod = twin_.nominated().begin()->second;
      return twin_.nominate(pod, "");
    }
    if (twin_.nodes().empty()) return;
    Pod pod = dice_.pod("p", 0);
    ask(pod);
    rename(pod);
    twin_.nominate(pod, any_node());
  }

  static constexpr std::size_t kNodesMost = 8, kPodsMost = 24;

  Dice dice_;
  Twin twin_;
  std::vector<Pod> templates_;
  const bool alone_;
  int made_ = 0, number_ = 0;
};

}  // namespace ph::scheduler::test
