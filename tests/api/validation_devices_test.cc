// The kinds of resource.k8s.io: slices of devices, classes, claims and their templates.
#include "tests/api/validation_helpers.h"

namespace ph::api {
namespace {

using namespace test;
using namespace resources::v1;

std::string slice(const std::string& more, const std::string& where = R"("nodeName":"n")") {
  return R"({"metadata":{"name":"x"},"spec":{"driver":"d.io","pool":{"name":"p","resourceSliceCount":1})" +
         (where.empty() ? "" : "," + where) + more + "}}";
}
std::string device(const std::string& members) { return slice(R"(,"devices":[{"name":"d")" + members + "}]"); }
std::string shared(const std::string& policy) {
  return device(R"(,"allowMultipleAllocations":true,"capacity":{"mem":{"value":"4Gi","requestPolicy":{)" + policy + "}}}");
}

TEST(Validation, ResourceSlice) {
  constexpr const char* kWhere = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
  const Case cases[] = {
      {"fine", device(""), {}},
      {"nowhere", slice("", ""), {std::string("spec: Required value: ") + kWhere}},
      {"everywhere and there",
       slice(R"(,"allNodes":true)"),
       {R"(spec: Invalid value: "{`nodeName`, `allNodes`}": )" + std::string(kWhere) + ", but multiple fields are set"}},
      {"twice", slice(R"(,"devices":[{"name":"d"},{"name":"d"}])"), {R"(spec.devices[1]: Duplicate value: "d")"}},
      {"keys",
       device(R"(,"attributes":{"a.io/b":{"int":1},"a b":{"bool":false}})"),
       {"spec.devices[0].attributes: Invalid value: \"a b\": a valid C identifier must start with alphabetic character or '_', "
        "followed by a "
        "string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is "
        "'[A-Za-z_][A-Za-z0-9_]*')"}},
      {"values",
       device(R"(,"attributes":{"a":{},"b":{"string":"x","version":"1.x"}})"),
       {R"(spec.devices[0].attributes[a]: Invalid value: "": exactly one value must be specified)",
        R"(spec.devices[0].attributes[b].version: Invalid value: "1.x": must be a string compatible with semver.org spec 2.0.0)",
        R"(spec.devices[0].attributes[b]: Invalid value: {"IntValue":null,"BoolValue":null,"StringValue":"x","VersionValue":"1.x",)"
        R"("IntValues":null,"BoolValues":null,"StringValues":null,"VersionValues":null}: exactly one value must be specified)"}},
      {"not shared",
       device(R"(,"capacity":{"mem":{"value":"1","requestPolicy":{}}})"),
       {"spec.devices[0].capacity[mem].requestPolicy: Forbidden: allowMultipleAllocations must be true"}},
      {"steps", shared(R"("default":"1Gi","validRange":{"min":"1Gi","max":"4Gi","step":"1Gi"})"), {}},
      {"between steps",
       shared(R"("default":"1500Mi","validRange":{"min":"1Gi","step":"1Gi"})"),
       {R"(spec.devices[0].capacity[mem].requestPolicy.validRange.step: Invalid value: "1500Mi": value is not a multiple of a given step (1Gi) from (1Gi))"}},
      {"no step",
       shared(R"("default":"1Gi","validRange":{"min":"1Gi","step":"0"})"),
       {R"(spec.devices[0].capacity[mem].requestPolicy.validRange.step: Invalid value: "0": must not be zero)"}},
      {"below",
       shared(R"("default":"1","validRange":{"min":"2"})"),
       {R"(spec.devices[0].capacity[mem].requestPolicy.validRange.min: Invalid value: "1": default is less than min: 2)"}},
      {"taint",
       device(R"(,"taints":[{"key":"k","effect":"X"}])"),
       {R"(spec.devices[0].taints[0].effect: Unsupported value: "X": supported values: "NoExecute", "NoSchedule", "None")"}},
      {"half bound",
       device(R"(,"bindingConditions":["a"])"),
       {"spec.devices[0].bindingFailureConditions: Invalid value: null: bindingFailureConditions are required to use "
        "bindingConditions"}},
      {"its own node",
       device(R"(,"nodeName":"n")"),
       {"spec.devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set if "
        "`perDeviceNodeSelection` is set to "
        "true in the ResourceSlice spec"}},
  };
  creates<ResourceSlice>(cases);
  EXPECT_EQ(update_problems<ResourceSlice>(slice(""), slice("", R"("nodeName":"m")")),
            Lines{R"(spec.nodeName: Invalid value: "m": field is immutable)"});
}

TEST(Validation, SemanticVersions) {
  for (const char* good : {"1.2.3", "0.0.0", "1.2.3-a.1", "1.2.3+b-7.01", "1.2.3-a+b"}) {
    EXPECT_EQ(problems<ResourceSlice>(device(R"(,"attributes":{"a":{"version":")" + std::string(good) + R"("}})")), Lines())
        << good;
  }
  for (const char* bad : {"", "1", "1.2", "01.2.3", "1.2.3-", "1.2.3-01", "1.2.3+", "1.2.3.4", "v1.2.3", "1.2.3-a..b"}) {
    EXPECT_EQ(problems<ResourceSlice>(device(R"(,"attributes":{"a":{"version":")" + std::string(bad) + R"("}})")).size(), 1u)
        << bad;
  }
}

std::string claim(const std::string& requests, const std::string& more = "") {
  return R"({"metadata":{"name":"x","namespace":"n"},"spec":{"devices":{"requests":[)" + requests + "]" + more + "}}}";
}
std::string exactly(const std::string& members) { return R"({"name":"r","exactly":{"deviceClassName":"c")" + members + "}}"; }

TEST(Validation, ResourceClaim) {
  const std::string reference =
      "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
  const std::string first = R"({"name":"f","firstAvailable":[{"name":"s","deviceClassName":"c"}]})";
  const Case cases[] = {
      {"fine", claim(exactly("")), {}},
      {"neither",
       claim(R"({"name":"r"})"),
       {"spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required"}},
      {"both",
       claim(R"({"name":"r","exactly":{},"firstAvailable":[{}]})"),
       {"spec.devices.requests[0]: Invalid value: null: exactly one of `exactly` or `firstAvailable` is required, but multiple "
        "fields are set"}},
      {"all, and how many",
       claim(exactly(R"(,"allocationMode":"All","count":2)")),
       {"spec.devices.requests[0].exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'"}},
      {"tolerations",
       claim(exactly(R"(,"tolerations":[{"operator":"Exists","value":"v"},{"operator":"X"}])")),
       {R"(spec.devices.requests[0].exactly.tolerations[0].value: Invalid value: "v": must be empty for operator `Exists`)",
        R"(spec.devices.requests[0].exactly.tolerations[1].operator: Unsupported value: "X": supported values: "Equal", "Exists")"}},
      {"an alternative", claim(first, R"(,"constraints":[{"requests":["f/s","f"],"matchAttribute":"a.io/b"}])"), {}},
      {"no such alternative",
       claim(first, R"(,"constraints":[{"requests":["f/t"],"matchAttribute":"a.io/b"}])"),
       {R"(spec.devices.constraints[0].requests[0]: Invalid value: "f/t": )" + reference}},
      {"about nothing",
       claim(exactly(""), R"(,"constraints":[{}])"),
       {R"(spec.devices.constraints[0]: Required value: exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set)"}},
      {"no domain",
       claim(exactly(""), R"(,"constraints":[{"matchAttribute":"a"}])"),
       {R"(spec.devices.constraints[0].matchAttribute: Invalid value: "a": a fully qualified name must be a domain and a name separated by a slash)"}},
      {"parameters",
       claim(exactly(""), R"(,"config":[{"opaque":{"driver":"d.io","parameters":[1]}},{}])"),
       {R"(spec.devices.config[0].opaque.parameters: Invalid value: "<value omitted>": parameters must be a valid JSON object)",
        "spec.devices.config[1].opaque: Required value"}},
      {"selector", claim(exactly(R"(,"selectors":[{}])")), {"spec.devices.requests[0].exactly.selectors[0].cel: Required value"}},
  };
  creates<ResourceClaim>(cases);
  const Lines changed = update_problems<ResourceClaim>(claim(exactly("")), claim(""));
  ASSERT_EQ(changed.size(), 1u);
  EXPECT_TRUE(changed[0].ends_with("field is immutable")) << changed[0];
}

TEST(Validation, ResourceClaimTemplate) {
  EXPECT_EQ(problems<ResourceClaimTemplate>(R"({"metadata":{"name":"x","namespace":"n"},"spec":{
                "metadata":{"name":"y","uid":"u","labels":{"a":"b"}},"spec":{"devices":{"requests":[{"name":"r"}]}}}})"),
            (Lines{"spec.metadata.name: Forbidden: cannot be set", "spec.metadata.uID: Forbidden: cannot be set",
                   "spec.spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required"}));
}

