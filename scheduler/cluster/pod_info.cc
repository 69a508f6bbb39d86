#include "scheduler/cluster/pod_info.h"

#include <cstdlib>
#include <functional>

#include "scheduler/cluster/pod_affinity.h"
#include "scheduler/cluster/pod_volumes.h"

namespace ph::scheduler {

using core::v1::Container, core::v1::Pod;

bool HostPort::conflicts_with(const HostPort& other) const {
  if (port != other.port || protocol != other.protocol) return false;
  return ip == other.ip || ip == "0.0.0.0" || other.ip == "0.0.0.0";
}

std::string normalized_image(std::string_view image) {
  const auto colon = image.rfind(':'), slash = image.rfind('/');
  const bool tagged = colon != image.npos && (slash == image.npos || colon > slash);
  return tagged ? std::string(image) : std::string(image) + ":latest";
}

namespace {

void add_ports(const Container& container, std::vector<HostPort>& out) {
  for (const auto& port : container.ports()) {
    if (port.host_port() <= 0) continue;
    out.push_back({port.host_port(), Interned(port.protocol().empty() ? "TCP" : port.protocol()),
                   Interned(port.host_ip().empty() ? "0.0.0.0" : port.host_ip())});
  }
}

void add_images(const Pod& pod, PodInfo& out) {
  const auto add = [&](const std::string& image) { out.images.push_back(normalized_image(image)); };
  for (const Container& container : pod.spec().init_containers()) add(container.image());
  for (const Container& container : pod.spec().containers()) add(container.image());
  for (const auto& volume : pod.spec().volumes()) {
    if (volume.volume_source().has_image()) add(volume.volume_source().image().reference());
  }
  out.image_count = static_cast<std::int32_t>(out.images.size());
}

PodInfo::Disruption disruption_of(const Pod& pod) {
  for (const auto& condition : pod.status().conditions()) {
    if (condition.type() != "DisruptionTarget" || condition.status() != "True") continue;
    return condition.reason() == kPreemptedReason ? PodInfo::Disruption::ByScheduler : PodInfo::Disruption::Other;
  }
  return PodInfo::Disruption::None;
}

// Of messages without maps: their bytes are the same for the same content. 0: there are none.
template <class Repeated>
std::size_t hash_of(const Repeated& messages) {
  std::size_t hash = 0;
  for (const auto& message : messages) {
    hash = hash * 31 + std::hash<std::string>()(message.SerializeAsString()) + 1;
  }
  return hash;
}

}  // namespace

PodRef make_pod_info(const Pod& pod) {
  auto out = std::make_shared<PodInfo>();
  const auto& meta = pod.metadata();
  out->namespace_name = Interned(meta.namespace_());
  out->name = meta.name();
  out->uid = meta.uid();
  out->revision = Revision{std::strtoull(meta.resource_version().c_str(), nullptr, 10)};
  out->labels = interned_labels(meta.labels());
  out->generation = meta.generation();
  out->gated = !pod.spec().scheduling_gates().empty();
  out->deleting = meta.has_deletion_timestamp();
  out->disruption = disruption_of(pod);

  out->node_name = Interned(pod.spec().node_name());
  out->scheduler_name = Interned(pod.spec().scheduler_name());
  out->nominated_node = Interned(pod.status().nominated_node_name());
  out->priority = pod.spec().has_priority() ? pod.spec().priority() : 0;
  if (pod.status().has_start_time()) out->start_time = pod.status().start_time().seconds();
  out->tolerations_hash = hash_of(pod.spec().tolerations());
  out->claims_hash = hash_of(pod.status().resource_claim_statuses());
  out->finished = pod.status().phase() == "Succeeded" || pod.status().phase() == "Failed";

  out->requests = requests_of(pod);
  const Resource scored = scored_requests_of(pod);
  out->scored_milli_cpu = scored.milli_cpu;
  out->scored_memory = scored.memory;
  for (const Container& container : pod.spec().containers()) add_ports(container, out->host_ports);
  for (const Container& container : pod.spec().init_containers()) {
    if (container.restart_policy() == "Always") add_ports(container, out->host_ports);
  }
  out->affinity = pod_affinity(pod);
  out->volumes = pod_volumes(pod);
  // Where the images lie matters only until the pod has a node.
  if (!out->assigned()) add_images(pod, *out);
  return out;
}

PodRef placed_on(const PodInfo& pod, std::string_view node) {
  auto out = std::make_shared<PodInfo>(pod);
  out->node_name = Interned(node);
  return out;
}

}  // namespace ph::scheduler
