// What the plugins are to say that look at one node alone, and what the default profile makes of all of them: by the obvious loops over
// messages, without a line of the plugins' code.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/sorted.h"
#include "tests/scheduler/naive.h"

namespace ph::scheduler::test::naive {

using core::v1::Container, core::v1::NodeSelectorTerm, core::v1::Taint, core::v1::Toleration;

// Why a node is refused.
struct Refusal {
  std::string plugin;  // empty: it is not
  std::string text;    // its reasons
  bool never = false;  // no other pod's going would help
  bool operator==(const Refusal&) const = default;
};

namespace detail {

// -- Amounts: cpu in thousandths, everything else in units

using Amounts = std::map<std::string, std::int64_t>;

inline std::int64_t amount_of(const std::string& resource, const std::string& text) {
  std::size_t end = 0;
  const std::int64_t number = std::stoll(text, &end);
  const std::string unit = text.substr(end);
  const std::int64_t scale = unit == "Ki" ? 1 << 10 : unit == "Mi" ? 1 << 20 : unit == "Gi" ? 1 << 30 : 1;
  if (unit == "m") return resource == "cpu" ? number : (number + 999) / 1000;
  return number * scale * (resource == "cpu" ? 1000 : 1);
}

template <class Map>
Amounts amounts(const Map& list) {
  Amounts out;
  for (const auto& [name, quantity] : in_any_order(list)) out[name] = amount_of(name, quantity.string());
  return out;
}

inline void add(Amounts& to, const Amounts& more) {
  for (const auto& [name, amount] : more) to[name] += amount;
}

// `scored`: a container that does not say what it needs counts for something all the same.
inline Amounts asked(const Container& container, bool scored) {
  Amounts out = amounts(container.resources().requests());
  if (scored && !out.contains("cpu")) out["cpu"] = 100;
  if (scored && !out.contains("memory")) out["memory"] = 200 << 20;
  return out;
}

// The most that is needed at one time: at each init container's turn the sidecars that were started before it run, too.
inline Amounts asked(const Pod& pod, bool scored) {
  Amounts sidecars, most;
  const auto at_a_time = [&](const Amounts& now) {
    for (const auto& [name, amount] : now) most[name] = std::max(most[name], amount);
  };
  for (const Container& container : pod.spec().init_containers()) {
    Amounts now = sidecars;
    add(now, asked(container, scored));
    at_a_time(now);
    if (container.restart_policy() == "Always") sidecars = now;
  }
  Amounts running = sidecars;
  for (const Container& container : pod.spec().containers()) add(running, asked(container, scored));
  at_a_time(running);
  add(most, amounts(pod.spec().overhead()));
  return most;
}

inline std::vector<const Pod*> pods_on(const World& world, const Node& node) {
  std::vector<const Pod*> out;
  for (const Pod& pod : world.pods) {
    if (pod.spec().node_name() == node.metadata().name()) out.push_back(&pod);
  }
  return out;
}

inline Amounts used(const World& world, const Node& node, bool scored) {
  Amounts out;
  for (const Pod* pod : pods_on(world, node)) add(out, asked(*pod, scored));
  return out;
}

inline std::int64_t of(const Amounts& amounts, const std::string& name) {
  const auto found = amounts.find(name);
  return found == amounts.end() ? 0 : found->second;
}

// -- Taints

inline bool bears(const Toleration& toleration, const Taint& taint) {
  if (!toleration.effect().empty() && toleration.effect() != taint.effect()) return false;
  if (toleration.operator_() == "Exists") return toleration.key().empty() || toleration.key() == taint.key();
  return toleration.key() == taint.key() && toleration.value() == taint.value();
}

inline bool bears(const Pod& pod, const Taint& taint) {
  return std::ranges::any_of(pod.spec().tolerations(), [&](const Toleration& one) { return bears(one, taint); });
}

inline bool bears_all(const Pod& pod, const Node& node) {
  return std::ranges::all_of(node.spec().taints(),
                             [&](const Taint& taint) { return taint.effect() == "PreferNoSchedule" || bears(pod, taint); });
}

inline std::int64_t soft_taints(const Pod& pod, const Node& node) {
  std::int64_t out = 0;
  for (const Taint& taint : node.spec().taints()) {
    const bool borne = std::ranges::any_of(pod.spec().tolerations(), [&](const Toleration& one) { return bears(one, taint); });
    out += taint.effect() == "PreferNoSchedule" && !borne;
  }
  return out;
}

// -- Selectors of nodes

template <class Requirement>
bool meets(const std::optional<std::string>& value, const Requirement& wanted) {
  const std::string& op = wanted.operator_();
  const bool listed = value && std::ranges::find(wanted.values(), *value) != wanted.values().end();
  if (op == "In") return listed;
  if (op == "NotIn") return !listed;
  if (op == "Exists") return value.has_value();
  if (op == "DoesNotExist") return !value.has_value();
  if (!value || value->empty() || value->find_first_not_of("0123456789") != value->npos) return false;
  const long long number = std::stoll(*value), limit = std::stoll(wanted.values(0));
  return op == "Gt" ? number > limit : number < limit;
}

inline bool meets(const Node& node, const NodeSelectorTerm& term) {
  if (term.match_expressions().empty() && term.match_fields().empty()) return false;
  return std::ranges::all_of(term.match_expressions(), [&](const auto& one) { return meets(label(node, one.key()), one); }) &&
         std::ranges::all_of(term.match_fields(), [&](const auto& one) { return meets(node.metadata().name(), one); });
}

inline bool is_selected(const Pod& pod, const Node& node) {
  for (const auto& [key, value] : in_any_order(pod.spec().node_selector())) {
    if (label(node, key) != value) return false;
  }
  const auto& affinity = pod.spec().affinity().node_affinity();
  if (!affinity.has_required_during_scheduling_ignored_during_execution()) return true;
  const auto& terms = affinity.required_during_scheduling_ignored_during_execution().node_selector_terms();
  return std::ranges::any_of(terms, [&](const NodeSelectorTerm& term) { return meets(node, term); });
}

// The only nodes that can be meant: those that every term names.
inline std::optional<std::set<std::string>> named(const Pod& pod) {
  const auto& affinity = pod.spec().affinity().node_affinity();
  if (!affinity.has_required_during_scheduling_ignored_during_execution()) return std::nullopt;
  const auto& terms = affinity.required_during_scheduling_ignored_during_execution().node_selector_terms();
  if (terms.empty()) return std::nullopt;
  std::set<std::string> out;
  for (const NodeSelectorTerm& term : terms) {
    std::optional<std::set<std::string>> names;
    for (const auto& field : term.match_fields()) {
      if (field.key() != "metadata.name" || field.operator_() != "In") continue;
      std::set<std::string> both;
      for (const std::string& name : field.values()) {
        if (!names || names->contains(name)) both.insert(name);
      }
      names = both;
    }
    if (!names) return std::nullopt;
    out.insert(names->begin(), names->end());
  }
  return out;
}

inline std::int64_t preference(const Pod& pod, const Node& node) {
  std::int64_t out = 0;
  for (const auto& one : pod.spec().affinity().node_affinity().preferred_during_scheduling_ignored_during_execution()) {
    if (meets(node, one.preference())) out += one.weight();
  }
  return out;
}

// -- Ports

struct Port {
  int number;
  std::string protocol, ip;
};

inline std::vector<Port> host_ports(const Pod& pod) {
  std::vector<Port> out;
  const auto add = [&](const Container& container) {
    for (const auto& port : container.ports()) {
      if (port.host_port() > 0) out.push_back({port.host_port(), port.protocol(), port.host_ip()});
    }
  };
  for (const Container& container : pod.spec().containers()) add(container);
  for (const Container& container : pod.spec().init_containers()) {
    if (container.restart_policy() == "Always") add(container);
  }
  for (Port& port : out) {
    if (port.protocol.empty()) port.protocol = "TCP";
    if (port.ip.empty()) port.ip = "0.0.0.0";
  }
  return out;
}

inline bool port_is_taken(const World& world, const Pod& pod, const Node& node) {
  for (const Port& wanted : host_ports(pod)) {
    for (const Pod* other : pods_on(world, node)) {
      for (const Port& taken : host_ports(*other)) {
        const bool same_ip = wanted.ip == taken.ip || wanted.ip == "0.0.0.0" || taken.ip == "0.0.0.0";
        if (wanted.number == taken.number && wanted.protocol == taken.protocol && same_ip) return true;
      }
    }
  }
  return false;
}

}  // namespace detail

inline Refusal resources_refusal(const World& world, const Pod& pod, const Node& node) {
  const Amounts there = amounts(node.status().allocatable()), taken = used(world, node, false), wanted = asked(pod, false);
  Refusal out;
  const auto refuse = [&](const std::string& reason) { out.text += (out.text.empty() ? "" : ", ") + reason; };
  if (static_cast<std::int64_t>(pods_on(world, node).size()) >= of(there, "pods")) refuse("Too many pods");
  std::vector<std::string> names{"cpu", "memory", "ephemeral-storage"};
  for (const auto& [name, amount] : wanted) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  for (const std::string& name : names) {
    const std::int64_t amount = of(wanted, name);
    if (amount == 0 || of(taken, name) + amount <= of(there, name)) continue;
    refuse("Insufficient " + name);
    if (amount > of(there, name)) out.never = true;
  }
  if (!out.text.empty()) out.plugin = "NodeResourcesFit";
  return out;
}

// The first plugin of the default profile that refuses the node.
inline Refusal refusal(const World& world, const Pod& pod, const Node& node) {
  Taint cordon;
  cordon.set_key("node.kubernetes.io/unschedulable");
  cordon.set_effect("NoSchedule");
  if (node.spec().unschedulable() && !bears(pod, cordon)) return {"NodeUnschedulable", "node(s) were unschedulable", true};
  const std::string& name = pod.spec().node_name();
  if (!name.empty() && name != node.metadata().name()) {
    return {"NodeName", "node(s) didn't match the requested node name", true};
  }
  if (!bears_all(pod, node)) return {"TaintToleration", "node(s) had untolerated taint(s)", true};
  if (!is_selected(pod, node)) return {"NodeAffinity", "node(s) didn't match Pod's node affinity/selector", true};
  if (port_is_taken(world, pod, node)) {
    return {"NodePorts", "node(s) didn't have free ports for the requested pod ports", false};
  }
  if (const Refusal resources = resources_refusal(world, pod, node); !resources.plugin.empty()) return resources;
  if (const std::string text = spread_verdict(world, pod, node); !text.empty()) {
    return {"PodTopologySpread", text, text.ends_with("(missing required label)")};
  }
  if (const std::string text = affinity_verdict(world, pod, node); !text.empty()) {
    return {"InterPodAffinity", text, text == "node(s) didn't match pod affinity rules"};
  }
  return {};
}

// -- Scores of the nodes that are left, in their order

using Scores = std::vector<std::int64_t>;

namespace detail {

template <class F>
Scores each(const std::vector<Node>& left, F score) {
  Scores out;
  for (const Node& node : left) out.push_back(score(node));
  return out;
}

// The highest becomes 100.
inline Scores scaled(Scores scores) {
  const std::int64_t most = std::ranges::max(scores);
  for (std::int64_t& score : scores) score = most == 0 ? 0 : score * 100 / most;
  return scores;
}

// The part of a node that is free with the pod on it, the mean of cpu and memory, in percent.
inline std::int64_t emptiness(const World& world, const Pod& pod, const Node& node) {
  const Amounts there = amounts(node.status().allocatable());
  Amounts taken = used(world, node, true);
  add(taken, asked(pod, true));
  std::int64_t sum = 0, count = 0;
  for (const char* name : {"cpu", "memory"}) {
    const std::int64_t all = of(there, name);
    if (all == 0) continue;
    sum += std::max<std::int64_t>(all - of(taken, name), 0) * 100 / all;
    ++count;
  }
  return count == 0 ? 0 : sum / count;
}

// 100 where cpu and memory are used to the same part.
inline std::int64_t evenness(const Amounts& there, const Amounts& taken) {
  std::vector<double> parts;
  for (const char* name : {"cpu", "memory"}) {
    if (of(there, name) > 0)
      parts.push_back(std::min(1.0, static_cast<double>(of(taken, name)) / static_cast<double>(of(there, name))));
  }
  const double deviation = parts.size() == 2 ? std::abs((parts[0] - parts[1]) / 2) : 0;
  return static_cast<std::int64_t>((1 - deviation) * 100);
}

// What the pod does to the balance: 75 is nothing.
inline std::int64_t balance(const World& world, const Pod& pod, const Node& node) {
  const Amounts there = amounts(node.status().allocatable()), before = used(world, node, false);
  Amounts after = before;
  add(after, asked(pod, false));
  return 50 + (50 + evenness(there, after) - evenness(there, before)) / 2;
}

inline bool has_image(const Node& node, const std::string& name) {
  return std::ranges::any_of(node.status().images(),
                             [&](const auto& image) { return std::ranges::find(image.names(), name) != image.names().end(); });
}

// How much of the pod's images lies on the node, by their bytes and by how common they are.
inline std::int64_t images(const World& world, const Pod& pod, const Node& node) {
  constexpr std::int64_t kMega = 1024 * 1024;
  std::int64_t sum = 0, containers = 0;
  const auto count = [&](const Container& container) {
    ++containers;
    const std::string& given = container.image();
    const std::string name = given.find(':') == given.npos ? given + ":latest" : given;
    if (!has_image(node, name)) return;
    double nodes = 0;
    for (const Node& other : world.nodes) nodes += has_image(other, name);
    for (const auto& image : node.status().images()) {
      if (std::ranges::find(image.names(), name) == image.names().end()) continue;
      sum +=
          static_cast<std::int64_t>(static_cast<double>(image.size_bytes()) * (nodes / static_cast<double>(world.nodes.size())));
      return;  // a name counts once, however often a node lists it
    }
  };
  for (const Container& container : pod.spec().init_containers()) count(container);
  for (const Container& container : pod.spec().containers()) count(container);
  const std::int64_t least = 23 * kMega, most = 1000 * kMega * containers;
  if (containers == 0) return 0;
  return 100 * (std::clamp(sum, least, most) - least) / (most - least);
}

}  // namespace detail

// The weighted sums of the default profile's plugins.
inline Scores total_scores(const World& world, const Pod& pod, const std::vector<Node>& left) {
  Scores out(left.size());
  const auto add_all = [&](const Scores& scores, int weight) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] += scores[i] * weight;
  };
  Scores taints = scaled(each(left, [&](const Node& node) { return soft_taints(pod, node); }));
  for (std::int64_t& score : taints) score = 100 - score;
  add_all(taints, 3);
  add_all(scaled(each(left, [&](const Node& node) { return preference(pod, node); })), 2);
  add_all(each(left, [&](const Node& node) { return emptiness(world, pod, node); }), 1);
  const Amounts wanted = asked(pod, false);
  if (of(wanted, "cpu") != 0 || of(wanted, "memory") != 0) {
    add_all(each(left, [&](const Node& node) { return balance(world, pod, node); }), 1);
  }
  add_all(each(left, [&](const Node& node) { return images(world, pod, node); }), 1);
  const auto by_name = [&](const std::map<std::string, std::int64_t>& scores) {
    return each(left, [&](const Node& node) { return scores.at(node.metadata().name()); });
  };
  if (!constraints_of(pod, "ScheduleAnyway").empty()) add_all(by_name(spread_scores(world, pod, left)), 2);
  add_all(by_name(affinity_scores(world, pod, left, 1)), 2);
  return out;
}

}  // namespace ph::scheduler::test::naive
