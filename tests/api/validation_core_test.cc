// Kinds of core that hold no pods: events, nodes, limits, quotas, secrets; sets whose pods have claims.
#include "tests/api/validation_helpers.h"

namespace ph::api {
namespace {

using namespace test;

std::string object(const std::string& members) { return R"({"metadata":{"name":"x","namespace":"n"},)" + members + "}"; }
std::string cluster(const std::string& members) { return R"({"metadata":{"name":"x"},)" + members + "}"; }

TEST(Validation, Events) {
  using New = events::v1::Event;
  const std::string whole =
      R"("eventTime":"2026-01-01T00:00:00.000000Z","type":"Normal","reason":"R","action":"A","note":"N","reportingController":"a.b/c","reportingInstance":"i","regarding":{"namespace":"n"})";
  const Case cases[] = {
      {"whole", object(whole), {}},
      {"without a time", object(R"("type":"Normal","regarding":{"namespace":"n"})"), {"eventTime: Required value"}},
      {"empty",
       object(R"("eventTime":"2026-01-01T00:00:00.000000Z","regarding":{"namespace":"n"})"),
       {"reportingController: Required value", R"(reportingController: Invalid value: "": name part must be non-empty)",
        R"(reportingController: Invalid value: "": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'))",
        "reportingInstance: Required value", "action: Required value", "reason: Required value",
        R"(type: Invalid value: "": has invalid value: )"}},
      {"with what is no more",
       object(whole +
              R"(,"deprecatedCount":1,"deprecatedSource":{"host":"h"},"deprecatedFirstTimestamp":"2026-01-01T00:00:00Z")"),
       {R"(firstTimestamp: Invalid value: "": needs to be unset)", R"(count: Invalid value: "": needs to be unset)",
        R"(source: Invalid value: "": needs to be unset)"}},
      {"a series of one",
       object(whole + R"(,"series":{"count":1})"),
       {R"(series.count: Invalid value: "": should be at least 2)", "series.lastObservedTime: Required value"}},
  };
  creates<New>(cases);
  EXPECT_EQ(update_problems<New>(object(whole),
                                 object(whole + R"(,"series":{"count":2,"lastObservedTime":"2026-01-01T00:00:00.000000Z"})")),
            Lines{});
  std::string other = whole;
  other.replace(other.find(R"("N")"), 3, R"("M")");
  EXPECT_EQ(update_problems<New>(object(whole), object(other)), Lines{R"(message: Invalid value: "M": field is immutable)"});
}

TEST(Validation, Nodes) {
  using core::v1::Node;
  const Case cases[] = {
      {"two taints of an effect",
       cluster(R"("spec":{"taints":[{"key":"a","effect":"NoSchedule"},{"key":"a","value":"v","effect":"NoSchedule"}]})"),
       {R"(metadata.taints[1]: Duplicate value: {"Key":"a","Value":"v","Effect":"NoSchedule","TimeAdded":null}: taints must be unique by key and effect pair)"}},
      {"two ranges of a family",
       cluster(R"("spec":{"podCIDR":"10.0.0.0/24","podCIDRs":["10.0.0.0/24","10.0.1.0/24"]})"),
       {R"(spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.0.1.0/24"]: may specify no more than one CIDR for each IP family)"}},
      {"a range that is none",
       cluster(R"("spec":{"podCIDR":"x","podCIDRs":["x"]})"),
       {R"(spec.podCIDRs[0]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64))"}},
  };
  creates<Node>(cases);
  EXPECT_EQ(update_problems<Node>(cluster(R"("spec":{"providerID":"a"})"), cluster(R"("spec":{"providerID":"b"})")),
            Lines{R"(spec.providerID: Forbidden: node updates may not change providerID except from "" to valid)"});
  EXPECT_EQ(update_problems<Node>(cluster(R"("spec":{})"), cluster(R"("spec":{"providerID":"b"})")), Lines{});
}

TEST(Validation, LimitRanges) {
  const auto limit = [](const std::string& members) { return object(R"("spec":{"limits":[{)" + members + "}]}"); };
  const std::string at = "spec.limits[0]";
  const Case cases[] = {
      {"in order",
       limit(R"("type":"Container","min":{"cpu":"1"},"max":{"cpu":"3"},"default":{"cpu":"2"},"defaultRequest":{"cpu":"1"})"),
       {}},
      {"out of order",
       limit(R"("type":"Pod","min":{"cpu":"3"},"max":{"cpu":"1"})"),
       {at + R"(.min[cpu]: Invalid value: "3": min value 3 is greater than max value 1)"}},
      {"a claim of any size",
       limit(R"("type":"PersistentVolumeClaim")"),
       {at + ".limits: Required value: either minimum or maximum storage value is required, but neither was provided"}},
      {"pods have no defaults",
       limit(R"("type":"Pod","defaultRequest":{"cpu":"1"})"),
       {at + ".defaultRequest: Forbidden: may not be specified when `type` is 'Pod'"}},
      {"another type",
       limit(R"("type":"X","max":{"cpu":"1"})"),
       {at + R"(.type: Invalid value: "X": must be a standard limit type or fully qualified)"}},
  };
  creates<core::v1::LimitRange>(cases);
}

TEST(Validation, ResourceQuotas) {
  using core::v1::ResourceQuota;
  const auto quota = [](const std::string& members) { return object(R"("spec":{)" + members + "}"); };
  const Case cases[] = {
      {"pods of best effort", quota(R"("hard":{"pods":"1"},"scopes":["BestEffort"])"), {}},
      {"what has no effort",
       quota(R"("hard":{"cpu":"1"},"scopes":["BestEffort"])"),
       {R"(spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource)"}},
      {"both",
       quota(R"("hard":{"pods":"1"},"scopes":["Terminating","NotTerminating"])"),
       {R"(spec.scopes: Invalid value: ["Terminating","NotTerminating"]: conflicting scopes)"}},
      {"unknown", quota(R"("scopes":["X"])"), {R"(spec.scopes: Invalid value: ["X"]: unsupported scope)"}},
      {"a selector that wants values",
       quota(R"("scopeSelector":{"matchExpressions":[{"scopeName":"PriorityClass","operator":"In"}]})"),
       {"spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or "
        "'NotIn' for scope selector"}},
  };
  creates<ResourceQuota>(cases);
  EXPECT_EQ(update_problems<ResourceQuota>(quota(R"("scopes":["BestEffort"])"), quota("")),
            Lines{"spec.scopes: Invalid value: null: field is immutable"});
}

TEST(Validation, Secrets) {
  using core::v1::Secret;
  const Case cases[] = {
      {"a configuration", object(R"("type":"kubernetes.io/dockerconfigjson","stringData":{".dockerconfigjson":"{}"})"), {}},
      {"that is none",
       object(R"("type":"kubernetes.io/dockerconfigjson","data":{".dockerconfigjson":"eA=="})"),
       {R"(data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": invalid character 'x' looking for beginning of value)"}},
      {"that is not there", object(R"("type":"kubernetes.io/dockercfg")"), {"data[.dockercfg]: Required value"}},
      {"of nobody",
       object(R"("type":"kubernetes.io/basic-auth")"),
       {"data[username]: Required value", "data[password]: Required value"}},
      {"of no account",
       object(R"("type":"kubernetes.io/service-account-token")"),
       {"metadata.annotations[kubernetes.io/service-account.name]: Required value"}},
  };
  creates<Secret>(cases);
}

// A set's claims are volumes of its pods.
TEST(Validation, ClaimsOfStatefulSets) {
  using apps::v1::StatefulSet;
  const auto set = [](const std::string& claim, const std::string& mount, const std::string& more = "") {
    return object(
        R"("spec":{"selector":{"matchLabels":{"a":"b"}},)" + more +
        R"("template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i","volumeMounts":[{"name":")" +
        mount + R"(","mountPath":"/x"}]}]}},"volumeClaimTemplates":[{"metadata":{"name":"v"},"spec":{)" + claim + "}}]}");
  };
  const std::string fine = R"("accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}})";
  const Case cases[] = {
      {"fine", set(fine, "v"), {}},
      {"a claim of nothing",
       set("", "v"),
       {"spec.volumeClaimTemplates[0].spec.accessModes: Required value: at least 1 access mode is required",
        "spec.volumeClaimTemplates[0].spec.resources[storage]: Required value"}},
      {"a volume of none", set(fine, "w"), {R"(spec.template.spec.containers[0].volumeMounts[0].name: Not found: "w")"}},
      {"a name that is no label",
       set(fine, "v", R"("serviceName":"a.b",)"),
       {R"(spec.serviceName: Invalid value: "a.b": must not contain dots)"}},
  };
  creates<StatefulSet>(cases);
}

}  // namespace
}  // namespace ph::api
