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

}  // namespace
}  // namespace ph::api
