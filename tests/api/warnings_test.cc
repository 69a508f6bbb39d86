#include "api/warnings/parts.h"

#include "tests/api/validation_helpers.h"

namespace ph::api {
namespace {

using test::parse;

TEST(Warnings, OfOldLabelsOfNodes) {
  const auto of_class = [](const char* key) {
    return warnings_of(parse<storage::v1::StorageClass>(
        std::string(R"({"allowedTopologies":[{"matchLabelExpressions":[{"key":"k"},{"key":")") + key + R"("}]}]})"));
  };
  EXPECT_EQ(of_class("kubernetes.io/os"), Warnings());
  EXPECT_EQ(
      of_class("beta.kubernetes.io/os"),
      Warnings{R"(allowedTopologies[0].matchLabelExpressions[1].key: deprecated since v1.14; use "kubernetes.io/os" instead)"});
  EXPECT_EQ(
      warnings_of(parse<node::v1::RuntimeClass>(R"({"scheduling":{"nodeSelector":{"beta.kubernetes.io/arch":"a","x":"y"}}})")),
      Warnings{R"(scheduling.nodeSelector: deprecated since v1.14; use "kubernetes.io/arch" instead)"});
  EXPECT_EQ(
      warnings_of(parse<storage::v1::CSIStorageCapacity>(
          R"({"nodeTopology":{"matchExpressions":[{"key":"beta.kubernetes.io/instance-type"}],"matchLabels":{"failure-domain.beta.kubernetes.io/zone":"z"}}})")),
      (Warnings{
          R"(nodeTopology.matchExpressions[0].key: deprecated since v1.17; use "node.kubernetes.io/instance-type" instead)",
          R"(nodeTopology.matchLabels.failure-domain.beta.kubernetes.io/zone: deprecated since v1.17; use "topology.kubernetes.io/zone" instead)"}));
}

TEST(Warnings, OfRanges) {
  const auto of_range = [](const std::string& range) {
    return warnings_of(
        parse<networking::v1::NetworkPolicy>(R"({"spec":{"ingress":[{"from":[{},{"ipBlock":{"cidr":")" + range + R"("}}]}]}})"));
  };
  const std::string path = "spec.ingress[0].from[1].ipBlock.cidr: ";
  EXPECT_EQ(of_range("10.0.0.0/8"), Warnings());
  EXPECT_EQ(of_range("2001:db8::/32"), Warnings());
  EXPECT_EQ(of_range("2001:DB8::/32"),
            Warnings{path + R"(IPv6 CIDR value "2001:DB8::/32" should be in RFC 5952 canonical format ("2001:db8::/32"))"});
  EXPECT_EQ(
      of_range("10.0.0.0/08"),
      Warnings{
          path +
          R"(non-standard CIDR value "10.0.0.0/08" will be considered invalid in a future Kubernetes release: use "10.0.0.0/8")"});
  EXPECT_EQ(
      of_range("10.0.0.1/8"),
      Warnings{path + R"(CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?))"});
}

TEST(Warnings, OfIngressesAndDrivers) {
  const std::string annotation = R"("metadata":{"annotations":{"kubernetes.io/ingress.class":"a"}})";
  EXPECT_EQ(warnings_of(parse<networking::v1::Ingress>("{" + annotation + "}")),
            Warnings{R"(annotation "kubernetes.io/ingress.class" is deprecated, please use 'spec.ingressClassName' instead)"});
  EXPECT_EQ(warnings_of(parse<networking::v1::Ingress>("{" + annotation + R"(,"spec":{"ingressClassName":"a"}})")), Warnings());
  EXPECT_EQ(warnings_of(parse<storage::v1::CSIDriver>(R"({"spec":{"tokenRequests":[{"audience":"a"}]}})")).size(), 1u);
  EXPECT_EQ(warnings_of(parse<storage::v1::CSIDriver>(
                R"({"spec":{"tokenRequests":[{"audience":"a"}],"serviceAccountTokenInSecrets":false}})")),
            Warnings());
}

// Warnings of a pod whose spec has these members beside a container, and of a template with the same.
struct PodCase {
  const char* name;
  const char* spec;
  Warnings pod;
};

TEST(Warnings, OfPods) {
  const PodCase kCases[] = {
      {"nothing", R"({"containers":[{"name":"c"}]})", {}},
      {"old kinds of volumes",
       R"({"volumes":[{"name":"a","gitRepo":{}},{"name":"b","storageos":{}}]})",
       {"spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+",
        "spec.volumes[1].storageOS: deprecated in v1.22, non-functional in v1.25+"}},
      {"a kind of volumes that persistent ones may have",
       R"({"volumes":[{"name":"a","quobyte":{}}]})",
       {"spec.volumes[0].quobyte: deprecated in v1.22, non-functional in v1.25+"}},
      {"paths of files",
       R"({"volumes":[{"name":"v","secret":{"secretName":"s","items":[{"key":"k","path":"a"},{"key":"l","path":"a/b"},
                                                                                       {"key":"m","path":"ab"}]}}]})",
       {R"(volume "v" (Secret "s"): overlapping paths: "a/b" with "a")"}},
      {"a projection of nothing",
       R"({"volumes":[{"name":"v","projected":{"sources":[{"secret":{}},{}]}}]})",
       {R"(volume "v" (Projected) has no sources provided)"}},
      {"environment",
       R"({"containers":[{"name":"c","env":[{"name":"A"},{"name":"B"},{"name":"A"}]}]})",
       {R"(spec.containers[0].env[2]: hides previous definition of "A", which may be dropped when using apply)"}},
      {"ports of two containers",
       R"({"containers":[{"name":"c","ports":[{"containerPort":80,"protocol":"TCP"},{"containerPort":80,"protocol":"UDP"}]},
                         {"name":"d","ports":[{"containerPort":80,"protocol":"TCP","hostPort":8080}]}]})",
       {"spec.containers[1].ports[0]: overlapping port definition with spec.containers[0].ports[0]"}},
      {"an address for no port",
       R"({"containers":[{"name":"c","ports":[{"name":"w","containerPort":80,"protocol":"TCP","hostIP":"10.1.1.1"}]}]})",
       {"spec.containers[0].ports[0]: hostIP set without hostPort: {Name:w HostPort:0 ContainerPort:80 Protocol:TCP "
        "HostIP:10.1.1.1}"}},
      {"pieces of bytes",
       R"({"containers":[{"name":"c","resources":{"limits":{"memory":"1.5","cpu":"1.5"},"requests":{"memory":"1500m"}}}]})",
       {R"(spec.containers[0].resources.limits[memory]: fractional byte value "1500m" is invalid, must be an integer)",
        R"(spec.containers[0].resources.requests[memory]: fractional byte value "1500m" is invalid, must be an integer)"}},
      {"selectors of nothing",
       R"({"topologySpreadConstraints":[{"topologyKey":"z"}],
           "affinity":{"podAntiAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":1,"podAffinityTerm":{"topologyKey":"z"}}]}}})",
       {"spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.labelSelector: a null "
        "labelSelector results in matching no pod",
        "spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod"}},
      {"labels of nodes",
       R"({"nodeSelector":{"beta.kubernetes.io/os":"linux"}})",
       {R"(spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead)"}},
      {"a secret without a name",
       R"({"imagePullSecrets":[{"name":"a"},{}]})",
       {R"(spec.imagePullSecrets[1].name: invalid empty name "")"}},
  };
  for (const PodCase& c : kCases) {
    SCOPED_TRACE(c.name);
    const std::string rest = std::string(R"("spec":)") + c.spec + "}";
    EXPECT_EQ(warnings_of(parse<core::v1::Pod>(R"({"metadata":{"name":"a"},)" + rest)), c.pod);
    Warnings in_template = warnings_of(parse<apps::v1::DaemonSet>(R"({"spec":{"template":{)" + rest + "}}"));
    for (std::string& warning : in_template) {
      for (auto at = warning.find("spec.template.spec."); at != warning.npos; at = warning.find("spec.template.spec."))
        warning.erase(at, 14);
    }
    EXPECT_EQ(in_template, c.pod);
  }
}

