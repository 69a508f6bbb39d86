#include "node/node_object.h"

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

void set_conditions(core::v1::NodeStatus* status, Time now) {
  struct Row {
    const char *type, *holds, *reason, *message;
  };
  static constexpr Row kRows[] = {
      {"MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"},
      {"DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"},
      {"PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"},
      {"Ready", "True", "KubeletReady", "kubelet is posting ready status"},
  };
  for (const Row& row : kRows) {
    auto* condition = status->add_conditions();
    condition->set_type(row.type);
    condition->set_status(row.holds);
    condition->set_reason(row.reason);
    condition->set_message(row.message);
    api::set_time(condition->mutable_last_heartbeat_time(), now);
    api::set_time(condition->mutable_last_transition_time(), now);
  }
}

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

core::v1::Node make_node(const HollowOptions& options, int index, Time now) {
  core::v1::Node node;
  const std::string name = node_name(options, index);
  node.mutable_metadata()->set_name(name);
  auto& labels = *node.mutable_metadata()->mutable_labels();
  labels["kubernetes.io/hostname"] = name;
  labels["kubernetes.io/os"] = labels["beta.kubernetes.io/os"] = "linux";
  labels["kubernetes.io/arch"] = labels["beta.kubernetes.io/arch"] = "amd64";
  labels["pilothouse.io/hollow"] = "true";
  for (const auto& [key, value] : options.labels) labels[key] = value;

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
  set_conditions(status, now);
  return node;
}

std::string status_report(const HollowOptions& options, int index, const core::v1::Node& present, Time now) {
  core::v1::NodeStatus report = std::move(*make_node(options, index, now).mutable_status());
  for (auto& condition : *report.mutable_conditions()) {
    for (const auto& old : present.status().conditions()) {
      const bool stands = old.type() == condition.type() && old.status() == condition.status();
      if (stands) *condition.mutable_last_transition_time() = old.last_transition_time();
    }
  }
  return R"({"status":)" + api::encode_json(report) + "}";
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
