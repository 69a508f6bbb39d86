#include "node/hollow_pod.h"

#include <cstdlib>

#include "api/times.h"
#include "core/v1.pb.h"

namespace ph::node {
namespace {

using core::v1::Container;
using core::v1::Pod;

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
    out.ready_after = std::chrono::seconds(container.readiness_probe().initial_delay_seconds());
  }
  return out;
}

bool gate_is_open(const Pod& pod, std::string_view type) {
  for (const auto& condition : pod.status().conditions()) {
    if (condition.type() == type) return condition.status() != "True";
  }
  return true;
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
  out->has_finalizers = meta.finalizers_size() > 0;
  if (meta.has_deletion_timestamp()) out->deletion = api::to_time(meta.deletion_timestamp());

  const auto& spec = pod.spec();
  out->node_name = spec.node_name();
  out->host_network = spec.host_network();
  out->restart_policy = spec.restart_policy();
  if (spec.has_active_deadline_seconds()) out->active_deadline = std::chrono::seconds(spec.active_deadline_seconds());
  for (const Container& container : spec.init_containers()) out->init_containers.push_back(container_of(container, true));
  for (const Container& container : spec.containers()) out->containers.push_back(container_of(container, false));
  for (const auto& gate : spec.readiness_gates()) {
    if (gate_is_open(pod, gate.condition_type())) out->open_gates.push_back(gate.condition_type());
  }

  out->phase = pod.status().phase();
  out->pod_ip = pod.status().pod_ip();
  if (pod.status().has_start_time()) out->started = api::to_time(pod.status().start_time());
  return out;
}

}  // namespace ph::node

namespace ph::informers {

detail::Decoder Followed<node::HollowPod>::decoder() {
  using node::HollowPod;
  return {.resource = api::Scheme::builtin().resource("", "v1", "pods"),
          .field_selector = "spec.nodeName!=",
          .decode = [](std::string_view bytes) -> detail::AnyRef { return HollowPod::decode(bytes); },
          .key = [](const void* pod) { return static_cast<const HollowPod*>(pod)->key(); },
          .revision = [](const void* pod) { return static_cast<const HollowPod*>(pod)->revision; },
          .uid = [](const void* pod) -> std::string_view { return static_cast<const HollowPod*>(pod)->uid; }};
}

}  // namespace ph::informers
