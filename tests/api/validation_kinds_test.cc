// The kinds users meet most: one table each.
#include "tests/api/validation_helpers.h"

#include "api/validation/cron_schedule.h"

namespace ph::api {
namespace {

using namespace test;

struct Change {
  const char* name;
  std::string old, now;
  Lines expected;
};

template <class T, std::size_t N>
void changes(const Change (&cases)[N]) {
  for (const Change& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(update_problems<T>(c.old, c.now), c.expected);
  }
}

std::string object(const std::string& members, const std::string& name = "x") {
  return R"({"metadata":{"name":")" + name + R"(","namespace":"n"},)" + members + "}";
}
std::string cluster(const std::string& members) { return R"({"metadata":{"name":"x"},)" + members + "}"; }

constexpr const char* kTemplate =
    R"("template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}})";
constexpr const char* kOnceTemplate =
    R"("template":{"metadata":{"labels":{"a":"b"}},"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}})";
constexpr const char* kSelector = R"("selector":{"matchLabels":{"a":"b"}},)";

std::string workload(const std::string& spec) { return object(R"("spec":{)" + spec + kTemplate + "}"); }

TEST(Validation, Deployment) {
  using apps::v1::Deployment;
  const Case cases[] = {
      {"fine", workload(kSelector), {}},
      {"no selector",
       workload(""),
       {"spec.selector: Required value",
        R"(spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`)"}},
      {"a selector that is none",
       workload(R"("selector":{"matchExpressions":[{"key":"a","operator":"X"}]},)"),
       {R"(spec.selector.matchExpressions[0].operator: Invalid value: "X": not a valid selector operator)",
        R"(spec.selector: Invalid value: {"matchExpressions":[{"key":"a","operator":"X"}]}: invalid label selector)"}},
      {"a strategy nobody knows",
       workload(std::string(kSelector) + R"("strategy":{"type":"X"},)"),
       {R"(spec.strategy: Unsupported value: {"Type":"X","RollingUpdate":null}: supported values: "Recreate", "RollingUpdate")"}},
      {"another's labels",
       workload(R"("selector":{"matchLabels":{"x":"y"}},)"),
       {R"(spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`)"}},
      {"negative",
       workload(std::string(kSelector) + R"("replicas":-1,)"),
       {"spec.replicas: Invalid value: -1: must be greater than or equal to 0"}},
      {"standing still",
       workload(std::string(kSelector) + R"("strategy":{"rollingUpdate":{"maxSurge":0,"maxUnavailable":"0%"}},)"),
       {R"(spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0)"}},
      {"Recreate is not rolling",
       workload(std::string(kSelector) + R"("strategy":{"type":"Recreate","rollingUpdate":{}},)"),
       {"spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"}},
      {"deadline before ready",
       workload(std::string(kSelector) + R"("minReadySeconds":5,"progressDeadlineSeconds":5,)"),
       {"spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds"}},
  };
  creates<Deployment>(cases);
  const Change more[] = {
      {"scale", workload(kSelector), workload(std::string(kSelector) + R"("replicas":3,)"), {}},
      {"selector",
       workload(kSelector),
       workload(R"("selector":{"matchLabels":{"a":"b"},"matchExpressions":[{"key":"a","operator":"Exists"}]},)"),
       {R"(spec.selector: Invalid value: {"matchLabels":{"a":"b"},"matchExpressions":[{"key":"a","operator":"Exists"}]}: field is immutable)"}},
  };
  changes<Deployment>(more);
}

