#include "tests/vectors/scheduler_row_objects.h"

#include "tests/vectors/scheduler_objects.h"

namespace ph::vectors {

namespace {

void rename_uids(Json& references, const std::map<std::string, std::string>& uids) {
  for (Json& reference : references) {
    const auto found = uids.find(reference.value("uid", ""));
    if (found != uids.end()) reference["uid"] = found->second;
  }
}

template <class T>
void add(const Json& list, const std::map<std::string, std::string>& uids, scheduler::test::StoredObjects& out) {
  for (Json object : list) {
    object = completed(std::move(object));
    if (object["metadata"].contains("ownerReferences")) rename_uids(object["metadata"]["ownerReferences"], uids);
    if (object.contains("status") && object["status"].contains("reservedFor")) rename_uids(object["status"]["reservedFor"], uids);
    out.put(decoded<T>(object));
  }
}

}  // namespace

void add_row_objects(const Json& objects, const std::map<std::string, std::string>& uids, scheduler::test::StoredObjects& out) {
  const auto list = [&](const char* name) { return objects.value(name, Json::array()); };
  Json namespaces = list("namespaces");
  namespaces.insert(namespaces.begin(),
                    Json::parse(R"({"metadata":{"name":"default","labels":{"kubernetes.io/metadata.name":"default"}}})"));
  add<core::v1::Namespace>(namespaces, uids, out);
  add<core::v1::Service>(list("services"), uids, out);
  add<core::v1::ReplicationController>(list("replicationControllers"), uids, out);
  add<apps::v1::ReplicaSet>(list("replicaSets"), uids, out);
  add<apps::v1::StatefulSet>(list("statefulSets"), uids, out);
  add<core::v1::PersistentVolume>(list("persistentVolumes"), uids, out);
  add<core::v1::PersistentVolumeClaim>(list("persistentVolumeClaims"), uids, out);
  add<storage::v1::StorageClass>(list("storageClasses"), uids, out);
  add<storage::v1::CSINode>(list("csiNodes"), uids, out);
  add<storage::v1::CSIDriver>(list("csiDrivers"), uids, out);
  add<storage::v1::CSIStorageCapacity>(list("csiStorageCapacities"), uids, out);
  add<storage::v1::VolumeAttachment>(list("volumeAttachments"), uids, out);
  add<resources::v1::ResourceClaim>(list("resourceClaims"), uids, out);
  add<resources::v1::ResourceSlice>(list("resourceSlices"), uids, out);
  add<resources::v1::DeviceClass>(list("deviceClasses"), uids, out);
}

}  // namespace ph::vectors
