// Pods: what a create may say, what an update may change.
#include "tests/api/validation_helpers.h"

namespace ph::api {
namespace {

using namespace test;
using core::v1::Pod;

std::string pod(const std::string& spec) { return R"({"metadata":{"name":"p","namespace":"n"},"spec":{)" + spec + "}}"; }
// A pod of one container with these members.
std::string container(const std::string& members, const std::string& spec = "") {
  return pod(R"("containers":[{"name":"c","image":"i",)" + members + "}]" + spec);
}
constexpr const char* kOne = R"("containers":[{"name":"c","image":"i"}])";

TEST(PodValidation, OnCreate) {
  struct Case {
    const char* name;
    std::string pod;
    Lines expected;
  };
  const Case cases[] = {
      {"the smallest", pod(kOne), {}},
      {"no containers", pod(""), {"spec.containers: Required value"}},
      {"no name, no image",
       pod(R"("containers":[{}])"),
       {"spec.containers[0].name: Required value", "spec.containers[0].image: Required value"}},
      {"two of a name",
       pod(R"("containers":[{"name":"c","image":"i"},{"name":"c","image":"i"}])"),
       {"spec.containers[1].name: Duplicate value: \"c\""}},
      {"restart policy",
       pod(std::string(kOne) + R"(,"restartPolicy":"Sometimes")"),
       {R"(spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never")"}},
      {"ports",
       container(R"("ports":[{"containerPort":70000},{"containerPort":0,"protocol":"X"}])"),
       {"spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
        "spec.containers[0].ports[1].containerPort: Required value",
        R"(spec.containers[0].ports[1].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP")"}},
      {"host port twice",
       container(R"("ports":[{"containerPort":1,"hostPort":9},{"containerPort":2,"hostPort":9}])"),
       {R"(spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//9")"}},
      {"another port of the host's network",
       pod(R"("hostNetwork":true,"containers":[{"name":"c","image":"i","ports":[{"containerPort":80,"hostPort":81}]}])"),
       {"spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true"}},
      {"the host's network gives the port",
       pod(R"("hostNetwork":true,"containers":[{"name":"c","image":"i","ports":[{"containerPort":80}]}])"),
       {}},
      {"a mount of no volume",
       container(R"("volumeMounts":[{"name":"v","mountPath":"/x"}])"),
       {R"(spec.containers[0].volumeMounts[0].name: Not found: "v")"}},
      {"a volume of two sources",
       pod(std::string(kOne) + R"(,"volumes":[{"name":"v","emptyDir":{},"hostPath":{"path":"/x"}}])"),
       {"spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"}},
      {"a volume that climbs",
       pod(std::string(kOne) + R"(,"volumes":[{"name":"v","configMap":{"name":"m","items":[{"key":"k","path":"../x"}]}}])"),
       {"spec.volumes[0].configMap.items[0].path: Invalid value: \"../x\": must not contain '..'"}},
      {"request above the limit",
       container(R"("resources":{"requests":{"cpu":"2"},"limits":{"cpu":"1"}})"),
       {R"(spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1)"}},
      {"a resource nobody knows",
       container(R"("resources":{"limits":{"frob":"1"}})"),
       {"spec.containers[0].resources.limits[frob]: Invalid value: \"frob\": must be a standard resource type or fully qualified",
        "spec.containers[0].resources.limits[frob]: Invalid value: \"frob\": must be a standard resource for containers",
        "spec.containers[0].resources.requests[frob]: Invalid value: \"frob\": must be a standard resource type or fully "
        "qualified",
        "spec.containers[0].resources.requests[frob]: Invalid value: \"frob\": must be a standard resource for containers"}},
      {"a probe without a handler",
       container(R"("livenessProbe":{})"),
       {"spec.containers[0].livenessProbe: Required value: must specify a handler type"}},
      {"liveness succeeds once",
       container(R"("livenessProbe":{"successThreshold":2,"exec":{"command":["x"]}})"),
       {"spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1"}},
      {"a readiness probe of an init container",
       pod(std::string(kOne) + R"(,"initContainers":[{"name":"i","image":"i","readinessProbe":{"exec":{"command":["x"]}}}])"),
       {"spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always"}},
      {"a sidecar may have one",
       pod(std::string(kOne) +
           R"(,"initContainers":[{"name":"i","image":"i","restartPolicy":"Always","readinessProbe":{"exec":{"command":["x"]}}}])"),
       {}},
      {"env from nowhere",
       container(R"("env":[{"name":"E","valueFrom":{}}])"),
       {"spec.containers[0].env[0].valueFrom: Invalid value: \"\": must specify one of: `fieldRef`, `resourceFieldRef`, "
        "`configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"}},
      {"env from an unknown field",
       container(R"("env":[{"name":"E","valueFrom":{"fieldRef":{"fieldPath":"spec.frob"}}}])"),
       {"spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: \"spec.frob\": error converting fieldPath: field "
        "label not supported: spec.frob"}},
      {"toleration without a key",
       pod(std::string(kOne) + R"(,"tolerations":[{"operator":"Equal","value":"x"}])"),
       {"spec.tolerations[0].operator: Invalid value: \"Equal\": operator must be Exists when `key` is empty, which means "
        "\"match all values and all keys\""}},
      {"affinity without terms",
       pod(std::string(kOne) +
           R"(,"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[]}}})"),
       {"spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have "
        "at least one node selector term"}},
      {"spread",
       pod(std::string(kOne) +
           R"(,"topologySpreadConstraints":[{"maxSkew":0,"topologyKey":"z","whenUnsatisfiable":"DoNotSchedule"}])"),
       {"spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero"}},
      {"gates and a node",
       pod(std::string(kOne) + R"(,"nodeName":"a","schedulingGates":[{"name":"g"}])"),
       {"spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"}},
      {"ephemeral containers",
       pod(std::string(kOne) + R"(,"ephemeralContainers":[{"name":"e","image":"i"}])"),
       {"spec.ephemeralContainers: Forbidden: cannot be set on create"}},
      {"privileged without escalation",
       container(R"("securityContext":{"privileged":true,"allowPrivilegeEscalation":false})"),
       {"spec.containers[0].securityContext: Invalid value: {\"Capabilities\":null,\"Privileged\":true,\"SELinuxOptions\":null,"
        "\"WindowsOptions\":null,\"RunAsUser\":null,\"RunAsGroup\":null,\"RunAsNonRoot\":null,\"ReadOnlyRootFilesystem\":null,"
        "\"AllowPrivilegeEscalation\":false,\"ProcMount\":null,\"SeccompProfile\":null,\"AppArmorProfile\":null}: cannot set "
        "`allowPrivilegeEscalation` to false and `privileged` to true"}},
      {"dns policy None without servers",
       pod(std::string(kOne) + R"(,"dnsPolicy":"None")"),
       {"spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(problems<Pod>(c.pod), c.expected);
  }
}

TEST(PodValidation, OnUpdate) {
  struct Case {
    const char* name;
    std::string old, now;
    Lines expected;
  };
  const std::string kMayNot =
      "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
      "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
      "tolerations),`spec.terminationGracePeriodSeconds` "
      "(allow it to be set to 1 if it was previously negative)\n";
  const std::string one(kOne);
  const Case cases[] = {
      {"nothing", pod(one), pod(one), {}},
      {"an image", pod(one), pod(R"("containers":[{"name":"c","image":"other","imagePullPolicy":"Always"}])"), {}},
      {"a command",
       pod(one),
       container(R"("command":["x"])"),
       {kMayNot +
        "@@ -5,7 +5,9 @@\n   {\n    \"Name\": \"c\",\n    \"Image\": \"i\",\n-   \"Command\": null,\n+   \"Command\": [\n+    "
        "\"x\"\n+   ],\n    \"Args\": null,\n    \"WorkingDir\": \"\",\n    \"Ports\": null,\n"}},
      {"one more container",
       pod(one),
       pod(R"("containers":[{"name":"c","image":"i"},{"name":"d","image":"i"}])"),
       {"spec.containers: Forbidden: pod updates may not add or remove containers"}},
      {"a toleration more", pod(one), pod(one + R"(,"tolerations":[{"key":"a","operator":"Exists"}])"), {}},
      {"a toleration less",
       pod(one + R"(,"tolerations":[{"key":"a","operator":"Exists"}])"),
       pod(one),
       {"spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds"}},
      {"a deadline, shorter", pod(one + R"(,"activeDeadlineSeconds":9)"), pod(one + R"(,"activeDeadlineSeconds":8)"), {}},
      {"a deadline, longer",
       pod(one + R"(,"activeDeadlineSeconds":8)"),
       pod(one + R"(,"activeDeadlineSeconds":9)"),
       {"spec.activeDeadlineSeconds: Invalid value: 9: must be less than or equal to previous value"}},
      {"a gate less", pod(one + R"(,"schedulingGates":[{"name":"g"}])"), pod(one), {}},
      {"a gate more",
       pod(one),
       pod(one + R"(,"schedulingGates":[{"name":"g"}])"),
       {"spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'g'"}},
      {"a narrower selector while gated",
       pod(one + R"(,"schedulingGates":[{"name":"g"}])"),
       pod(one + R"(,"schedulingGates":[{"name":"g"}],"nodeSelector":{"a":"b"})"),
       {}},
      {"a selector when not gated",
       pod(one),
       pod(one + R"(,"nodeSelector":{"a":"b"})"),
       {kMayNot +
        "@@ -39,7 +39,9 @@\n  \"TerminationGracePeriodSeconds\": 30,\n  \"ActiveDeadlineSeconds\": null,\n  \"DNSPolicy\": "
        "\"ClusterFirst\",\n- \"NodeSelector\": null,\n+ \"NodeSelector\": {\n+  \"a\": \"b\"\n+ },\n  \"ServiceAccountName\": "
        "\"\",\n  \"AutomountServiceAccountToken\": null,\n  \"NodeName\": \"\",\n"}},
      {"another selector while gated",
       pod(one + R"(,"schedulingGates":[{"name":"g"}],"nodeSelector":{"a":"b"})"),
       pod(one + R"(,"schedulingGates":[{"name":"g"}],"nodeSelector":{"a":"c"})"),
       {R"(spec.nodeSelector: Invalid value: {"a":"c"}: only additions to spec.nodeSelector are allowed (no mutations or deletions))"}},
      {"no image",
       pod(one),
       pod(R"("containers":[{"name":"c","imagePullPolicy":"Always"}])"),
       {"spec.containers[0].image: Required value", "spec.containers[0].image: Required value"}},
      {"another amount of the same",
       container(R"("resources":{"limits":{"cpu":"1000m"}})"),
       container(R"("resources":{"limits":{"cpu":"1"}})"),
       {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(update_problems<Pod>(c.old, c.now), c.expected);
  }
}

TEST(PodValidation, AContainerThatEndedStaysEnded) {
  const std::string ended =
      R"({"metadata":{"name":"p"},"spec":{"restartPolicy":"Never"},"status":{"containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":0}}}]}})";
  const std::string running =
      R"({"metadata":{"name":"p"},"spec":{"restartPolicy":"Never"},"status":{"containerStatuses":[{"name":"c","state":{"running":{}}}]}})";
  EXPECT_EQ(status_problems<Pod>(running, ended), Lines{});
  EXPECT_EQ(status_problems<Pod>(ended, running),
            Lines{"status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state"});
}

}  // namespace
}  // namespace ph::api
