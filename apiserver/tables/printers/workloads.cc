// The rows of what makes pods: deployments, replica sets, stateful sets, daemon sets, replication controllers, templates.
#include <fmt/format.h>

#include "apiserver/tables/printers/cells.h"
#include "base/ascii.h"

namespace ph::apiserver {

namespace {

constexpr Column kDeploymentColumns[] = {{"Name", "string", "name"},  {"Ready", "string"},
                                         {"Up-to-date", "string"},    {"Available", "string"},
                                         {"Age", "string"},           {"Containers", "string", "", 1},
                                         {"Images", "string", "", 1}, {"Selector", "string", "", 1}};

void print_deployment(const apps::v1::Deployment& d, Time now, Row& row) {
  row.cells = {d.metadata().name(),
               fmt::format("{}/{}", d.status().ready_replicas(), d.spec().replicas()),
               std::int64_t{d.status().updated_replicas()},
               std::int64_t{d.status().available_replicas()},
               age(d.metadata().creation_timestamp(), now),
               container_names(d.spec().template_().spec()),
               container_images(d.spec().template_().spec()),
               selector_text(d.spec().selector())};
}

constexpr Column kReplicaSetColumns[] = {
    {"Name", "string", "name"}, {"Desired", "integer"},          {"Current", "integer"},      {"Ready", "integer"},
    {"Age", "string"},          {"Containers", "string", "", 1}, {"Images", "string", "", 1}, {"Selector", "string", "", 1}};

void print_replica_set(const apps::v1::ReplicaSet& rs, Time now, Row& row) {
  row.cells = {rs.metadata().name(),
               std::int64_t{rs.spec().replicas()},
               std::int64_t{rs.status().replicas()},
               std::int64_t{rs.status().ready_replicas()},
               age(rs.metadata().creation_timestamp(), now),
               container_names(rs.spec().template_().spec()),
               container_images(rs.spec().template_().spec()),
               selector_text(rs.spec().selector())};
}

constexpr Column kReplicationControllerColumns[] = {
    {"Name", "string", "name"}, {"Desired", "integer"},          {"Current", "integer"},      {"Ready", "integer"},
    {"Age", "string"},          {"Containers", "string", "", 1}, {"Images", "string", "", 1}, {"Selector", "string", "", 1}};

void print_replication_controller(const core::v1::ReplicationController& rc, Time now, Row& row) {
  row.cells = {rc.metadata().name(),
               std::int64_t{rc.spec().replicas()},
               std::int64_t{rc.status().replicas()},
               std::int64_t{rc.status().ready_replicas()},
               age(rc.metadata().creation_timestamp(), now),
               container_names(rc.spec().template_().spec()),
               container_images(rc.spec().template_().spec()),
               labels_text(rc.spec().selector())};
}

constexpr Column kStatefulSetColumns[] = {{"Name", "string", "name"},
                                          {"Ready", "string"},
                                          {"Age", "string"},
                                          {"Containers", "string", "", 1},
                                          {"Images", "string", "", 1}};

void print_stateful_set(const apps::v1::StatefulSet& set, Time now, Row& row) {
  row.cells = {set.metadata().name(), fmt::format("{}/{}", set.status().ready_replicas(), set.spec().replicas()),
               age(set.metadata().creation_timestamp(), now), container_names(set.spec().template_().spec()),
               container_images(set.spec().template_().spec())};
}

constexpr Column kDaemonSetColumns[] = {
    {"Name", "string", "name"},      {"Desired", "integer"},      {"Current", "integer"},       {"Ready", "integer"},
    {"Up-to-date", "integer"},       {"Available", "integer"},    {"Node Selector", "string"},  {"Age", "string"},
    {"Containers", "string", "", 1}, {"Images", "string", "", 1}, {"Selector", "string", "", 1}};

void print_daemon_set(const apps::v1::DaemonSet& set, Time now, Row& row) {
  const auto& status = set.status();
  row.cells = {set.metadata().name(),
               std::int64_t{status.desired_number_scheduled()},
               std::int64_t{status.current_number_scheduled()},
               std::int64_t{status.number_ready()},
               std::int64_t{status.updated_number_scheduled()},
               std::int64_t{status.number_available()},
               labels_text(set.spec().template_().spec().node_selector()),
               age(set.metadata().creation_timestamp(), now),
               container_names(set.spec().template_().spec()),
               container_images(set.spec().template_().spec()),
               selector_text(set.spec().selector())};
}

constexpr Column kControllerRevisionColumns[] = {
    {"Name", "string", "name"}, {"Controller", "string"}, {"Revision", "string"}, {"Age", "string"}};

// "statefulset.apps/web"
std::string controller_of(const meta::v1::ObjectMeta& metadata) {
  for (const auto& owner : metadata.owner_references()) {
    if (!owner.controller()) continue;
    std::string kind = lower_ascii(owner.kind());
    const auto slash = owner.api_version().find('/');
    if (slash != std::string::npos) kind += "." + owner.api_version().substr(0, slash);
    return kind + "/" + owner.name();
  }
  return std::string(kNone);
}

void print_controller_revision(const apps::v1::ControllerRevision& revision, Time now, Row& row) {
  row.cells = {revision.metadata().name(), controller_of(revision.metadata()), std::int64_t{revision.revision()},
               age(revision.metadata().creation_timestamp(), now)};
}

constexpr Column kPodTemplateColumns[] = {
    {"Name", "string", "name"}, {"Containers", "string"}, {"Images", "string"}, {"Pod Labels", "string"}};

void print_pod_template(const core::v1::PodTemplate& pod, Time, Row& row) {
  row.cells = {pod.metadata().name(), container_names(pod.template_().spec()), container_images(pod.template_().spec()),
               labels_text(pod.template_().metadata().labels())};
}

}  // namespace

extern const Printer kDeploymentPrinter = printer_of<apps::v1::Deployment, print_deployment>(kDeploymentColumns);
extern const Printer kReplicaSetPrinter = printer_of<apps::v1::ReplicaSet, print_replica_set>(kReplicaSetColumns);
extern const Printer kReplicationControllerPrinter =
    printer_of<core::v1::ReplicationController, print_replication_controller>(kReplicationControllerColumns);
extern const Printer kStatefulSetPrinter = printer_of<apps::v1::StatefulSet, print_stateful_set>(kStatefulSetColumns);
extern const Printer kDaemonSetPrinter = printer_of<apps::v1::DaemonSet, print_daemon_set>(kDaemonSetColumns);
extern const Printer kControllerRevisionPrinter =
    printer_of<apps::v1::ControllerRevision, print_controller_revision>(kControllerRevisionColumns);
extern const Printer kPodTemplatePrinter = printer_of<core::v1::PodTemplate, print_pod_template>(kPodTemplateColumns);

}  // namespace ph::apiserver