TEST(Validation, OtherWorkloads) {
  EXPECT_EQ(problems<apps::v1::ReplicaSet>(workload(kSelector)), Lines{});
  EXPECT_EQ(problems<apps::v1::StatefulSet>(workload(kSelector)), Lines{});
  EXPECT_EQ(problems<apps::v1::DaemonSet>(workload(kSelector)), Lines{});
  EXPECT_EQ(problems<core::v1::ReplicationController>(workload("")), Lines{});
  EXPECT_EQ(
      problems<apps::v1::DaemonSet>(
          workload(std::string(kSelector) + R"("updateStrategy":{"rollingUpdate":{"maxSurge":1,"maxUnavailable":1}},)")),
      Lines{"spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero"});
  EXPECT_EQ(update_problems<apps::v1::StatefulSet>(workload(kSelector), workload(std::string(kSelector) + R"("replicas":2,)")),
            Lines{});
  EXPECT_EQ(
      update_problems<apps::v1::StatefulSet>(workload(kSelector), workload(std::string(kSelector) + R"("serviceName":"s",)")),
      Lines{"spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
            "'updateStrategy', "
            "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"});
  EXPECT_EQ(status_problems<apps::v1::ReplicaSet>(object(R"("spec":{})"), object(R"("status":{"replicas":1,"readyReplicas":2})")),
            Lines{"status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas"});
}

// The pods of a template get their host ports by default; the template itself does not need them.
TEST(Validation, TemplatesOnTheHostsNetwork) {
  const auto template_of = [](const std::string& port) {
    return R"("template":{"metadata":{"labels":{"a":"b"}},"spec":{"hostNetwork":true,"restartPolicy":"%s","containers":[{"name":"c","image":"i","ports":[)" +
           port + "]}]}}";
  };
  const auto object = [](std::string spec, const char* policy) {
    spec.replace(spec.find("%s"), 2, policy);
    return R"({"metadata":{"name":"x","namespace":"default"},"spec":{)" + spec + "}}";
  };
  const std::string selector = R"("selector":{"matchLabels":{"a":"b"}},)";
  const std::string manual = R"("manualSelector":true,)" + selector;  // else the server makes one, later
  const std::string plain = template_of(R"({"containerPort":80})"), wrong = template_of(R"({"containerPort":80,"hostPort":81})");
  const std::string why =
      "spec.template.spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is "
      "true";
  EXPECT_EQ(problems<apps::v1::Deployment>(object(selector + plain, "Always")), Lines{});
  EXPECT_EQ(problems<apps::v1::Deployment>(object(selector + wrong, "Always")), Lines{why});
  EXPECT_EQ(problems<apps::v1::DaemonSet>(object(selector + plain, "Always")), Lines{});
  EXPECT_EQ(problems<apps::v1::StatefulSet>(object(R"("serviceName":"s",)" + selector + plain, "Always")), Lines{});
  EXPECT_EQ(problems<apps::v1::ReplicaSet>(object(selector + plain, "Always")), Lines{});
  EXPECT_EQ(problems<core::v1::ReplicationController>(object(R"("selector":{"a":"b"},)" + plain, "Always")), Lines{});
  EXPECT_EQ(problems<batch::v1::Job>(object(manual + plain, "Never")), Lines{});
  EXPECT_EQ(problems<batch::v1::Job>(object(manual + wrong, "Never")), Lines{why});
  EXPECT_EQ(problems<batch::v1::CronJob>(object(R"("schedule":"* * * * *","jobTemplate":{"spec":{)" + plain + "}}", "Never")),
            Lines{});
}

