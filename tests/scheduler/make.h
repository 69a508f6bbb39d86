// Builders of the smallest pods and nodes that scheduling looks at, so that a row of a table shows only what matters.
#pragma once

#include <string>
#include <utility>

#include "api/kinds.h"
#include "api/object.h"
#include "scheduler/cluster/cache.h"
#include "scheduler/cluster/scheduler_pod.h"
#include "scheduler/framework/registry.h"

namespace ph::scheduler::test {

struct MakeContainer {
  core::v1::Container out;
  MakeContainer() { out.set_name("c"); }
  MakeContainer named(const std::string& name) && { return out.set_name(name), std::move(*this); }
  MakeContainer asks(const std::string& resource, const std::string& amount) && {
    (*out.mutable_resources()->mutable_requests())[resource].set_string(amount);
    return std::move(*this);
  }
  MakeContainer image(const std::string& name) && { return out.set_image(name), std::move(*this); }
  MakeContainer sidecar() && { return out.set_restart_policy("Always"), std::move(*this); }
  MakeContainer host_port(int port, const std::string& protocol = "", const std::string& ip = "") && {
    auto* added = out.add_ports();
    added->set_container_port(port);
    added->set_host_port(port);
    added->set_protocol(protocol);
    added->set_host_ip(ip);
    return std::move(*this);
  }
};
inline MakeContainer container() { return {}; }

inline core::v1::NodeSelectorRequirement requirement(const std::string& key, const std::string& op,
                                                     const std::vector<std::string>& values = {}) {
  core::v1::NodeSelectorRequirement out;
  out.set_key(key);
  out.set_operator_(op);
  for (const auto& value : values) out.add_values(value);
  return out;
}

struct MakePod {
  core::v1::Pod out;
  explicit MakePod(const std::string& key) {
    const ObjectKey parsed = ObjectKey::parse(key);
    out.mutable_metadata()->set_namespace_(parsed.namespace_name.empty() ? "default" : parsed.namespace_name);
    out.mutable_metadata()->set_name(parsed.name);
    out.mutable_metadata()->set_uid("uid-" + parsed.name);
    out.mutable_spec()->set_scheduler_name("default-scheduler");
    out.mutable_status()->set_phase("Pending");
  }
  explicit MakePod(core::v1::Pod pod) : out(std::move(pod)) {}
  MakePod with(MakeContainer container) && {
    return *out.mutable_spec()->add_containers() = std::move(container.out), std::move(*this);
  }
  MakePod init(MakeContainer container) && {
    return *out.mutable_spec()->add_init_containers() = std::move(container.out), std::move(*this);
  }
  // One more container that asks for this.
  // Of the pod's only container while it asks for nothing, else of one more.
  MakePod asks(const std::string& cpu, const std::string& memory) && {
    MakeContainer c;
    auto& containers = *out.mutable_spec()->mutable_containers();
    if (containers.size() == 1 && containers[0].resources().requests().empty()) {
      c.out = containers[0];
      containers.Clear();
    }
    if (!cpu.empty()) c = std::move(c).asks("cpu", cpu);
    if (!memory.empty()) c = std::move(c).asks("memory", memory);
    return std::move(*this).with(std::move(c));
  }
  MakePod overhead(const std::string& resource, const std::string& amount) && {
    (*out.mutable_spec()->mutable_overhead())[resource].set_string(amount);
    return std::move(*this);
  }
  MakePod pod_level(const std::string& resource, const std::string& amount) && {
    (*out.mutable_spec()->mutable_resources()->mutable_requests())[resource].set_string(amount);
    return std::move(*this);
  }
  MakePod on(const std::string& node) && { return out.mutable_spec()->set_node_name(node), std::move(*this); }
  MakePod scheduler(const std::string& name) && { return out.mutable_spec()->set_scheduler_name(name), std::move(*this); }
  MakePod priority(int value) && { return out.mutable_spec()->set_priority(value), std::move(*this); }
  MakePod uid(const std::string& uid) && { return out.mutable_metadata()->set_uid(uid), std::move(*this); }
  MakePod gate(const std::string& name) && {
    return out.mutable_spec()->add_scheduling_gates()->set_name(name), std::move(*this);
  }
  MakePod nominated(const std::string& node) && { return out.mutable_status()->set_nominated_node_name(node), std::move(*this); }
  MakePod label(const std::string& key, const std::string& value) && {
    (*out.mutable_metadata()->mutable_labels())[key] = value;
    return std::move(*this);
  }
  MakePod selects(const std::string& key, const std::string& value) && {
    (*out.mutable_spec()->mutable_node_selector())[key] = value;
    return std::move(*this);
  }
  MakePod tolerates(const std::string& key, const std::string& op, const std::string& value, const std::string& effect) && {
    auto* toleration = out.mutable_spec()->add_tolerations();
    toleration->set_key(key);
    toleration->set_operator_(op);
    toleration->set_value(value);
    toleration->set_effect(effect);
    return std::move(*this);
  }
  // One more term of the required node affinity, of label requirements.
  MakePod requires_(const std::vector<core::v1::NodeSelectorRequirement>& all) && {
    auto* term = required()->add_node_selector_terms();
    for (const auto& one : all) *term->add_match_expressions() = one;
    return std::move(*this);
  }
  // … of field requirements.
  MakePod requires_field(const std::vector<core::v1::NodeSelectorRequirement>& all) && {
    auto* term = required()->add_node_selector_terms();
    for (const auto& one : all) *term->add_match_fields() = one;
    return std::move(*this);
  }
  MakePod prefers(int weight, const core::v1::NodeSelectorRequirement& one) && {
    auto* term = out.mutable_spec()
                     ->mutable_affinity()
                     ->mutable_node_affinity()
                     ->add_preferred_during_scheduling_ignored_during_execution();
    term->set_weight(weight);
    *term->mutable_preference()->add_match_expressions() = one;
    return std::move(*this);
  }
  operator core::v1::Pod() const { return out; }  // NOLINT: reads as the pod in tables

