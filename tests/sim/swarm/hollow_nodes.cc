// hollow-nodes: a day of hollow nodes. Pods of all sorts come, are bound, changed, held and deleted in every state; others write
// into their statuses, and into those of the nodes; nodes and leases are deleted; the nodes' process ends and comes back.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "api/codec.h"
#include "api/errors.h"
#include "api/sorted.h"
#include "node/lifecycle.h"
#include "tests/sim/builders.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using coordination::v1::Lease;
using core::v1::Node;
using core::v1::Pod;
using core::v1::PodStatus;
using informers::Patch;

constexpr const char* kHeld = "example.com/held";
constexpr const char* kPlay = "play";  // a label: what the pod's containers do
constexpr Duration kSlack = 3min;

bool has_ended(const Pod& pod) { return pod.status().phase() == "Succeeded" || pod.status().phase() == "Failed"; }
bool is_leaving(const Pod& pod) { return pod.metadata().has_deletion_timestamp(); }
std::string play_of(const Pod& pod) {
  const auto found = pod.metadata().labels().find(kPlay);
  return found == pod.metadata().labels().end() ? std::string() : found->second;
}
bool runs_something(const Pod& pod) {
  return std::ranges::any_of(pod.status().container_statuses(), [](const auto& c) { return c.state().has_running(); });
}
const core::v1::PodCondition* condition(const Pod& pod, std::string_view type) {
  const auto found = std::ranges::find(pod.status().conditions(), type, [](const auto& c) { return c.type(); });
  return found == pod.status().conditions().end() ? nullptr : &*found;
}

// What a kubelet must leave as it is.
std::string others_part(const Pod& pod) {
  Pod others = pod;
  others.mutable_metadata()->clear_managed_fields();
  others.mutable_metadata()->clear_resource_version();
  PodStatus& status = *others.mutable_status();
  status.clear_observed_generation();
  status.clear_phase();
  status.clear_reason();
  status.clear_message();
  status.clear_host_ip();
  status.clear_host_ips();
  status.clear_pod_ip();
  status.clear_pod_ips();
  status.clear_start_time();
  status.clear_container_statuses();
  status.clear_init_container_statuses();
  auto& conditions = *status.mutable_conditions();
  conditions.erase(
      std::remove_if(conditions.begin(), conditions.end(), [](const auto& c) { return node::is_kubelets(c.type()); }),
      conditions.end());
  return api::encode_json(others);
}

bool is_kubelets(const core::v1::NodeCondition& condition) {
  return condition.type() == "Ready" || condition.type().ends_with("Pressure");
}

std::string others_part(const Node& node, const core::v1::NodeStatus& own) {
  Node others = node;
  others.mutable_metadata()->clear_managed_fields();
  others.mutable_metadata()->clear_resource_version();
  others.mutable_metadata()->mutable_annotations()->erase("volumes.kubernetes.io/controller-managed-attach-detach");
  auto& status = *others.mutable_status();
  status.clear_images();
  status.clear_node_info();
  status.clear_daemon_endpoints();
  status.clear_addresses();
  for (const auto& [name, quantity] : in_any_order(own.capacity())) {
    status.mutable_capacity()->erase(name);
    status.mutable_allocatable()->erase(name);
  }
  auto& conditions = *status.mutable_conditions();
  conditions.erase(std::remove_if(conditions.begin(), conditions.end(), is_kubelets), conditions.end());
  return api::encode_json(others);
}