TEST(Validation, ResourceClaimStatus) {
  const auto status = [](const std::string& members) {
    std::string out = claim(exactly(""));
    out.back() = ',';
    return out + R"("status":{)" + members + "}}";
  };
  const std::string allocation =
      R"("allocation":{"devices":{"results":[{"request":"r","driver":"d.io","pool":"p","device":"d"}]}})";
  const std::string user = R"("reservedFor":[{"resource":"pods","name":"p","uid":"1"}])";
  EXPECT_EQ(status_problems<ResourceClaim>(status(""), status(allocation + "," + user)), Lines());
  EXPECT_EQ(status_problems<ResourceClaim>(status(""), status(user)),
            Lines{"status.reservedFor: Forbidden: may not be specified when `allocated` is not set"});
  EXPECT_EQ(status_problems<ResourceClaim>(status(""),
                                           status(allocation + R"(,"devices":[{"driver":"d.io","pool":"p","device":"e"}])")),
            Lines{R"(status.devices[0]: Invalid value: "d.io/p/e": must be an allocated device in the claim)"});
  const Lines other = status_problems<ResourceClaim>(status(allocation), status(R"("allocation":{"devices":{}})"));
  ASSERT_EQ(other.size(), 1u);
  EXPECT_TRUE(other[0].ends_with("field is immutable")) << other[0];
}

TEST(Validation, DeviceClass) {
  const auto device_class = [](const std::string& spec) { return R"({"metadata":{"name":"x"},"spec":{)" + spec + "}}"; };
  const Case cases[] = {
      {"fine", device_class(""), {}},
      {"a resource of another name", device_class(R"("extendedResourceName":"example.com/gpu")"), {}},
      {"one of Kubernetes",
       device_class(R"("extendedResourceName":"kubernetes.io/x")"),
       {R"(spec.extendedResourceName: Invalid value: "kubernetes.io/x": must be a valid extended resource name)"}},
      {"nothing for the driver",
       device_class(R"("config":[{"opaque":{}}])"),
       {"spec.config[0].opaque.driver: Required value", "spec.config[0].opaque.parameters: Required value"}},
  };
  creates<DeviceClass>(cases);
}

}  // namespace
}  // namespace ph::api
