#include "controllers/endpoints/plan.h"

#include <algorithm>

#include "api/sorted.h"
#include "controllers/common/services.h"
#include "controllers/common/subsets.h"

namespace ph::controllers::endpoints {
namespace {

using core::v1::EndpointAddress, core::v1::EndpointPort, core::v1::ServicePort;

std::string family_of(const Service& service, const PodView& pod) {
  const auto& spec = service.spec();
  if (spec.ip_families_size() > 0) return spec.ip_families(0);
  // Written before there were families: its address tells, or, of one without, the pod's.
  const bool has_address = !spec.cluster_ip().empty() && spec.cluster_ip() != "None";
  if (!has_address && pod.pod_ips.empty()) return "IPv4";
  return is_ipv6(has_address ? spec.cluster_ip() : pod.pod_ips.front()) ? "IPv6" : "IPv4";
}

EndpointAddress address_for(const Service& service, const PodView& pod, const std::string& ip) {
  EndpointAddress out;
  out.set_ip(ip);
  out.set_hostname(hostname_of(service, pod));
  out.set_node_name(std::string(pod.node_name.view()));
  auto& target = *out.mutable_target_ref();
  target.set_kind("Pod");
  target.set_namespace_(std::string(pod.namespace_name.view()));
  target.set_name(pod.name);
  target.set_uid(pod.uid);
  return out;
}

EndpointPort port_for(const ServicePort& port, std::int32_t number) {
  EndpointPort out;
  out.set_name(port.name());
  out.set_port(number);
  out.set_protocol(port.protocol());
  if (port.has_app_protocol()) out.set_app_protocol(port.app_protocol());
  return out;
}

int count(const std::vector<EndpointSubset>& subsets, bool ready) {
  int out = 0;
  for (const EndpointSubset& subset : subsets) out += ready ? subset.addresses_size() : subset.not_ready_addresses_size();
  return out;
}

void keep_first(google::protobuf::RepeatedPtrField<EndpointAddress>* addresses, int most) {
  if (addresses->size() > most) addresses->DeleteSubrange(most, addresses->size() - most);
}

void set_labels(const Service& service, Endpoints* endpoints) {
  auto& labels = *endpoints->mutable_metadata()->mutable_labels();
  labels = service.metadata().labels();
  const std::string& address = service.spec().cluster_ip();
  labels.erase(kHeadlessLabel);
  if (address.empty() || address == "None") labels[kHeadlessLabel] = "";
  labels[kManagedByLabel] = kManagedBy;
}

}  // namespace

std::vector<EndpointSubset> subsets_of(const Service& service, const std::vector<Ref<PodView>>& pods) {
  const bool publish = service.spec().publish_not_ready_addresses();
  std::vector<EndpointSubset> out;
  const auto add = [&](const PodView& pod, const EndpointAddress& address, const EndpointPort* port) {
    EndpointSubset& subset = out.emplace_back();
    *(publish || pod.ready ? subset.add_addresses() : subset.add_not_ready_addresses()) = address;
    if (port) *subset.add_ports() = *port;
  };
  for (const Ref<PodView>& pod : pods) {
    if (pod->finished() || (pod->deletion && !publish)) continue;
    const std::string ip = address_of(*pod, family_of(service, *pod));
    if (ip.empty()) continue;
    const EndpointAddress address = address_for(service, *pod, ip);
    for (const ServicePort& port : service.spec().ports()) {
      const std::int32_t number = target_number(port, *pod);
      if (number == 0) continue;
      const EndpointPort made = port_for(port, number);
      add(*pod, address, &made);
    }
    if (service.spec().ports().empty() && service.spec().cluster_ip() == "None") add(*pod, address, nullptr);
  }
  return repacked(out);
}

bool truncate(std::vector<EndpointSubset>& subsets) {
  const int ready = count(subsets, true), not_ready = count(subsets, false);
  if (ready + not_ready <= kAddressesMax) return false;
  const bool too_many_ready = ready > kAddressesMax;
  const std::int64_t most = too_many_ready ? kAddressesMax : kAddressesMax - ready, total = too_many_ready ? ready : not_ready;
  std::int64_t left = most;
  for (EndpointSubset& subset : subsets) {
    auto* const kept = too_many_ready ? subset.mutable_addresses() : subset.mutable_not_ready_addresses();
    // Its share, upwards: the last subsets may get less.
    const std::int64_t share = std::min((kept->size() * most + total - 1) / total, left);
    keep_first(kept, static_cast<int>(share));
    left -= kept->size();
    if (too_many_ready) subset.clear_not_ready_addresses();
  }
  return true;
}

Endpoints desired(const Service& service, const std::vector<Ref<PodView>>& pods, Endpoints current) {
  current.mutable_metadata()->set_namespace_(service.metadata().namespace_());
  current.mutable_metadata()->set_name(service.metadata().name());
  set_labels(service, &current);
  std::vector<EndpointSubset> subsets = subsets_of(service, pods);
  auto& annotations = *current.mutable_metadata()->mutable_annotations();
  if (truncate(subsets)) annotations[kOverCapacity] = "truncated";
  else annotations.erase(kOverCapacity);
  current.mutable_subsets()->Assign(subsets.begin(), subsets.end());
  return current;
}

std::string essence(const Endpoints& endpoints) {
  Endpoints out;
  *out.mutable_metadata()->mutable_labels() = endpoints.metadata().labels();
  const auto over = endpoints.metadata().annotations().find(kOverCapacity);
  if (over != endpoints.metadata().annotations().end())
    (*out.mutable_metadata()->mutable_annotations())[kOverCapacity] = over->second;
  for (EndpointSubset& subset : repacked({endpoints.subsets().begin(), endpoints.subsets().end()}))
    *out.add_subsets() = std::move(subset);
  return api::encode_protobuf(out);
}

}  // namespace ph::controllers::endpoints