// The first thing of a report that is not in the status; empty: all is there.
std::string left_out(const core::v1::NodeStatus& status, const core::v1::NodeStatus& own) {
  if (api::encode_json(status.node_info()) != api::encode_json(own.node_info())) return "nodeInfo";
  if (api::encode_json(status.daemon_endpoints()) != api::encode_json(own.daemon_endpoints())) return "daemonEndpoints";
  const auto has = [](const auto& list, const auto& item) {
    return std::ranges::any_of(list,
                               [&](const auto& each) { return each.type() == item.type() && each.address() == item.address(); });
  };
  for (const auto& address : own.addresses()) {
    if (!has(status.addresses(), address)) return "addresses";
  }
  for (const auto& [name, quantity] : in_any_order(own.capacity())) {
    const auto found = status.capacity().find(name), allocatable = status.allocatable().find(name);
    if (found == status.capacity().end() || found->second.string() != quantity.string()) return "capacity";
    if (allocatable == status.allocatable().end() || allocatable->second.string() != quantity.string()) return "allocatable";
  }
  for (const auto& wanted : own.conditions()) {
    const bool there = std::ranges::any_of(status.conditions(), [&](const auto& c) {
      return c.type() == wanted.type() && c.status() == wanted.status() && c.reason() == wanted.reason() &&
             c.has_last_heartbeat_time() && c.has_last_transition_time();
    });
    if (!there) return "condition " + wanted.type();
  }
  return {};
}

class HollowNodes final : public Swarm {
 public:
  Setup setup(Draw& draw) override {
    options_.count = draw.between(1, 2);
    options_.kubelet_port = draw.chance(0.8) ? 10250 : 0;
    options_.lease_period = draw.chance(0.1) ? 30s : draw.chance(0.3) ? 2min : 10min;
    return no_loops().nodes(options_);
  }
  Faults faults() const override {
    Faults out = all();
    out.for_nodes = true;
    return out;
  }

