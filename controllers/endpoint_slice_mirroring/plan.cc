#include "controllers/endpoint_slice_mirroring/plan.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "api/codec.h"
#include "api/names.h"
#include "api/sorted.h"
#include "controllers/common/same.h"
#include "controllers/common/services.h"
#include "controllers/common/subsets.h"
#include "controllers/endpoint_slice/plan.h"

namespace ph::controllers::endpoint_slice_mirroring {
namespace {

using core::v1::EndpointAddress, core::v1::EndpointSubset;
using discovery::v1::Endpoint;
using Group = endpoint_slice::Group;
using Addresses = google::protobuf::RepeatedPtrField<EndpointAddress>;

constexpr const char* kSkipMirror = "endpointslice.kubernetes.io/skip-mirror";
constexpr const char* kLeader = "control-plane.alpha.kubernetes.io/leader";
constexpr const char* kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

// By address type: one slice each.
using Wanted = std::vector<std::pair<std::string, Group>>;

Group ports_of(const EndpointSubset& subset) {
  Group out;
  for (const auto& port : subset.ports()) {
    auto& made = out.ports.emplace_back();
    made.set_name(port.name());
    made.set_port(port.port());
    made.set_protocol(port.protocol());
    if (port.has_app_protocol()) made.set_app_protocol(port.app_protocol());
  }
  return out;
}

Endpoint endpoint_of(const EndpointAddress& address, bool ready) {
  Endpoint out;
  out.add_addresses(address.ip());
  out.mutable_conditions()->set_ready(ready);
  if (address.has_target_ref()) *out.mutable_target_ref() = address.target_ref();
  if (address.has_node_name()) out.set_node_name(address.node_name());
  if (!address.hostname().empty()) out.set_hostname(address.hostname());
  return out;
}

// A subset's groups, one a family; what is left out is counted in `plan`.
void add_groups(const EndpointSubset& subset, int most, Wanted& wanted, Plan& plan) {
  std::map<std::string, Group> by_type;
  int taken = 0;
  const auto add = [&](const Addresses& addresses, bool ready) {
    for (const EndpointAddress& address : addresses) {
      if (taken >= most) return;
      if (!api::check_ip(address.ip()).empty()) {
        ++plan.invalid;
        continue;
      }
      ++taken;
      by_type.try_emplace(is_ipv6(address.ip()) ? "IPv6" : "IPv4", ports_of(subset))
          .first->second.endpoints.push_back(endpoint_of(address, ready));
    }
  };
  add(subset.addresses(), true);
  add(subset.not_ready_addresses(), false);
  plan.skipped += subset.addresses_size() + subset.not_ready_addresses_size() - taken;
  for (auto& [type, group] : by_type) wanted.emplace_back(type, std::move(group));
}

EndpointSlice slice_of(const Endpoints& endpoints, const std::string& type, const Group& group) {
  EndpointSlice out;
  auto& metadata = *out.mutable_metadata();
  metadata.set_namespace_(endpoints.metadata().namespace_());
  auto& owner = *metadata.add_owner_references();
  owner.set_api_version("v1");
  owner.set_kind("Endpoints");
  owner.set_name(endpoints.metadata().name());
  owner.set_uid(endpoints.metadata().uid());
  owner.set_controller(true);
  owner.set_block_owner_deletion(true);
  *metadata.mutable_labels() = endpoints.metadata().labels();
  (*metadata.mutable_labels())[endpoint_slice::kServiceLabel] = endpoints.metadata().name();
  (*metadata.mutable_labels())[endpoint_slice::kManagedByLabel] = kManagedBy;
  *metadata.mutable_annotations() = endpoints.metadata().annotations();
  metadata.mutable_annotations()->erase(kTriggerTime);
  metadata.mutable_annotations()->erase(kLastApplied);
  out.set_address_type(type);
  for (const auto& port : group.ports) *out.add_ports() = port;
  for (const Endpoint& endpoint : group.endpoints) *out.add_endpoints() = endpoint;
  return out;
}

bool has_ports(const EndpointSlice& slice, const EndpointSlice& wanted) {
  if (slice.address_type() != wanted.address_type()) return false;
  return std::ranges::equal(slice.ports(), wanted.ports(), says_same);
}

// They say the same, whatever their names.
bool same(const EndpointSlice& a, const EndpointSlice& b) {
  const auto essence = [](const EndpointSlice& from) {
    EndpointSlice out = from;
    out.clear_metadata();
    *out.mutable_metadata()->mutable_labels() = from.metadata().labels();
    *out.mutable_metadata()->mutable_annotations() = from.metadata().annotations();
    *out.mutable_metadata()->mutable_owner_references() = from.metadata().owner_references();
    return api::encode_protobuf(out);
  };
  return essence(a) == essence(b);
}

EndpointSlice in_place_of(const EndpointSlice& before, EndpointSlice made) {
  made.mutable_metadata()->set_name(before.metadata().name());
  made.mutable_metadata()->set_uid(before.metadata().uid());
  made.mutable_metadata()->set_resource_version(before.metadata().resource_version());
  return made;
}

}  // namespace

bool may_be_mirrored(const Endpoints& endpoints) {
  const auto& labels = endpoints.metadata().labels();
  const auto skip = labels.find(kSkipMirror);
  if (skip != labels.end() && skip->second == "true") return false;
  return !endpoints.metadata().annotations().contains(kLeader);
}

Plan plan(const Endpoints& endpoints, std::vector<EndpointSlice> existing, int max_per_subset) {
  Plan out;
  Wanted wanted;
  for (const EndpointSubset& subset : repacked({endpoints.subsets().begin(), endpoints.subsets().end()})) {
    add_groups(subset, max_per_subset, wanted, out);
  }
  // Each keeps the slice of its ports; then what is left of either is paired, for an address type cannot be changed.
  std::vector<EndpointSlice> homeless;
  for (const auto& [type, group] : wanted) {
    EndpointSlice slice = slice_of(endpoints, type, group);
    const auto found = std::ranges::find_if(existing, [&](const EndpointSlice& each) { return has_ports(each, slice); });
    if (found == existing.end()) {
      homeless.push_back(std::move(slice));
      continue;
    }
    if (!same(*found, slice)) out.update.push_back(in_place_of(*found, std::move(slice)));
    existing.erase(found);
  }
  for (EndpointSlice& slice : homeless) {
    const auto found = std::ranges::find(existing, slice.address_type(), &EndpointSlice::address_type);
    if (found == existing.end()) {
      slice.mutable_metadata()->set_generate_name(endpoints.metadata().name() + "-");
      out.create.push_back(std::move(slice));
      continue;
    }
    out.update.push_back(in_place_of(*found, std::move(slice)));
    existing.erase(found);
  }
  out.remove = std::move(existing);
  return out;
}

}  // namespace ph::controllers::endpoint_slice_mirroring
