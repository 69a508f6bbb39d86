// Classes of volumes, and what drivers of volumes tell of themselves.
#include "tests/api/validation_helpers.h"

namespace ph::api {
namespace {

using namespace test;
using namespace storage::v1;

std::string object(const std::string& members) { return R"({"metadata":{"name":"x"},)" + members + "}"; }
std::string topologies(const std::string& terms) { return object(R"("provisioner":"a/b","allowedTopologies":[)" + terms + "]"); }
std::string term(const std::string& expressions) { return R"({"matchLabelExpressions":[)" + expressions + "]}"; }

TEST(Validation, StorageClass) {
  const std::string k = R"({"key":"k","values":["v"]})";
  const Case cases[] = {
      {"fine", topologies(term(k) + "," + term(R"({"key":"k","values":["w"]})")), {}},
      {"capitals count as small", object(R"("provisioner":"A.io/B")"), {}},
      {"a bad provisioner",
       object(R"("provisioner":"A b")"),
       {R"(provisioner: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'))"}},
      {"no values", topologies(term(R"({"key":"k"})")), {"allowedTopologies[0].matchLabelExpressions[0].values: Required value"}},
      {"a value twice",
       topologies(term(R"({"key":"k","values":["v","v"]})")),
       {R"(allowedTopologies[0].matchLabelExpressions[0].values[1]: Duplicate value: "v")"}},
      {"a key twice",
       topologies(term(k + "," + R"({"key":"k","values":["w"]})")),
       {R"(allowedTopologies[0].matchLabelExpressions[1].key: Duplicate value: "k")"}},
      {"a term twice",
       topologies(term(k) + "," + term(k)),
       {R"(allowedTopologies[1].matchLabelExpressions: Duplicate value: "")"}},
      {"an empty term, told as often as there are terms",
       topologies(term(k) + ",{}"),
       {R"(allowedTopologies[1].matchLabelExpressions: Duplicate value: "")",
        R"(allowedTopologies[1].matchLabelExpressions: Duplicate value: "")"}},
      {"recycling",
       object(R"("provisioner":"a/b","reclaimPolicy":"Recycle")"),
       {R"(reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain")"}},
  };
  creates<StorageClass>(cases);
  const auto with = [](const std::string& more) { return object(R"("provisioner":"a/b")" + more); };
  EXPECT_EQ(update_problems<StorageClass>(with(R"(,"parameters":{"a":"b"})"), with("")),
            Lines{"parameters: Invalid value: null: field is immutable"});
  EXPECT_EQ(update_problems<StorageClass>(
                with(""), with(R"(,"parameters":{"a":"b"},"reclaimPolicy":"Retain","allowVolumeExpansion":true)")),
            (Lines{R"(parameters: Invalid value: {"a":"b"}: field is immutable)",
                   R"(reclaimPolicy: Invalid value: "Retain": field is immutable)"}));
}

TEST(Validation, VolumeAttributesClass) {
  const Case cases[] = {
      {"fine", object(R"("driverName":"d.io","parameters":{"a":""})"), {}},
      {"nothing",
       object(R"("parameters":{})"),
       {"driverName: Required value", "parameters: Required value: must contain at least one key/value pair"}},
  };
  creates<VolumeAttributesClass>(cases);
  EXPECT_EQ(update_problems<VolumeAttributesClass>(object(R"("driverName":"d.io","parameters":{"a":"b"})"),
                                                   object(R"("driverName":"e.io")")),
            (Lines{"driverName: Forbidden: updates to driverName are forbidden.",
                   "parameters: Forbidden: updates to parameters are forbidden.",
                   "parameters: Required value: must contain at least one key/value pair"}));
}

TEST(Validation, CSIDriver) {
  const auto driver = [](const std::string& spec) { return object(R"("spec":{)" + spec + "}"); };
  const Case cases[] = {
      {"all by default", driver(""), {}},
      {"another policy",
       driver(R"("fsGroupPolicy":"X")"),
       {R"(spec.fsGroupPolicy: Unsupported value: "X": supported values: "File", "None", "ReadWriteOnceWithFSType")"}},
      {"an audience twice, the second time not looked at",
       driver(R"("tokenRequests":[{"audience":"a"},{"audience":"a","expirationSeconds":1}])"),
       {R"(spec.tokenRequests[1].audience: Duplicate value: "a")"}},
      {"a short token",
       driver(R"("tokenRequests":[{"audience":"a","expirationSeconds":599}])"),
       {"spec.tokenRequests[0].expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes"}},
  };
  creates<CSIDriver>(cases);
  EXPECT_EQ(update_problems<CSIDriver>(driver(""), driver(R"("attachRequired":false,"podInfoOnMount":true)")),
            Lines{"spec.attachedRequired: Invalid value: false: field is immutable"});
}

TEST(Validation, CSINode) {
  const auto node = [](const std::string& driver) { return object(R"("spec":{"drivers":[{)" + driver + "}]}"); };
  const std::string fine = R"("name":"d.io","nodeID":"n")";
  const Case cases[] = {
      {"fine", node(fine), {}},
      {"an id as long as may be", node(R"("name":"d.io","nodeID":")" + std::string(256, 'a') + "\""), {}},
      {"nothing", node(""), {"spec.drivers[0].name: Required value", "spec.drivers[0].nodeID: Required value"}},
      {"a key twice", node(fine + R"(,"topologyKeys":["k","k"])"), {R"(spec.drivers[0]: Duplicate value: "k")"}},
  };
  creates<CSINode>(cases);
  EXPECT_EQ(update_problems<CSINode>(node(fine), node(fine + R"(,"allocatable":{"count":5})")), Lines());
  EXPECT_EQ(
      update_problems<CSINode>(node(fine), node(fine + R"(,"topologyKeys":["k"])")),
      Lines{
          R"(spec.drivers: Invalid value: {"Name":"d.io","NodeID":"n","TopologyKeys":["k"],"Allocatable":null}: field is immutable)"});
}

TEST(Validation, VolumeAttachment) {
  const auto attachment = [](const std::string& source, const std::string& status = "") {
    return object(R"("spec":{"attacher":"a.io","nodeName":"n","source":{)" + source + R"(}},"status":{"attached":true)" + status +
                  "}");
  };
  const std::string volume = R"("persistentVolumeName":"v")";
  EXPECT_EQ(problems<VolumeAttachment>(attachment(volume)), Lines());
  EXPECT_EQ(problems<VolumeAttachment>(attachment("")),
            Lines{"spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName"});
  EXPECT_EQ(problems<VolumeAttachment>(attachment(R"("persistentVolumeName":"")")).size(), 2u);
  EXPECT_EQ(update_problems<VolumeAttachment>(attachment(volume), attachment(R"("persistentVolumeName":"w")")).size(), 1u);
  EXPECT_EQ(problems<VolumeAttachment>(
                attachment(R"("inlineVolumeSpec":{"accessModes":["ReadWriteOnce"],"csi":{"driver":"d.io","volumeHandle":"h"}})")),
            Lines());
  EXPECT_EQ(
      problems<VolumeAttachment>(attachment(
          R"("inlineVolumeSpec":{"accessModes":["ReadWriteOnce"],"capacity":{"storage":"1"},"claimRef":{},"hostPath":{"path":"/x"}})")),
      (Lines{"spec.source.inlineVolumeSpec.claimRef: Forbidden: may not be specified in the context of inline volumes",
             "spec.source.inlineVolumeSpec.capacity: Forbidden: may not be specified in the context of inline volumes",
             "spec.source.inlineVolumeSpec.csi: Required value: has to be specified in the context of inline volumes"}));
  const auto told = [&](const std::string& status) {
    return status_problems<VolumeAttachment>(attachment(volume), attachment(volume, status));
  };
  EXPECT_EQ(told(R"(,"attachError":{"message":"m","errorCode":3})"), Lines());
  EXPECT_EQ(told(R"(,"detachError":{"message":")" + std::string(1025, 'a') + R"(","errorCode":-1})"),
            (Lines{"status.detachError.message: Too long: may not be more than 262144 bytes",
                   "status.detachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, inclusive"}));
  EXPECT_EQ(told(R"(,"attachmentMetadata":{"a":")" + std::string(256 * 1024, 'a') + R"("})"),
            Lines{"status.attachmentMetadata: Too long: may not be more than 262144 bytes"});
}

}  // namespace
}  // namespace ph::api
