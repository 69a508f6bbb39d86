#include "node/hollow_pod.h"

#include <algorithm>
#include <cstdlib>
#include <functional>

#include <fmt/format.h>

#include "api/times.h"
#include "node/lifecycle.h"

namespace ph::node {
namespace {

using core::v1::Container;
using core::v1::Pod;

Duration seconds_of(std::int64_t count) {
  return std::chrono::seconds(
      std::clamp<std::int64_t>(count, 0, std::chrono::duration_cast<std::chrono::seconds>(kForever).count()));
}

HollowContainer container_of(const Container& container, bool init) {
  HollowContainer out;
  out.name = container.name();
  out.image = container.image();
  const std::vector<std::string> command(container.command().begin(), container.command().end());
  const std::vector<std::string> args(container.args().begin(), container.args().end());
  out.run = read_command(command, args);
  out.sidecar = init && container.has_restart_policy() && container.restart_policy() == "Always";
  // What prepares a pod ends; a hollow one has nothing to prepare.
  if (init && !out.sidecar && !out.run.exit_code) out.run.exit_code = 0;
  if (container.has_readiness_probe()) {
    out.ready_after = seconds_of(container.readiness_probe().initial_delay_seconds());
  }
  return out;
}

const core::v1::PodCondition* condition_of(const Pod& pod, std::string_view type) {
  const auto& conditions = pod.status().conditions();
  const auto found = std::ranges::find(conditions, type, [](const auto& condition) { return condition.type(); });
  return found == conditions.end() ? nullptr : &*found;
}

// Why a readiness gate is not open; empty: it is.
std::string closed_gate(const Pod& pod, const std::string& type) {
  const auto* condition = condition_of(pod, type);
  if (!condition) return fmt::format("corresponding condition of pod readiness gate \"{}\" does not exist.", type);
  if (condition->status() == "True") return {};
  return fmt::format("the status of pod readiness gate \"{}\" is not \"True\", but {}", type, condition->status());
}

}  // namespace

std::shared_ptr<const HollowPod> HollowPod::decode(std::string_view protobuf) {
  Pod pod;
  api::decode_protobuf(protobuf, pod);
  auto out = std::make_shared<HollowPod>();
  const auto& meta = pod.metadata();
  out->namespace_name = meta.namespace_();
  out->name = meta.name();
  out->uid = meta.uid();
  out->revision = Revision{std::strtoull(meta.resource_version().c_str(), nullptr, 10)};
  out->generation = meta.generation();
  out->has_finalizers = meta.finalizers_size() > 0;
  if (meta.has_deletion_timestamp()) out->deletion = api::to_time(meta.deletion_timestamp());

  const auto& spec = pod.spec();
  out->node_name = spec.node_name();
  out->host_network = spec.host_network();
  out->restart_policy = spec.restart_policy();
  if (spec.has_active_deadline_seconds()) out->active_deadline = seconds_of(spec.active_deadline_seconds());
  for (const Container& container : spec.init_containers()) out->init_containers.push_back(container_of(container, true));
  for (const Container& container : spec.containers()) out->containers.push_back(container_of(container, false));
  for (const auto& gate : spec.readiness_gates()) {
    if (std::string why = closed_gate(pod, gate.condition_type()); !why.empty()) out->closed_gates.push_back(std::move(why));
  }

  out->phase = pod.status().phase();
  out->pod_ip = pod.status().pod_ip();
  if (pod.status().has_start_time()) out->started = api::to_time(pod.status().start_time());
  const auto& status = pod.status();
  out->begun = status.has_start_time() || !status.pod_ip().empty() || !status.host_ip().empty() || !status.reason().empty() ||
               !status.message().empty() || status.container_statuses_size() > 0 || status.init_container_statuses_size() > 0;
  const auto* scheduled = condition_of(pod, "PodScheduled");
  if (scheduled && scheduled->status() == "True") out->scheduled = api::to_time(scheduled->last_transition_time());
  const auto runs = [](const auto& container) { return container.state().has_running(); };
  out->shows_running = std::ranges::any_of(pod.status().container_statuses(), runs) ||
                       std::ranges::any_of(pod.status().init_container_statuses(), runs);
  out->told = told_by(std::move(*pod.mutable_status()));
  return out;
}

std::size_t told_by(core::v1::PodStatus status) {
  core::v1::PodStatus own;
  own.set_observed_generation(status.observed_generation());
  own.set_phase(status.phase());
  own.set_reason(status.reason());
  own.set_message(status.message());
  own.set_host_ip(status.host_ip());
  own.set_pod_ip(status.pod_ip());
  if (status.has_start_time()) *own.mutable_start_time() = status.start_time();
  own.mutable_host_ips()->Swap(status.mutable_host_ips());
  own.mutable_pod_ips()->Swap(status.mutable_pod_ips());
  own.mutable_init_container_statuses()->Swap(status.mutable_init_container_statuses());
  own.mutable_container_statuses()->Swap(status.mutable_container_statuses());
  for (auto& condition : *status.mutable_conditions()) {
    if (is_kubelets(condition.type())) own.add_conditions()->Swap(&condition);
  }
  return std::hash<std::string>()(api::encode_protobuf(own));
}

}  // namespace ph::node

namespace ph::informers {

detail::Decoder Followed<node::HollowPod>::decoder() {
  using node::HollowPod;
  return {.resource = api::Scheme::builtin().resource("", "v1", "pods"),
          .field_selector = "spec.nodeName!=",
          .decode = [](std::string_view bytes) -> detail::AnyRef { return HollowPod::decode(bytes); },
          .key = [](const void* pod) { return static_cast<const HollowPod*>(pod)->key_view(); },
          .revision = [](const void* pod) { return static_cast<const HollowPod*>(pod)->revision; },
          .uid = [](const void* pod) -> std::string_view { return static_cast<const HollowPod*>(pod)->uid; }};
}

}  // namespace ph::informers