 private:
  core::v1::NodeSelector* required() {
    return out.mutable_spec()
        ->mutable_affinity()
        ->mutable_node_affinity()
        ->mutable_required_during_scheduling_ignored_during_execution();
  }
};
inline MakePod make_pod(const std::string& key = "default/p") { return MakePod(key); }

struct MakeNode {
  core::v1::Node out;
  explicit MakeNode(const std::string& name) {
    out.mutable_metadata()->set_name(name);
    out.mutable_metadata()->set_uid("uid-" + name);
    *this = std::move(*this).has("cpu", "4").has("memory", "8Gi").has("pods", "110");
  }
  MakeNode has(const std::string& resource, const std::string& amount) && {
    (*out.mutable_status()->mutable_allocatable())[resource].set_string(amount);
    return std::move(*this);
  }
  MakeNode label(const std::string& key, const std::string& value) && {
    (*out.mutable_metadata()->mutable_labels())[key] = value;
    return std::move(*this);
  }
  MakeNode taint(const std::string& key, const std::string& value, const std::string& effect) && {
    auto* taint = out.mutable_spec()->add_taints();
    taint->set_key(key);
    taint->set_value(value);
    taint->set_effect(effect);
    return std::move(*this);
  }
  MakeNode cordoned() && { return out.mutable_spec()->set_unschedulable(true), std::move(*this); }
  MakeNode image(const std::string& name, std::int64_t bytes) && {
    auto* image = out.mutable_status()->add_images();
    image->add_names(name);
    image->set_size_bytes(bytes);
    return std::move(*this);
  }
  operator core::v1::Node() const { return out; }  // NOLINT
};
inline MakeNode make_node(const std::string& name = "n") { return MakeNode(name); }

inline NodeRef share_node(core::v1::Node node) { return std::make_shared<const core::v1::Node>(std::move(node)); }

// A cache and a snapshot of it.
struct Cluster {
  Cache cache;
  Snapshot snapshot;
  Cluster& node(core::v1::Node node) { return cache.put_node(share_node(std::move(node))), *this; }
  Cluster& pod(const core::v1::Pod& pod) { return cache.put_pod(make_pod_info(pod)), *this; }
  const Snapshot& take() { return cache.update(snapshot), snapshot; }
};

// One plugin at work, as a profile would drive it.
template <class T>
std::unique_ptr<Plugin> make_plugin(std::string_view name, const Snapshot& snapshot, const PluginArgs& args = {}) {
  return find_plugin(name)->make(args, {.snapshot = &snapshot});
}

}  // namespace ph::scheduler::test