TEST(Warnings, OfNamesThatPodsGet) {
  const std::string dots = R"({"metadata":{"name":"a.b"}})";
  const std::string text = ", which can result in surprising behavior; a DNS label is recommended: [must not contain dots]";
  EXPECT_EQ(warnings_of(parse<core::v1::Pod>(dots)), Warnings{"metadata.name: this is used in the Pod's hostname" + text});
  EXPECT_EQ(warnings_of(parse<apps::v1::Deployment>(dots)),
            Warnings{"metadata.name: this is used in Pod names and hostnames" + text});
  EXPECT_EQ(warnings_of(parse<apps::v1::DaemonSet>(dots)), Warnings());
}

TEST(Warnings, OfOldPersistentVolumes) {
  const auto of_source = [](const char* source) {
    return warnings_of(parse<core::v1::PersistentVolume>(std::string(R"({"spec":{)") + source + "}}"));
  };
  EXPECT_EQ(of_source(R"("storageos":{})"), Warnings{"spec.storageOS: deprecated in v1.22, non-functional in v1.25+"});
  EXPECT_EQ(of_source(R"("quobyte":{})"), Warnings());
}

TEST(Warnings, OfServicesSecretsAndClaims) {
  EXPECT_EQ(warnings_of(parse<core::v1::Service>(
                R"({"spec":{"externalName":"a.b","type":"ClusterIP","trafficDistribution":"PreferClose"}})")),
            (Warnings{R"(spec.externalName is ignored when spec.type is not "ExternalName")",
                      R"(spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone")"}));
  EXPECT_EQ(warnings_of(parse<core::v1::Secret>(R"({"type":"kubernetes.io/tls","data":{"tls.crt":"","tls.key":""}})")),
            Warnings{"tls: failed to find any PEM data in certificate input"});
  EXPECT_EQ(warnings_of(parse<core::v1::Secret>(R"({"type":"Opaque"})")), Warnings());
  EXPECT_EQ(warnings_of(parse<core::v1::PersistentVolumeClaim>(R"({"spec":{"resources":{"requests":{"storage":"1.5"}}}})")),
            Warnings{R"(spec.resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer)"});
}

// Of an update only what its kind's line says.
TEST(Warnings, WhenTheyAreTold) {
  const auto object = [](auto message, std::int64_t generation) {
    message.mutable_metadata()->set_name("a.b");
    message.mutable_metadata()->set_generation(generation);
    return Object(std::make_unique<decltype(message)>(std::move(message)));
  };
  const Object pod = object(core::v1::Pod(), 1), other_pod = object(core::v1::Pod(), 2);
  EXPECT_EQ(warnings_of(pod, nullptr).size(), 1u);
  EXPECT_EQ(warnings_of(other_pod, &pod), Warnings());
  const Object deployment = object(apps::v1::Deployment(), 1), changed = object(apps::v1::Deployment(), 2);
  EXPECT_EQ(warnings_of(deployment, &deployment), Warnings());
  EXPECT_EQ(warnings_of(changed, &deployment).size(), 1u);
  EXPECT_EQ(warnings_of(object(core::v1::ConfigMap(), 1), nullptr), Warnings());
}

}  // namespace
}  // namespace ph::api
