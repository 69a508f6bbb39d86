#include "node/node_object.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "api/codec.h"
#include "api/times.h"
#include "base/assert.h"

namespace ph::node {
namespace {

constexpr const char* kVersion = "v1.36.2+pilothouse";

void set_resources(google::protobuf::Map<std::string, meta::v1::Quantity>* out, const HollowOptions& options) {
  (*out)["cpu"].set_string(options.cpu);
  (*out)["memory"].set_string(options.memory);
  (*out)["ephemeral-storage"].set_string(options.ephemeral_storage);
  (*out)["pods"].set_string(std::to_string(options.pods));
}

// Nothing random: the same node has the same identity after every restart.
std::string machine_id(int index) { return fmt::format("{:032x}", 0x5eed0000 + index); }

struct ConditionRow {
  Problems problem;  // that turns it over
  const char *type, *usual, *reason, *message, *otherwise, *other_reason, *other_message;
};
constexpr ConditionRow kConditions[] = {
    {kMemoryPressure, "MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available", "True",
     "KubeletHasInsufficientMemory", "kubelet has insufficient memory available"},
    {kDiskPressure, "DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure", "True",
     "KubeletHasDiskPressure", "kubelet has disk pressure"},
    {kPidPressure, "PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available", "True",
     "KubeletHasInsufficientPID", "kubelet has insufficient PID available"},
    {kNotReady, "Ready", "True", "KubeletReady", "kubelet is posting ready status", "False", "KubeletNotReady",
     "container runtime is down"},
};
// A kubelet does not know it: whoever makes the network does. Told of only where it was asked for.
constexpr ConditionRow kNetwork = {
    kNetworkUnavailable, "NetworkUnavailable",      "False", "RouteCreated", "Hollow node has a route again", "True",
    "NoRouteCreated",    "Hollow node has no route"};

void add_condition(core::v1::NodeStatus* status, const ConditionRow& row, Problems problems, Time now) {
  const bool turned = problems & row.problem;
  auto* condition = status->add_conditions();
  condition->set_type(row.type);
  condition->set_status(turned ? row.otherwise : row.usual);
  condition->set_reason(turned ? row.other_reason : row.reason);
  condition->set_message(turned ? row.other_message : row.message);
  api::set_time(condition->mutable_last_heartbeat_time(), now);
  api::set_time(condition->mutable_last_transition_time(), now);
}

void set_conditions(core::v1::NodeStatus* status, Problems problems, Time now) {
  if (problems & kNetworkUnavailable) add_condition(status, kNetwork, problems, now);
  for (const ConditionRow& row : kConditions) add_condition(status, row, problems, now);
}

// The network's condition is there, and we have said so.
bool tells_of_network(const core::v1::NodeStatus& status) {
  return std::ranges::any_of(status.conditions(), [](const auto& each) {
    return each.type() == kNetwork.type && each.reason() == kNetwork.other_reason && each.message() == kNetwork.other_message;
  });
}

// So small that no scheduler prefers a node for them.
std::int64_t image_size(std::string_view image) {
  constexpr std::int64_t kMega = 1 << 20;
  return (4 + static_cast<std::int64_t>(std::hash<std::string_view>()(image) % 16)) * kMega;
}

// As a runtime calls it: one without a tag is the latest.
std::string with_tag(std::string_view image) {
  const bool tagged = image.find(':', image.rfind('/') + 1) != image.npos || image.find('@') != image.npos;
  return fmt::format("{}{}", image, tagged ? "" : ":latest");
}

constexpr const char* kAttachedTo = "volumes.kubernetes.io/controller-managed-attach-detach";

}  // namespace

std::string node_name(const HollowOptions& options, int index) { return options.name_prefix + std::to_string(index); }

std::string node_ip(int index) {
  const int host = index + 2;
  return fmt::format("172.18.{}.{}", (host >> 8) & 0xff, host & 0xff);
}

std::string pod_ip(int node_index, int n) {
  PH_ASSERT(n > 0 && n < 256);
  return fmt::format("10.{}.{}.{}", 128 + (node_index >> 8), node_index & 0xff, n);
}

core::v1::Node make_node(const HollowOptions& options, int index, Time now, const NodeFacts& facts) {
  core::v1::Node node;
  const std::string name = node_name(options, index);
  node.mutable_metadata()->set_name(name);
  auto& labels = *node.mutable_metadata()->mutable_labels();
  labels["kubernetes.io/hostname"] = name;
  labels["kubernetes.io/os"] = labels["beta.kubernetes.io/os"] = "linux";
  labels["kubernetes.io/arch"] = labels["beta.kubernetes.io/arch"] = "amd64";
  labels["pilothouse.io/hollow"] = "true";
  for (const auto& [key, value] : options.labels) labels[key] = value;
  (*node.mutable_metadata()->mutable_annotations())[kAttachedTo] = "true";

  const std::string cidr = pod_ip(index, 1).substr(0, pod_ip(index, 1).rfind('.')) + ".0/24";
  node.mutable_spec()->set_pod_cidr(cidr);
  node.mutable_spec()->add_pod_cidrs(cidr);

  auto* status = node.mutable_status();
  set_resources(status->mutable_capacity(), options);
  set_resources(status->mutable_allocatable(), options);
  auto* ip = status->add_addresses();
  ip->set_type("InternalIP");
  ip->set_address(options.address.empty() ? node_ip(index) : options.address);
  auto* host = status->add_addresses();
  host->set_type("Hostname");
  host->set_address(options.address.empty() ? name : options.address);
  if (options.kubelet_port > 0) status->mutable_daemon_endpoints()->mutable_kubelet_endpoint()->set_port(options.kubelet_port);
  auto* info = status->mutable_node_info();
  info->set_machine_id(machine_id(index));
  info->set_system_uuid(machine_id(index));
  info->set_boot_id(machine_id(index));
  info->set_kernel_version("6.1.0-hollow");
  info->set_os_image("Pilothouse hollow node");
  info->set_container_runtime_version("hollow://1.0.0");
  info->set_kubelet_version(kVersion);
  info->set_operating_system("linux");
  info->set_architecture("amd64");
  set_conditions(status, facts.problems, now);
  for (const informers::Interned& image : facts.images) {
    auto* shown = status->add_images();
    shown->add_names(with_tag(image));
    shown->set_size_bytes(image_size(image));
  }
  for (const std::string& volume : facts.volumes_in_use) status->add_volumes_in_use(volume);
  return node;
}

std::string status_report(const HollowOptions& options, int index, const core::v1::Node& present, Time now,
                          const NodeFacts& facts) {
  core::v1::NodeStatus report = std::move(*make_node(options, index, now, facts).mutable_status());
  if (!(facts.problems & kNetworkUnavailable) && tells_of_network(present.status())) add_condition(&report, kNetwork, 0, now);
  for (auto& condition : *report.mutable_conditions()) {
    for (const auto& old : present.status().conditions()) {
      const bool stands = old.type() == condition.type() && old.status() == condition.status();
      if (stands) *condition.mutable_last_transition_time() = old.last_transition_time();
    }
  }
  std::string body = api::encode_json(report);
  if (facts.volumes_in_use.empty() && !present.status().volumes_in_use().empty()) body.insert(1, R"("volumesInUse":null,)");
  return R"({"status":)" + body + "}";
}

std::optional<std::string> metadata_report(const core::v1::Node& present) {
  if (present.metadata().annotations().contains(kAttachedTo)) return std::nullopt;
  return fmt::format(R"({{"metadata":{{"annotations":{{"{}":"true"}}}}}})", kAttachedTo);
}

coordination::v1::Lease make_lease(const HollowOptions& options, const core::v1::Node& node, Time now) {
  coordination::v1::Lease lease;
  lease.mutable_metadata()->set_namespace_("kube-node-lease");
  lease.mutable_metadata()->set_name(node.metadata().name());
  auto* owner = lease.mutable_metadata()->add_owner_references();
  owner->set_api_version("v1");
  owner->set_kind("Node");
  owner->set_name(node.metadata().name());
  owner->set_uid(node.metadata().uid());
  lease.mutable_spec()->set_holder_identity(node.metadata().name());
  // A kubelet renews at a quarter of the duration.
  lease.mutable_spec()->set_lease_duration_seconds(
      static_cast<int>(std::chrono::duration_cast<std::chrono::seconds>(options.lease_period * 4).count()));
  api::set_time(lease.mutable_spec()->mutable_renew_time(), now);
  return lease;
}

}  // namespace ph::node