TEST(Validation, Job) {
  const auto job = [](const std::string& spec) {
    return object(R"("spec":{"manualSelector":true,)" + std::string(kSelector) + spec + kOnceTemplate + "}");
  };
  const Case cases[] = {
      {"fine", job(""), {}},
      {"always restarting",
       object(R"("spec":{"manualSelector":true,)" + std::string(kSelector) + kTemplate + "}"),
       {R"(spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never")"}},
      {"indexed without completions",
       job(R"("completionMode":"Indexed","parallelism":1,)"),
       {"spec.completions: Required value: when completion mode is Indexed"}},
      {"limit per index of none",
       job(R"("backoffLimitPerIndex":1,)"),
       {"spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode"}},
  };
  creates<batch::v1::Job>(cases);
  EXPECT_EQ(update_problems<batch::v1::Job>(job(""), job(R"("completions":2,"parallelism":1,)")),
            Lines{"spec.completions: Invalid value: 2: field is immutable"});
  EXPECT_EQ(update_problems<batch::v1::Job>(job(R"("suspend":true,)"), job("")), Lines{});
}

TEST(Validation, CronSchedules) {
  struct Schedule {
    const char* text;
    const char* problem;
  };
  const Schedule schedules[] = {
      {"* * * * *", nullptr},
      {"*/5 0-6,12 1 jan-mar MON-FRI", nullptr},
      {"0 0 ? * ?", nullptr},
      {"@hourly", nullptr},
      {"@every 1h30m", nullptr},
      {"* * * *", "expected exactly 5 fields, found 4: [* * * *]"},
      {"61 * * * *", "end of range (61) above maximum (59): 61"},
      {"* * 0 * *", "beginning of range (0) below minimum (1): 0"},
      {"5-2 * * * *", "beginning of range (5) beyond end of range (2): 5-2"},
      {"*/0 * * * *", "step of range should be a positive number: */0"},
      {"a * * * *", R"(failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax)"},
      {"@sometimes", "unrecognized descriptor: @sometimes"},
  };
  for (const Schedule& s : schedules) {
    SCOPED_TRACE(s.text);
    EXPECT_EQ(schedule_problem(s.text), s.problem ? std::optional<std::string>(s.problem) : std::nullopt);
  }
  const auto cron = [](const std::string& spec) {
    return object(R"("spec":{)" + spec + R"("jobTemplate":{"spec":{)" + kOnceTemplate + "}}}");
  };
  EXPECT_EQ(problems<batch::v1::CronJob>(cron(R"("schedule":"@daily",)")), Lines{});
  EXPECT_EQ(
      problems<batch::v1::CronJob>(cron(R"("schedule":"TZ=UTC 0 * * * *",)")),
      Lines{
          R"(spec.schedule: Invalid value: "TZ=UTC 0 * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead)"});
}

TEST(Validation, Service) {
  using core::v1::Service;
  const auto service = [](const std::string& spec) { return object(R"("spec":{)" + spec + "}"); };
  const Case cases[] = {
      {"fine", service(R"("ports":[{"port":80}])"), {}},
      {"no ports", service(""), {"spec.ports: Required value"}},
      {"headless needs none", service(R"("clusterIP":"None","clusterIPs":["None"])"), {}},
      {"two ports need names",
       service(R"("ports":[{"port":80},{"port":81}])"),
       {"spec.ports[0].name: Required value", "spec.ports[1].name: Required value"}},
      {"one port twice",
       service(R"("ports":[{"name":"a","port":80},{"name":"b","port":80}])"),
       {R"(spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0})"}},
      {"addresses that do not fit",
       service(R"("ports":[{"port":80}],"clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1","10.0.0.2"],"ipFamilies":["IPv6"])"),
       {R"(spec.clusterIPs: Invalid value: ["10.0.0.1","10.0.0.2"]: may specify no more than one IP for each IP family)",
        R"(spec.clusterIPs[0]: Invalid value: "10.0.0.1": expected an IPv6 value as indicated by `ipFamilies[0]`)"}},
      {"an address in a list alone",
       service(R"("ports":[{"port":80}],"clusterIPs":["10.0.0.1"])"),
       {R"(spec.clusterIPs: Invalid value: ["10.0.0.1"]: must be empty when `clusterIP` is not specified)"}},
      {"ranges of a balancer that is none",
       service(R"("ports":[{"port":80}],"loadBalancerSourceRanges":["x"])"),
       {"spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
        R"(spec.LoadBalancerSourceRanges[0]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64))"}},
      {"a node port of none",
       service(R"("ports":[{"port":80,"nodePort":30000}])"),
       {"spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"}},
      {"external without a name", service(R"("type":"ExternalName")"), {"spec.externalName: Required value"}},
      {"external with one", service(R"("type":"ExternalName","externalName":"example.com.")"), {}},
      {"affinity for too long",
       service(
           R"("ports":[{"port":80}],"sessionAffinity":"ClientIP","sessionAffinityConfig":{"clientIP":{"timeoutSeconds":90000}})"),
       {"spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 90000: must be greater than 0 and less than 86400"}},
      {"a type",
       service(R"("ports":[{"port":80}],"type":"X")"),
       {R"(spec.type: Unsupported value: "X": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort")"}},
  };
  creates<Service>(cases);
  const Change more[] = {
      {"another address",
       service(R"("clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1"],"ports":[{"port":80}])"),
       service(R"("clusterIP":"10.0.0.2","clusterIPs":["10.0.0.2"],"ports":[{"port":80}])"),
       {R"(spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set)"}},
      {"another port",
       service(R"("clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1"],"ports":[{"port":80}])"),
       service(R"("clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1"],"ports":[{"port":81}])"),
       {}},
  };
  changes<Service>(more);
}

TEST(Validation, ConfigMapAndSecret) {
  EXPECT_EQ(problems<core::v1::ConfigMap>(object(R"("data":{"a b":"x"})")).size(), 1u);
  EXPECT_EQ(problems<core::v1::ConfigMap>(object(R"("data":{"a":")" + std::string(1024 * 1024 + 1, 'x') + "\"}")),
            Lines{": Too long: may not be more than 1048576 bytes"});
  EXPECT_EQ(update_problems<core::v1::ConfigMap>(object(R"("immutable":true,"data":{"a":"1"})"), object(R"("data":{"a":"2"})")),
            (Lines{"immutable: Forbidden: field is immutable when `immutable` is set",
                   "data: Forbidden: field is immutable when `immutable` is set"}));
  EXPECT_EQ(problems<core::v1::Secret>(object(R"("type":"kubernetes.io/tls","stringData":{"tls.crt":"x"})")),
            Lines{"data[tls.key]: Required value"});
  EXPECT_EQ(update_problems<core::v1::Secret>(object(R"("type":"a/b")"), object(R"("type":"a/c")")),
            Lines{R"(type: Invalid value: "a/c": field is immutable)"});
}

TEST(Validation, Access) {
  using rbac::v1::ClusterRole, rbac::v1::RoleBinding;
  EXPECT_EQ(problems<ClusterRole>(
                R"({"metadata":{"name":"system:x:y"},"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}]})"),
            Lines{});
  EXPECT_EQ(problems<ClusterRole>(cluster(R"("rules":[{}])")),
            (Lines{"rules[0].verbs: Required value: verbs must contain at least one value",
                   "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
                   "rules[0].resources: Required value: resource rules must supply at least one resource"}));
  const auto binding = [](const char* role, const char* subject) {
    return object(std::string(R"("roleRef":{"kind":"Role","name":")") + role + R"("},"subjects":[)" + subject + "]");
  };
  EXPECT_EQ(problems<RoleBinding>(binding("r", R"({"kind":"User","name":"u"})")), Lines{});
  EXPECT_EQ(problems<RoleBinding>(binding("r", R"({"kind":"Robot","name":"u"})")),
            Lines{R"(subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group")"});
  EXPECT_EQ(update_problems<RoleBinding>(binding("r", ""), binding("s", "")).size(), 1u);
}

TEST(Validation, Storage) {
  using core::v1::PersistentVolume, core::v1::PersistentVolumeClaim;
  const auto claim = [](const char* amount, const char* phase) {
    return object(std::string(R"("spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":")") + amount +
                  R"("}}},"status":{"phase":")" + phase + R"(","capacity":{"storage":"2Gi"}})");
  };
  EXPECT_EQ(problems<PersistentVolumeClaim>(claim("1Gi", "Pending")), Lines{});
  EXPECT_EQ(
      problems<PersistentVolumeClaim>(object(R"("spec":{})")),
      (Lines{"spec.accessModes: Required value: at least 1 access mode is required", "spec.resources[storage]: Required value"}));
  const Lines shrunk = update_problems<PersistentVolumeClaim>(claim("3Gi", "Pending"), claim("2Gi", "Pending"));
  ASSERT_EQ(shrunk.size(), 2u);
  EXPECT_TRUE(
      shrunk[0].starts_with("spec: Forbidden: spec is immutable after creation except resources.requests and "
                            "volumeAttributesClassName for bound claims\n@@ -"));
  EXPECT_TRUE(shrunk[0].ends_with("-   \"storage\": \"3Gi\"\n+   \"storage\": \"2Gi\"\n   }\n  },\n  \"VolumeName\": \"\",\n"))
      << shrunk[0];
  EXPECT_EQ(update_problems<PersistentVolumeClaim>(claim("2Gi", "Bound"), claim("3Gi", "Bound")), Lines{});
  EXPECT_EQ(update_problems<PersistentVolumeClaim>(claim("2Gi", "Bound"), claim("1Gi", "Bound")),
            Lines{"spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"});
  EXPECT_EQ(problems<PersistentVolume>(cluster(R"("spec":{"accessModes":["ReadWriteOnce"],"capacity":{"storage":"1Gi"}})")),
            Lines{"spec: Required value: must specify a volume type"});
  EXPECT_EQ(update_problems<storage::v1::StorageClass>(cluster(R"("provisioner":"a/b")"), cluster(R"("provisioner":"a/c")")),
            Lines{R"(provisioner: Invalid value: "a/c": field is immutable)"});
}

