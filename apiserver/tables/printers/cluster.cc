// The rows of nodes, namespaces, components, priority classes, leases and quotas.
#include <fmt/format.h>

#include <set>

#include "api/sorted.h"
#include "apiserver/tables/printers/cells.h"

namespace ph::apiserver {

using core::v1::Node;

namespace {

constexpr Column kNodeColumns[] = {{"Name", "string", "name"},
                                   {"Status", "string"},
                                   {"Roles", "string"},
                                   {"Age", "string"},
                                   {"Version", "string"},
                                   {"Internal-IP", "string", "", 1},
                                   {"External-IP", "string", "", 1},
                                   {"OS-Image", "string", "", 1},
                                   {"Kernel-Version", "string", "", 1},
                                   {"Container-Runtime", "string", "", 1}};

std::string status_of(const Node& node) {
  std::string out = "Unknown";
  for (const auto& condition : node.status().conditions()) {
    if (condition.type() == "Ready") out = condition.status() == "True" ? "Ready" : "NotReady";
  }
  return node.spec().unschedulable() ? out + ",SchedulingDisabled" : out;
}

std::string roles_of(const Node& node) {
  static constexpr std::string_view kPrefix = "node-role.kubernetes.io/";
  std::set<std::string> roles;
  for (const auto* label : sorted(node.metadata().labels())) {
    if (label->first.starts_with(kPrefix)) {
      if (label->first.size() > kPrefix.size()) roles.insert(label->first.substr(kPrefix.size()));
    } else if (label->first == "kubernetes.io/role" && !label->second.empty()) {
      roles.insert(label->second);
    }
  }
  return or_text(fmt::format("{}", fmt::join(roles, ",")), kNone);
}

std::string address_of(const Node& node, std::string_view type) {
  for (const auto& address : node.status().addresses()) {
    if (address.type() == type) return address.address();
  }
  return std::string(kNone);
}

std::string kernel_of(const core::v1::NodeSystemInfo& info) {
  if (info.kernel_version().empty()) return std::string(kUnknown);
  return info.architecture().empty() ? info.kernel_version() : fmt::format("{} ({})", info.kernel_version(), info.architecture());
}

void print_node(const Node& node, Time now, Row& row) {
  const auto& info = node.status().node_info();
  row.cells = {node.metadata().name(),
               status_of(node),
               roles_of(node),
               age(node.metadata().creation_timestamp(), now),
               info.kubelet_version(),
               address_of(node, "InternalIP"),
               address_of(node, "ExternalIP"),
               or_text(info.os_image(), kUnknown),
               kernel_of(info),
               or_text(info.container_runtime_version(), kUnknown)};
}

constexpr Column kNamespaceColumns[] = {{"Name", "string", "name"}, {"Status", "string"}, {"Age", "string"}};

void print_namespace(const core::v1::Namespace& space, Time now, Row& row) {
  row.cells = {space.metadata().name(), space.status().phase(), age(space.metadata().creation_timestamp(), now)};
}

constexpr Column kComponentStatusColumns[] = {
    {"Name", "string", "name"}, {"Status", "string"}, {"Message", "string"}, {"Error", "string"}};

void print_component_status(const core::v1::ComponentStatus& component, Time, Row& row) {
  std::string status = "Unknown", message, error;
  for (const auto& condition : component.conditions()) {
    if (condition.type() != "Healthy") continue;
    status = condition.status() == "True" ? "Healthy" : "Unhealthy";
    message = condition.message();
    error = condition.error();
    break;
  }
  row.cells = {component.metadata().name(), status, message, error};
}

constexpr Column kPriorityClassColumns[] = {{"Name", "string", "name"},
                                            {"Value", "integer"},
                                            {"Global-Default", "boolean"},
                                            {"Age", "string"},
                                            {"PreemptionPolicy", "string"}};

void print_priority_class(const scheduling::v1::PriorityClass& priority, Time now, Row& row) {
  row.cells = {priority.metadata().name(), std::int64_t{priority.value()}, priority.global_default(),
               age(priority.metadata().creation_timestamp(), now), priority.preemption_policy()};
}

constexpr Column kLeaseColumns[] = {{"Name", "string", "name"}, {"Holder", "string"}, {"Age", "string"}};

void print_lease(const coordination::v1::Lease& lease, Time now, Row& row) {
  row.cells = {lease.metadata().name(), lease.spec().holder_identity(), age(lease.metadata().creation_timestamp(), now)};
}

constexpr Column kResourceQuotaColumns[] = {
    {"Name", "string", "name"}, {"Request", "string"}, {"Limit", "string"}, {"Age", "string"}};

void print_resource_quota(const core::v1::ResourceQuota& quota, Time now, Row& row) {
  std::string requests, limits;
  for (const auto* hard : sorted(quota.status().hard())) {
    std::string& list = hard->first.starts_with("limits.") ? limits : requests;
    if (!list.empty()) list += ", ";
    list += fmt::format("{}: {}/{}", hard->first, or_text(quantity_text(quota.status().used(), hard->first), "0"),
                        hard->second.string());
  }
  row.cells = {quota.metadata().name(), requests, limits, age(quota.metadata().creation_timestamp(), now)};
}

constexpr Column kPodDisruptionBudgetColumns[] = {{"Name", "string", "name"},
                                                  {"Min Available", "string"},
                                                  {"Max Unavailable", "string"},
                                                  {"Allowed Disruptions", "integer"},
                                                  {"Age", "string"}};

void print_pod_disruption_budget(const policy::v1::PodDisruptionBudget& budget, Time now, Row& row) {
  const auto& spec = budget.spec();
  row.cells = {budget.metadata().name(), spec.has_min_available() ? int_or_string(spec.min_available()) : "N/A",
               spec.has_max_unavailable() ? int_or_string(spec.max_unavailable()) : "N/A",
               std::int64_t{budget.status().disruptions_allowed()}, age(budget.metadata().creation_timestamp(), now)};
}

}  // namespace

extern const Printer kNodePrinter = printer_of<Node, print_node>(kNodeColumns);
extern const Printer kNamespacePrinter = printer_of<core::v1::Namespace, print_namespace>(kNamespaceColumns);
extern const Printer kComponentStatusPrinter =
    printer_of<core::v1::ComponentStatus, print_component_status>(kComponentStatusColumns);
extern const Printer kPriorityClassPrinter =
    printer_of<scheduling::v1::PriorityClass, print_priority_class>(kPriorityClassColumns);
extern const Printer kLeasePrinter = printer_of<coordination::v1::Lease, print_lease>(kLeaseColumns);
extern const Printer kResourceQuotaPrinter = printer_of<core::v1::ResourceQuota, print_resource_quota>(kResourceQuotaColumns);
extern const Printer kPodDisruptionBudgetPrinter =
    printer_of<policy::v1::PodDisruptionBudget, print_pod_disruption_budget>(kPodDisruptionBudgetColumns);

}  // namespace ph::apiserver
