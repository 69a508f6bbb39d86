// Volumes, of pods and of the cluster: what their sources must say.
#include "tests/api/validation_helpers.h"

namespace ph::api {
namespace {

using namespace test;
using core::v1::PersistentVolume, core::v1::Pod;

std::string pod(const std::string& source, const std::string& name = "v") {
  return R"({"metadata":{"name":"p","namespace":"n"},"spec":{"containers":[{"name":"c","image":"i"}],"volumes":[{"name":")" +
         name + "\"," + source + "}]}}";
}

TEST(VolumeValidation, OfPods) {
  const std::string at = "spec.volumes[0].";
  const Case cases[] = {
      {"one source", pod(R"("emptyDir":{})"), {}},
      {"the second of upstream's order is one too many",
       pod(R"("nfs":{"server":"s","path":"/"},"hostPath":{"path":"/"})"),
       {at + "nfs: Forbidden: may not specify more than 1 volume type"}},
      {"as upstream spells it",
       pod(R"("downwardAPI":{},"hostPath":{"path":"/"})"),
       {at + "downwarAPI: Forbidden: may not specify more than 1 volume type"}},
      {"a driver's name",
       pod(R"("csi":{"driver":")" + std::string(64, 'a') + R"(","nodePublishSecretRef":{"name":"A_"}})"),
       {at + "csi.driver: Too long: may not be more than 63 bytes",
        at +
            R"(csi.name: Invalid value: "A_": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, )"
            R"('-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is )"
            R"('[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'))"}},
      {"wwns and wwids",
       pod(R"("fc":{"targetWWNs":["w"],"wwids":["x"]})"),
       {at + R"(fc.targetWWNs: Invalid value: ["w"]: targetWWNs and wwids can not be specified simultaneously)",
        at + "fc.lun: Required value: lun is required if targetWWNs is specified"}},
      {"a registry without a port",
       pod(R"("quobyte":{"registry":"a:1,b","volume":"v"})"),
       {at + R"(quobyte.registry: Invalid value: "a:1,b": must be a host:port pair or multiple pairs separated by commas)"}},
      {"a registry of IPv6", pod(R"("quobyte":{"registry":"[::1]:7861","volume":"v"})"), {}},
      {"a disk of the wrong kind",
       pod(R"("azureDisk":{"diskName":"d","diskURI":"x","kind":"Managed"})"),
       {at + R"(azureDisk.diskURI: Unsupported value: "x": supported values: )"
             R"("/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}")"}},
      {"two in one projection",
       pod(R"("projected":{"sources":[{"secret":{"name":"s"},"configMap":{"name":"m"}}]})"),
       {at + "projected.sources[0]: Forbidden: may not specify more than 1 volume type per source"}},
      {"the claim of an ephemeral one",
       pod(R"("ephemeral":{"volumeClaimTemplate":{"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}})",
           std::string(252, 'a')),
       {at + "name: Invalid value: \"" + std::string(252, 'a') + "\": PVC name \"p-" + std::string(252, 'a') +
            "\": must be no more than 253 characters",
        at + "name: Invalid value: \"" + std::string(252, 'a') + "\": must be no more than 63 characters"}},
      {"a folder of a repository",
       pod(R"("gitRepo":{"repository":"r","directory":"../x"})"),
       {at + R"(gitRepo.directory: Invalid value: "../x": must not contain '..')"}},
  };
  creates<Pod>(cases);
}

