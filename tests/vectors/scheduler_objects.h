// The objects of the scheduler's rows: what goes without saying in them is put back.
#pragma once

#include <string>

#include "api/codec.h"
#include "api/kinds.h"
#include "tests/vectors/match.h"

namespace ph::vectors {

// "namespace/name", or the name of what has no namespace: what stands for UIDs.
inline std::string object_key(const Json& object) {
  const Json& metadata = object.at("metadata");
  const std::string space = metadata.value("namespace", "");
  return (space.empty() ? "" : space + "/") + metadata.value("name", "");
}

inline Json completed(Json object) {
  if (!object["metadata"].contains("uid")) object["metadata"]["uid"] = object_key(object);
  return object;
}

inline Json completed_pod(Json pod) {
  if (!pod["metadata"].contains("namespace")) pod["metadata"]["namespace"] = "default";
  pod = completed(std::move(pod));
  if (!pod["spec"].contains("schedulerName")) pod["spec"]["schedulerName"] = "default-scheduler";
  if (!pod["spec"].contains("restartPolicy")) pod["spec"]["restartPolicy"] = "Always";
  if (!pod.contains("status") || !pod["status"].contains("phase")) {
    pod["status"]["phase"] = pod["spec"].value("nodeName", "").empty() ? "Pending" : "Running";
  }
  return pod;
}

template <class T>
T decoded(const Json& document) {
  T out;
  api::from_json(document, out);
  return out;
}

// The lists of `objects` that are not nodes and pods, by their name in the rows, and where the API has them.
struct OtherKind {
  const char* list;
  const char* kind;
  const char* api_version;
  const char* plural;
  bool namespaced;
};
inline constexpr OtherKind kOtherKinds[] = {
    {"namespaces", "Namespace", "v1", "namespaces", false},
    {"services", "Service", "v1", "services", true},
    {"replicaSets", "ReplicaSet", "apps/v1", "replicasets", true},
    {"replicationControllers", "ReplicationController", "v1", "replicationcontrollers", true},
    {"statefulSets", "StatefulSet", "apps/v1", "statefulsets", true},
    {"persistentVolumes", "PersistentVolume", "v1", "persistentvolumes", false},
    {"persistentVolumeClaims", "PersistentVolumeClaim", "v1", "persistentvolumeclaims", true},
    {"storageClasses", "StorageClass", "storage.k8s.io/v1", "storageclasses", false},
    {"csiNodes", "CSINode", "storage.k8s.io/v1", "csinodes", false},
    {"csiDrivers", "CSIDriver", "storage.k8s.io/v1", "csidrivers", false},
    {"csiStorageCapacities", "CSIStorageCapacity", "storage.k8s.io/v1", "csistoragecapacities", true},
    {"volumeAttachments", "VolumeAttachment", "storage.k8s.io/v1", "volumeattachments", false},
    {"podDisruptionBudgets", "PodDisruptionBudget", "policy/v1", "poddisruptionbudgets", true},
    {"resourceClaims", "ResourceClaim", "resource.k8s.io/v1", "resourceclaims", true},
    {"resourceSlices", "ResourceSlice", "resource.k8s.io/v1", "resourceslices", false},
    {"deviceClasses", "DeviceClass", "resource.k8s.io/v1", "deviceclasses", false},
    {"nodes", "Node", "v1", "nodes", false},
    {"pods", "Pod", "v1", "pods", true},
};

}  // namespace ph::vectors