TEST(Validation, TheRest) {
  EXPECT_EQ(problems<discovery::v1::EndpointSlice>(object(R"("addressType":"IPv4","endpoints":[{"addresses":["::1"]}])")).size(),
            2u);
  EXPECT_EQ(problems<discovery::v1::EndpointSlice>(object(R"("endpoints":[])")), Lines{"addressType: Required value"});
  EXPECT_EQ(problems<policy::v1::PodDisruptionBudget>(object(R"("spec":{"minAvailable":"101%"})")),
            Lines{R"(spec.minAvailable: Invalid value: "101%": must not be greater than 100%)"});
  EXPECT_EQ(problems<coordination::v1::Lease>(object(R"("spec":{"leaseDurationSeconds":0})")),
            Lines{"spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"});
  EXPECT_EQ(problems<scheduling::v1::PriorityClass>(cluster(R"("value":1000000001)")),
            Lines{"value: Forbidden: maximum allowed value of a user defined priority is 1000000000"});
  EXPECT_EQ(
      problems<core::v1::Node>(cluster(R"("spec":{"taints":[{"key":"a","effect":"Never"}]})")),
      Lines{
          R"(metadata.taints[0].effect: Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute")"});
  EXPECT_EQ(
      problems<core::v1::LimitRange>(
          object(
              R"("spec":{"limits":[{"type":"Container","min":{"cpu":"2"},"max":{"cpu":"1"},"default":{"cpu":"2"},"defaultRequest":{"cpu":"2"}}]})"))
          .size(),
      3u);
  EXPECT_EQ(problems<core::v1::ResourceQuota>(object(R"("spec":{"hard":{"frob":"1"}})")),
            (Lines{R"(spec.hard[frob]: Invalid value: "frob": must be a standard resource type or fully qualified)",
                   R"(spec.hard[frob]: Invalid value: "frob": must be a standard resource for quota)"}));
  EXPECT_EQ(problems<core::v1::Event>(object(R"("involvedObject":{"namespace":"other"})")),
            Lines{R"(involvedObject.namespace: Invalid value: "other": does not match event.namespace)"});
}

}  // namespace
}  // namespace ph::api
