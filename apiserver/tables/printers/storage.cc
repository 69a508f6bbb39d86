// The rows of volumes, claims, storage classes and CSI objects.
#include <fmt/format.h>

#include "apiserver/tables/printers/cells.h"

namespace ph::apiserver {

using core::v1::PersistentVolume;
using core::v1::PersistentVolumeClaim;

namespace {

constexpr const char* kClassAnnotation = "volume.beta.kubernetes.io/storage-class";

std::string annotation(const meta::v1::ObjectMeta& metadata, const char* key) {
  const auto found = metadata.annotations().find(key);
  return found == metadata.annotations().end() ? std::string() : found->second;
}

std::string phase_of(const meta::v1::ObjectMeta& metadata, const std::string& phase) {
  return metadata.has_deletion_timestamp() ? "Terminating" : phase;
}

constexpr Column kPersistentVolumeColumns[] = {
    {"Name", "string", "name"}, {"Capacity", "string"}, {"Access Modes", "string"},     {"Reclaim Policy", "string"},
    {"Status", "string"},       {"Claim", "string"},    {"StorageClass", "string"},     {"VolumeAttributesClass", "string"},
    {"Reason", "string"},       {"Age", "string"},      {"VolumeMode", "string", "", 1}};

void print_volume(const PersistentVolume& volume, Time now, Row& row) {
  const auto& spec = volume.spec();
  const std::string claim = spec.has_claim_ref() ? spec.claim_ref().namespace_() + "/" + spec.claim_ref().name() : std::string();
  row.cells = {volume.metadata().name(),
               or_text(quantity_text(spec.capacity(), "storage"), "0"),
               access_modes(spec.access_modes()),
               spec.persistent_volume_reclaim_policy(),
               phase_of(volume.metadata(), volume.status().phase()),
               claim,
               or_text(annotation(volume.metadata(), kClassAnnotation), spec.storage_class_name()),
               or_text(spec.volume_attributes_class_name(), kUnset),
               volume.status().reason(),
               age(volume.metadata().creation_timestamp(), now),
               or_text(spec.volume_mode(), kUnset)};
}

constexpr Column kPersistentVolumeClaimColumns[] = {{"Name", "string", "name"},
                                                    {"Status", "string"},
                                                    {"Volume", "string"},
                                                    {"Capacity", "string"},
                                                    {"Access Modes", "string"},
                                                    {"StorageClass", "string"},
                                                    {"VolumeAttributesClass", "string"},
                                                    {"Age", "string"},
                                                    {"VolumeMode", "string", "", 1}};

void print_claim(const PersistentVolumeClaim& claim, Time now, Row& row) {
  const auto& spec = claim.spec();
  const bool bound = !spec.volume_name().empty();
  row.cells = {claim.metadata().name(),
               phase_of(claim.metadata(), claim.status().phase()),
               spec.volume_name(),
               bound ? or_text(quantity_text(claim.status().capacity(), "storage"), "0") : "",
               bound ? access_modes(claim.status().access_modes()) : "",
               or_text(annotation(claim.metadata(), kClassAnnotation), spec.storage_class_name()),
               or_text(spec.volume_attributes_class_name(), kUnset),
               age(claim.metadata().creation_timestamp(), now),
               or_text(spec.volume_mode(), kUnset)};
}

constexpr Column kStorageClassColumns[] = {{"Name", "string", "name"},         {"Provisioner", "string"},
                                           {"ReclaimPolicy", "string"},        {"VolumeBindingMode", "string"},
                                           {"AllowVolumeExpansion", "string"}, {"Age", "string"}};

void print_storage_class(const storage::v1::StorageClass& storage, Time now, Row& row) {
  const bool is_default = annotation(storage.metadata(), "storageclass.kubernetes.io/is-default-class") == "true" ||
                          annotation(storage.metadata(), "storageclass.beta.kubernetes.io/is-default-class") == "true";
  row.cells = {storage.metadata().name() + (is_default ? " (default)" : ""),
               storage.provisioner(),
               or_text(storage.reclaim_policy(), "Delete"),
               or_text(storage.volume_binding_mode(), "Immediate"),
               storage.allow_volume_expansion(),
               age(storage.metadata().creation_timestamp(), now)};
}

constexpr Column kVolumeAttachmentColumns[] = {{"Name", "string", "name"}, {"Attacher", "string", "name"}, {"PV", "string"},
                                               {"Node", "string"},         {"Attached", "boolean"},        {"Age", "string"}};

void print_attachment(const storage::v1::VolumeAttachment& attachment, Time now, Row& row) {
  row.cells = {
      attachment.metadata().name(),  attachment.spec().attacher(),   attachment.spec().source().persistent_volume_name(),
      attachment.spec().node_name(), attachment.status().attached(), age(attachment.metadata().creation_timestamp(), now)};
}

constexpr Column kCSINodeColumns[] = {{"Name", "string", "name"}, {"Drivers", "integer"}, {"Age", "string"}};

void print_csi_node(const storage::v1::CSINode& node, Time now, Row& row) {
  row.cells = {node.metadata().name(), std::int64_t{node.spec().drivers_size()}, age(node.metadata().creation_timestamp(), now)};
}

constexpr Column kCSIDriverColumns[] = {
    {"Name", "string", "name"},  {"AttachRequired", "boolean"},    {"PodInfoOnMount", "boolean"}, {"StorageCapacity", "boolean"},
    {"TokenRequests", "string"}, {"RequiresRepublish", "boolean"}, {"Modes", "string"},           {"Age", "string"}};

void print_csi_driver(const storage::v1::CSIDriver& driver, Time now, Row& row) {
  const auto& spec = driver.spec();
  std::vector<std::string> audiences;
  for (const auto& request : spec.token_requests()) audiences.push_back(request.audience());
  row.cells = {driver.metadata().name(),
               !spec.has_attach_required() || spec.attach_required(),
               spec.pod_info_on_mount(),
               spec.storage_capacity(),
               or_text(fmt::format("{}", fmt::join(audiences, ",")), kUnset),
               spec.requires_republish(),
               or_text(fmt::format("{}", fmt::join(spec.volume_lifecycle_modes(), ",")), kNone),
               age(driver.metadata().creation_timestamp(), now)};
}

constexpr Column kVolumeAttributesClassColumns[] = {{"Name", "string", "name"}, {"DriverName", "string"}, {"Age", "string"}};

void print_attributes_class(const storage::v1::VolumeAttributesClass& attributes, Time now, Row& row) {
  row.cells = {attributes.metadata().name(), attributes.driver_name(), age(attributes.metadata().creation_timestamp(), now)};
}

}  // namespace

extern const Printer kPersistentVolumePrinter = printer_of<PersistentVolume, print_volume>(kPersistentVolumeColumns);
extern const Printer kPersistentVolumeClaimPrinter =
    printer_of<PersistentVolumeClaim, print_claim>(kPersistentVolumeClaimColumns);
extern const Printer kStorageClassPrinter = printer_of<storage::v1::StorageClass, print_storage_class>(kStorageClassColumns);
extern const Printer kVolumeAttachmentPrinter =
    printer_of<storage::v1::VolumeAttachment, print_attachment>(kVolumeAttachmentColumns);
extern const Printer kCSINodePrinter = printer_of<storage::v1::CSINode, print_csi_node>(kCSINodeColumns);
extern const Printer kCSIDriverPrinter = printer_of<storage::v1::CSIDriver, print_csi_driver>(kCSIDriverColumns);
extern const Printer kVolumeAttributesClassPrinter =
    printer_of<storage::v1::VolumeAttributesClass, print_attributes_class>(kVolumeAttributesClassColumns);

}  // namespace ph::apiserver