TEST(VolumeValidation, NamesOfIscsi) {
  struct Name {
    const char* text;
    const char* complaint;  // of pods; null: none
  };
  constexpr const char* kForm = "must be valid format";
  const Name names[] = {
      {"iqn.2001-04.com.example:disk", nullptr},
      {"eui.0123456789ABCDEF", nullptr},
      {"naa.0123456789abcdef0123456789abcdef", nullptr},
      {"iqn.2001-4.com.example:disk", kForm},
      {"iqn.2001-04.com.example", kForm},
      {"iqn.2001-04.com.example:", kForm},
      {"iqn.2001-04.com.example:a b", kForm},
      {"eui.x", kForm},
      {"naa.0123", kForm},
      {"x", "must be valid format starting with iqn, eui, or naa"},
  };
  for (const Name& name : names) {
    SCOPED_TRACE(name.text);
    Lines expected;
    if (name.complaint)
      expected = {std::string("spec.volumes[0].iscsi.iqn: Invalid value: \"") + name.text + "\": " + name.complaint};
    EXPECT_EQ(problems<Pod>(pod(std::string(R"("iscsi":{"targetPortal":"p","iqn":")") + name.text + R"("})")), expected);
  }
}

std::string volume(const std::string& source, const std::string& capacity = R"("storage":"1Gi")") {
  return R"({"metadata":{"name":"v"},"spec":{"accessModes":["ReadWriteOnce"],"capacity":{)" + capacity + "}," + source + "}}";
}

TEST(VolumeValidation, OfTheCluster) {
  const Case cases[] = {
      {"fine", volume(R"("nfs":{"server":"s","path":"/p"})"), {}},
      {"more than storage",
       volume(R"("nfs":{"server":"s","path":"/p"})", R"("storage":"1Gi","cpu":"1")"),
       {R"(spec.capacity: Unsupported value: {"cpu":"1","storage":"1Gi"}: supported values: "storage")"}},
      {"less than nothing",
       volume(R"("nfs":{"server":"s","path":"/p"})", R"("storage":"-1")"),
       {"spec.capacity[storage]: Invalid value: -1: must be a valid resource quantity",
        R"(spec.capacity[storage]: Invalid value: "-1": must be greater than zero)"}},
      {"secrets of a driver",
       volume(R"("csi":{"driver":"d","volumeHandle":"h","nodeStageSecretRef":{},"controllerExpandSecretRef":{}})"),
       {"spec.csi.controllerExpandSecretRef.name: Required value",
        "spec.csi.controllerExpandSecretRef.namespace: Required value"}},
      {"a class of attributes needs a driver",
       volume(R"("nfs":{"server":"s","path":"/p"},"volumeAttributesClassName":"a")"),
       {"spec.csi: Required value: has to be specified when using volumeAttributesClassName"}},
      {"a local one needs a node",
       volume(R"("local":{"path":"/x"})"),
       {"spec.nodeAffinity: Required value: Local volume requires node affinity"}},
      {"the root of a host is not recycled",
       volume(R"("hostPath":{"path":"/.//"},"persistentVolumeReclaimPolicy":"Recycle")"),
       {"spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"}},
      {"a pair of secrets",
       volume(R"("cinder":{"volumeID":"x","secretRef":{}})"),
       {"spec.cinder.secretRef.name: Required value", "spec.cinder.secretRef.namespace: Required value"}},
  };
  creates<PersistentVolume>(cases);
}

// What is wrong is found twice, and the source is compared line by line.
TEST(VolumeValidation, UpdatesOfTheCluster) {
  const std::string before = volume(R"("nfs":{"server":"s","path":"/p"})");
  EXPECT_EQ(update_problems<PersistentVolume>(before, before), Lines{});
  EXPECT_EQ(update_problems<PersistentVolume>(before, volume(R"("nfs":{"server":"s","path":"/q"})")),
            Lines{"spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation\n"
                  "@@ -5,7 +5,7 @@\n  \"Glusterfs\": null,\n  \"NFS\": {\n   \"Server\": \"s\",\n-  \"Path\": \"/p\",\n"
                  "+  \"Path\": \"/q\",\n   \"ReadOnly\": false\n  },\n  \"RBD\": null,\n"});
  const Lines twice = update_problems<PersistentVolume>(before, volume(R"("nfs":{"server":"","path":"/p"})"));
  EXPECT_EQ(std::ranges::count(twice, "spec.nfs.server: Required value"), 2);
}

}  // namespace
}  // namespace ph::api