  void begin() override {
    for (int i = 0; i < options_.count; ++i)
      own_[node::node_name(options_, i)] = node::make_node(options_, i, cluster().now()).status();
    jumps_ = weather().clock_jump_every > Duration::zero();
    nodes_.follow(cluster(), [this](const auto& name, const auto* before, const auto* after, const auto& write) {
      if (write.author == "pilothouse:hollow-nodes") judge_node(name, before, after);
    });
    pods_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (write.author == "pilothouse:hollow-nodes") judge_pod(key, before, after);
      if (!after) meddled_.erase(key), decided_.erase(key);
    });
    leases_.follow(cluster(), [this](const auto& key, const auto*, const auto* after, const auto& write) {
      if (after && write.author == "pilothouse:hollow-nodes") renewed_[key] = steady();
    });
    for (int i = 0; i < 6; ++i) make_pod();
  }

  void act() override {
    cluster().advance(draw().up_to(draw().chance(0.6) ? 20s : draw().chance(0.6) ? 6min : 12h));
    switch (draw().between(0, 19)) {
      case 0:
      case 1:
      case 2:
        for (int i = draw().between(1, 4); i > 0; --i) make_pod();
        return;
      case 3:
      case 4: return bind_one();
      case 5:
      case 6: return edit_pod([this](Pod& pod) { (*pod.mutable_metadata()->mutable_labels())["a"] = some_number(); });
      case 7: return edit_pod([](Pod& pod) { pod.mutable_metadata()->add_finalizers(kHeld); });
      case 8: return edit_pod([](Pod& pod) { pod.mutable_metadata()->clear_finalizers(); });
      case 9: return edit_pod([this](Pod& pod) { pod.mutable_spec()->mutable_containers(0)->set_image("img:" + some_number()); });
      case 10:
      case 11:
      case 12:
        for (int i = draw().between(1, 3); i > 0; --i) delete_pod();
        return;
      case 13:
      case 14:
      case 15:
        for (int i = draw().between(1, 3); i > 0; --i) meddle_with_pod();
        return;
      case 16:
      case 17: return meddle_with_node();
      case 18: return restart();
      default: return lose_something();
    }
  }

  // Whoever holds a pod lets go; what would go on failing for ever is deleted; nodes that were deleted are registered again.
  void settle() override {
    for (const std::string& key : pods_.keys()) {
      const Pod* pod = pods_.find(key);
      if (pod && pod->metadata().finalizers_size() > 0) {
        attempt([&] { cluster().edit<Pod>(key, [](Pod& each) { each.mutable_metadata()->clear_finalizers(); }); });
      }
      if ((pod = pods_.find(key)) && !is_leaving(*pod) && play_of(*pod) == "crash") attempt([&] { cluster().remove<Pod>(key); });
    }
    const bool all_there = std::ranges::all_of(own_, [this](const auto& entry) { return nodes_.find(entry.first) != nullptr; });
    if (!all_there) cluster().restart_nodes();
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    std::map<std::string, std::string> owner_of;
    for (const auto& [key, pod] : pods_.all()) {
      if (!own_.contains(pod.spec().node_name())) continue;
      for (const std::string& text : missing_of(key, pod)) out.push_back(fmt::format("{} ({}): {}", key, play_of(pod), text));
      if (has_ended(pod) || pod.spec().host_network()) continue;
      const auto [other, alone] = owner_of.emplace(pod.status().pod_ip(), key);
      if (!alone) out.push_back(fmt::format("{} and {} have the address {}", key, other->second, pod.status().pod_ip()));
    }
    for (const auto& [name, own] : own_) {
      const Node* node = nodes_.find(name);
      if (!node) {
        out.push_back(name + " is not there");
        continue;
      }
      if (const std::string what = left_out(node->status(), own); !what.empty())
        out.push_back(fmt::format("{} lacks its {}", name, what));
      if (steady() - reported_[name] > options_.status_period + kSlack) out.push_back(name + " does not report");
      if (steady() - renewed_["kube-node-lease/" + name] > options_.lease_period + kSlack)
        out.push_back(name + " does not renew its lease");
    }
    return out;
  }

  // A new process finds everything as it has to be.
  void rest() override { cluster().restart_nodes(); }

 private:
  // -- Never
  void judge_node(const std::string& name, const Node* before, const Node* after) {
    if (!after) return judge().never(name + " was deleted by itself");
    const core::v1::NodeStatus& own = own_.at(name);
    // Of a node that was made by somebody else it says first that volumes are attached for it.
    const bool is_report = !before || api::encode_json(before->status()) != api::encode_json(after->status());
    if (!is_report) {
      if (others_part(*before, own) != others_part(*after, own)) judge().never(name + " has overwritten what is not its own");
      return;
    }
    reported_[name] = steady();
    if (const std::string what = left_out(after->status(), own); !what.empty())
      judge().never(fmt::format("{} reports without its {}", name, what));
    if (!before) return judge().reached("nodes registered");
    if (others_part(*before, own) != others_part(*after, own)) judge().never(name + " has overwritten what is not its own");
    judge().reached(left_out(before->status(), own).empty() ? "reports" : "reports that put something right");
  }

  void judge_pod(const std::string& key, const Pod* before, const Pod* after) {
    if (!before) return judge().never(key + " was made by a node");
    if (!after) {
      if (!is_leaving(*before)) judge().never(key + " was deleted by its node, and by nobody else");
      return judge().reached(
          fmt::format("pods deleted: {}", before->status().phase().empty() ? "without a phase" : before->status().phase()));
    }
    if (is_leaving(*after) &&
        after->metadata().deletion_grace_period_seconds() != before->metadata().deletion_grace_period_seconds()) {
      return judge().reached("pods deleted that are held");
    }
    if (others_part(*before) != others_part(*after)) judge().never(key + ": its node has overwritten what is not its own");
    for (const std::string& text : incomplete(*after)) judge().never(key + " was written without " + text);
    if (has_ended(*before) && before->status().phase() != after->status().phase() && !decided_.contains(key)) {
      judge().never(fmt::format("{} was {} and is said to be {}", key, before->status().phase(), after->status().phase()));
    }
    if (after->status().observed_generation() > after->metadata().generation())
      judge().never(key + ": its node has seen the future");
    if (meddled_.contains(key)) return judge().reached("statuses written that others had written to");
    if (!jumps_) judge_progress(key, *before, *after);
  }

  // What has happened has happened.
  void judge_progress(const std::string& key, const Pod& before, const Pod& after) {
    const auto& was = before.status();
    const auto& is = after.status();
    if (was.has_start_time() && was.start_time().seconds() != is.start_time().seconds())
      judge().never(key + " has started twice");
    if (!was.pod_ip().empty() && was.pod_ip() != is.pod_ip()) judge().never(key + " has another address");
    if (was.observed_generation() > is.observed_generation()) judge().never(key + ": its node has forgotten a generation");
    for (int i = 0; i < was.container_statuses_size(); ++i) {
      if (was.container_statuses(i).restart_count() > is.container_statuses(i).restart_count())
        judge().never(key + " was restarted less often");
    }
  }

  // What no status that a node has written lacks.
  static std::vector<std::string> incomplete(const Pod& pod) {
    std::vector<std::string> out;
    const PodStatus& status = pod.status();
    if (status.phase().empty()) out.push_back("a phase");
    if (status.host_ip().empty() || status.host_ips().empty()) out.push_back("the host's address");
    if (!status.has_start_time()) out.push_back("a start time");
    if (status.observed_generation() < 1) out.push_back("a generation");
    if (status.phase() == "Running" && (status.pod_ip().empty() || status.pod_ips().empty())) out.push_back("an address");
    if (status.container_statuses_size() != pod.spec().containers_size()) out.push_back("its containers");
    if (status.init_container_statuses_size() != pod.spec().init_containers_size()) out.push_back("its init containers");
    for (const char* type : {"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"}) {
      const auto* found = condition(pod, type);
      if (!found || found->status().empty() || !found->has_last_transition_time())
        out.push_back(std::string("the condition ") + type);
    }
    return out;
  }

  // -- In the end
  std::vector<std::string> missing_of(const std::string& key, const Pod& pod) {
    if (is_leaving(pod)) return {"is still there"};
    std::vector<std::string> out;
    const PodStatus& status = pod.status();
    const std::string play = play_of(pod);
    // Somebody else has ended it; of what others wrote after its end nothing is put right.
    if (decided_.contains(key)) return runs_something(pod) && has_ended(pod) ? std::vector<std::string>{"still runs"} : out;
    if (!has_ended(pod)) {
      out = incomplete(pod);
      if (status.observed_generation() != pod.metadata().generation()) out.push_back("its generation has not been seen");
      for (const auto& each : status.conditions()) {
        const bool seen = !node::is_kubelets(each.type()) || each.observed_generation() == pod.metadata().generation();
        if (!seen) out.push_back(each.type() + " is of another generation");
      }
      if (status.pod_ips_size() != 1 || status.pod_ips(0).ip() != status.pod_ip()) out.push_back("it has more than one address");
      if (status.host_ips_size() != 1 || status.host_ips(0).ip() != status.host_ip())
        out.push_back("it is on more than one host");
    }
    const std::string phase = play == "work" || play == "prepare"                        ? "Succeeded"
                              : play == "fail" || play == "late" || play == "unprepared" ? "Failed"
                                                                                         : "Running";
    if (status.phase() != phase) out.push_back(fmt::format("it is {} and not {}", status.phase(), phase));
    const auto* ready = condition(pod, "Ready");
    const bool serves = play == "serve" || play == "aided";
    if (ready && (ready->status() == "True") != serves) out.push_back("Ready is " + ready->status());
    if (play == "late" && status.reason() != "DeadlineExceeded") out.push_back("it has not failed for its deadline");
    return out;
  }

  // -- The workload
  static void run(core::v1::Container* container, std::initializer_list<const char*> words) {
    for (const char* word : words) container->add_command(word);
  }
  static core::v1::Container* add_init(Pod& pod, const char* name) {
    auto* container = pod.mutable_spec()->add_init_containers();
    container->set_name(name);
    container->set_image("img:1");
    return container;
  }

  void make_pod() {
    const std::string node =
        draw().chance(0.1) ? std::string("ghost") : node::node_name(options_, draw().between(0, options_.count - 1));
    Pod pod = sim::make_pod(fmt::format("default/pod-{:02}", draw().between(0, 24)), draw().chance(0.2) ? std::string() : node);
    auto& spec = *pod.mutable_spec();
    auto* container = spec.mutable_containers(0);
    static const std::vector<std::string> kPlays{"serve",   "serve",      "work",  "fail", "crash",
                                                 "prepare", "unprepared", "aided", "late", "gated"};
    const std::string play = draw().of(kPlays);
    (*pod.mutable_metadata()->mutable_labels())[kPlay] = play;
    if (play == "work") run(container, {"sh", "-c", "sleep 40; /bin/true"});
    if (play == "fail" || play == "crash") run(container, {"sh", "-c", "sleep 7; exit 3"});
    if (play == "prepare" || play == "unprepared") run(add_init(pod, "first"), {"sleep", "3"});
    if (play == "prepare") run(container, {"/bin/true"});
    if (play == "unprepared") run(add_init(pod, "second"), {"sh", "-c", "sleep 30; /bin/false"});
    if (play == "aided") add_init(pod, "side")->set_restart_policy("Always");
    if (play == "late") spec.set_active_deadline_seconds(90);
    if (play == "gated") spec.add_readiness_gates()->set_condition_type("example.com/gate");
    const bool once = play == "work" || play == "fail" || play == "prepare" || play == "unprepared";
    if (once) spec.set_restart_policy("Never");
    spec.set_host_network(draw().chance(0.1));
    if (draw().chance(0.2)) pod.mutable_metadata()->add_finalizers(kHeld);
    attempt([&] { cluster().create(pod); });
  }

  void bind_one() {
    std::vector<std::string> unbound;
    for (const auto& [key, pod] : pods_.all()) {
      if (pod.spec().node_name().empty()) unbound.push_back(key);
    }
    if (unbound.empty()) return;
    const Pod& pod = *pods_.find(draw().of(unbound));
    core::v1::Binding binding;
    binding.mutable_metadata()->set_namespace_(pod.metadata().namespace_());
    binding.mutable_metadata()->set_name(pod.metadata().name());
    binding.mutable_target()->set_kind("Node");
    binding.mutable_target()->set_name(node::node_name(options_, draw().between(0, options_.count - 1)));
    attempt([&] {
      cluster().call<meta::v1::Status>([&](informers::Client& client) {
        return client.post_subresource<Pod, core::v1::Binding, meta::v1::Status>(key_of(pod), "binding", binding);
      });
    });
  }

  void delete_pod() {
    informers::DeleteOptions options;
    if (draw().chance(0.3)) options.grace_seconds = draw().chance(0.5) ? 0 : 600;
    remove_one(pods_, options);
  }

  std::string some_number() { return std::to_string(draw().between(2, 99)); }

  // Anything may be tried; whether it was carried out.
  bool tried(const std::function<void()>& request) {
    try {
      request();
      return true;
    } catch (const api::ApiError& error) {
      if (error.code() >= 500) judge().never(fmt::format("the server failed: {}", error.what()));
      return false;
    }
  }

  void edit_pod(const std::function<void(Pod&)>& change) {
    const auto keys = pods_.keys();
    if (!keys.empty()) tried([&] { cluster().edit<Pod>(draw().of(keys), change); });
  }

  void meddle_with_pod() {
    static const std::vector<std::string> kBodies{
        R"({"podIP":"1.2.3.4","podIPs":[{"ip":"1.2.3.4"}]})",
        R"({"podIP":null,"podIPs":null,"hostIP":null,"hostIPs":null})",
        R"({"startTime":"0001-01-02T00:00:00Z"})",
        R"({"startTime":"9999-12-31T23:59:59Z"})",
        R"({"startTime":null,"observedGeneration":99})",
        R"({"phase":"Succeeded"})",
        R"({"phase":"Failed","reason":"Evicted","message":"too much"})",
        R"({"phase":"Running"})",
        R"({"phase":"Pending","reason":"Because"})",
        R"({"phase":null,"conditions":null,"containerStatuses":null,"initContainerStatuses":null})",
        R"({"containerStatuses":[{"name":"c","image":"other","imageID":"","ready":false,"restartCount":7}]})",
        R"({"conditions":[{"type":"Ready","status":"False","reason":"Meddled","message":"by somebody"}]})",
        R"({"conditions":[{"type":"example.com/theirs","status":"True","reason":"Theirs"}],"nominatedNodeName":"elsewhere"})",
    };
    const auto keys = pods_.keys();
    if (keys.empty()) return;
    const std::string key = draw().of(keys), body = draw().of(kBodies);
    const bool ended = has_ended(*pods_.find(key)), final = body.contains("Succeeded") || body.contains("Failed");
    // Before it is sent: the answer may come after the node's.
    meddled_.insert(key);
    if (ended || final) decided_.insert(key);
    const std::string whole = fmt::format(R"({{"status":{}}})", body);
    const Patch patch = draw().chance(0.5) ? Patch::merge(whole) : Patch::strategic(whole);
    const bool written = tried([&] { cluster().patch<Pod>(key, patch, "status"); });
    judge().reached(fmt::format("statuses meddled with{}{}", ended ? ", after the end" : "", written ? "" : ": refused"));
  }

  void meddle_with_node() {
    const std::string name = node::node_name(options_, draw().between(0, options_.count - 1));
    static const std::vector<std::string> kBodies{
        R"({"nodeInfo":{"kubeletVersion":"","osImage":""}})",
        R"({"daemonEndpoints":{"kubeletEndpoint":{"Port":1}}})",
        R"({"capacity":{"cpu":"1","example.com/gpu":"4"},"allocatable":{"memory":"1Gi","example.com/gpu":"3"}})",
        R"({"conditions":[{"type":"Ready","status":"Unknown","reason":"NodeStatusUnknown"},{"type":"Theirs","status":"True"}]})",
        R"({"addresses":[{"type":"InternalIP","address":"9.9.9.9"}],"volumesAttached":[{"name":"v","devicePath":""}]})",
    };
    if (draw().chance(0.25)) {
      tried([&] { cluster().edit<Node>(name, [this](Node& node) { change(node); }); });
      return;
    }
    const std::string body = fmt::format(R"({{"status":{}}})", draw().of(kBodies));
    tried([&] { cluster().patch<Node>(name, Patch::strategic(body), "status"); });
  }

  void change(Node& node) {
    (*node.mutable_metadata()->mutable_labels())["zone"] = draw().chance(0.5) ? "a" : "b";
    node.mutable_spec()->set_unschedulable(draw().chance(0.5));
    node.mutable_spec()->clear_taints();
    auto* taint = node.mutable_spec()->add_taints();
    taint->set_key("example.com/taint");
    taint->set_effect("NoSchedule");
  }

  void lose_something() {
    const std::string name = node::node_name(options_, draw().between(0, options_.count - 1));
    switch (draw().between(0, 3)) {
      case 0: attempt([&] { cluster().remove<Lease>("kube-node-lease/" + name); }); return;
      case 1:
        attempt([&] {
          cluster().edit<Lease>("kube-node-lease/" + name,
                                [](Lease& lease) { (*lease.mutable_metadata()->mutable_labels())["a"] = "b"; });
        });
        return;
      case 2: attempt([&] { cluster().remove<Node>(name); }); return;
      default: {
        Node bare;
        bare.mutable_metadata()->set_name(name);
        attempt([&] { cluster().remove<Node>(name); });
        attempt([&] { cluster().create(bare); });
      }
    }
  }

  void restart() {
    judge().reached("restarts");
    cluster().restart_nodes([this] {
      if (draw().chance(0.5)) make_pod();
      if (draw().chance(0.5)) delete_pod();
    });
  }

  node::HollowOptions options_;
  bool jumps_ = false;
  std::map<std::string, core::v1::NodeStatus> own_;  // by node: what a report is to hold
  Shadow<Node> nodes_;
  Shadow<Pod> pods_;
  Shadow<Lease> leases_;
  std::map<std::string, Steady> reported_, renewed_;
  std::set<std::string> meddled_, decided_;  // pods whose status others wrote; and whose end
};

}  // namespace

std::unique_ptr<Swarm> hollow_nodes() { return std::make_unique<HollowNodes>(); }

}  // namespace ph::sim::swarm
