#include "tests/sim/swarm/kubelet.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/errors.h"
#include "api/times.h"

namespace ph::sim::swarm {

using core::v1::Pod;

bool is_ready(const Pod& pod) {
  return std::ranges::any_of(pod.status().conditions(),
                             [](const auto& c) { return c.type() == "Ready" && c.status() == "True"; });
}

bool is_active(const Pod& pod) {
  const std::string& phase = pod.status().phase();
  return phase != "Succeeded" && phase != "Failed" && !pod.metadata().has_deletion_timestamp();
}

std::string node_of(const Pod& pod) {
  if (!pod.spec().node_name().empty()) return pod.spec().node_name();
  const auto& required = pod.spec().affinity().node_affinity().required_during_scheduling_ignored_during_execution();
  for (const auto& term : required.node_selector_terms()) {
    for (const auto& field : term.match_fields()) {
      if (field.key() == "metadata.name") return field.values(0);
    }
  }
  return {};
}

std::string controller_of(const meta::v1::ObjectMeta& metadata) {
  for (const auto& owner : metadata.owner_references()) {
    if (owner.controller()) return owner.uid();
  }
  return {};
}

void Kubelet::step() {
  const auto keys = pods_->keys();
  if (keys.empty()) return;
  const Pod pod = *pods_->find(draw_->of(keys));
  if (gentle_ || pod.metadata().has_deletion_timestamp() || pod.spec().node_name().empty() || draw_->chance(0.5))
    return progress(pod);
  if (!is_active(pod)) return;
  switch (draw_->between(0, 4)) {
    case 0: return set(pod, "Failed", false);
    case 1: return set(pod, "Succeeded", false);
    default: return set(pod, "Running", !is_ready(pod));
  }
}

void Kubelet::settle() {
  for (const std::string& key : pods_->keys()) {
    const Pod* pod = pods_->find(key);
    if (pod) progress(Pod(*pod));
  }
}

void Kubelet::progress(const Pod& pod) {
  if (pod.metadata().has_deletion_timestamp()) return end(pod);
  if (!is_active(pod)) return;
  if (pod.spec().node_name().empty()) return bind(pod);
  if (!is_ready(pod)) set(pod, "Running", true);
}

void Kubelet::bind(const Pod& pod) {
  core::v1::Binding binding;
  binding.mutable_metadata()->set_namespace_(pod.metadata().namespace_());
  binding.mutable_metadata()->set_name(pod.metadata().name());
  binding.mutable_target()->set_kind("Node");
  const std::string asked_for = node_of(pod);
  binding.mutable_target()->set_name(asked_for.empty() ? fmt::format("node-{}", draw_->between(0, 2)) : asked_for);
  try {
    cluster_->call<meta::v1::Status>([&](informers::Client& client) {
      return client.post_subresource<Pod, core::v1::Binding, meta::v1::Status>(key_of(pod), "binding", binding);
    });
  } catch (const api::ApiError& error) {
    if (error.code() != 404 && error.code() != 409) throw;
  }
}

void Kubelet::set(const Pod& pod, const char* phase, bool ready) {
  Pod changed = pod;
  changed.mutable_metadata()->clear_resource_version();
  auto& status = *changed.mutable_status();
  status.set_phase(phase);
  if (status.pod_ip().empty()) {
    ++addresses_;
    status.set_pod_ip(fmt::format("10.1.{}.{}", addresses_ / 250, 1 + addresses_ % 250));
    status.add_pod_ips()->set_ip(status.pod_ip());
  }
  auto& conditions = *status.mutable_conditions();
  auto found = std::ranges::find(conditions, "Ready", [](const auto& c) { return c.type(); });
  core::v1::PodCondition& condition = found == conditions.end() ? *conditions.Add() : *found;
  condition.set_type("Ready");
  const char* value = ready ? "True" : "False";
  if (condition.status() != value) api::set_time(condition.mutable_last_transition_time(), cluster_->now());
  condition.set_status(value);
  try {
    cluster_->update_status<Pod>(changed);
  } catch (const api::ApiError& error) {
    if (error.code() != 404 && error.code() != 409) throw;
  }
}

void Kubelet::end(const Pod& pod) {
  informers::DeleteOptions options;
  options.uid = pod.metadata().uid();
  options.grace_seconds = 0;
  cluster_->remove<Pod>(key_of(pod).text(), options);
}

}  // namespace ph::sim::swarm
