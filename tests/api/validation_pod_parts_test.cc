// Pods: annotations that mean something, what containers and their pod ask for, pods of Windows, environments.
#include "tests/api/validation_helpers.h"

namespace ph::api {
namespace {

using namespace test;
using core::v1::Pod;

std::string pod(const std::string& spec, const std::string& annotations = "") {
  return R"({"metadata":{"name":"p","namespace":"n","annotations":{)" + annotations + R"(}},"spec":{)" + spec + "}}";
}
std::string container(const std::string& members) { return R"("containers":[{"name":"c","image":"i",)" + members + "}]"; }
constexpr const char* kOne = R"("containers":[{"name":"c","image":"i"}])";

TEST(PodValidation, Annotations) {
  const auto with = [](const std::string& annotation) { return pod(kOne, annotation); };
  const std::string cost = "controller.kubernetes.io/pod-deletion-cost";
  const auto cost_of = [&](const char* value) { return with('"' + cost + R"(":")" + value + '"'); };
  const auto no_cost = [&](const char* value) {
    return Lines{"metadata.annotations[" + cost + R"(]: Invalid value: ")" + value + R"(": must be a 32bit integer)"};
  };
  const std::string seccomp = "seccomp.security.alpha.kubernetes.io/pod";
  const Case cases[] = {
      {"a cost", cost_of("-2147483648"), {}},
      {"nothing", cost_of("0"), {}},
      {"too dear", cost_of("2147483648"), no_cost("2147483648")},
      {"a plus", cost_of("+1"), no_cost("+1")},
      {"a zero too many", cost_of("01"), no_cost("01")},
      {"no number", cost_of("x"), no_cost("x")},
      {"a mirror of a pod that is nowhere",
       with(R"("kubernetes.io/config.mirror":"x")"),
       {R"(metadata.annotations[kubernetes.io/config.mirror]: Invalid value: "x": must set spec.nodeName if mirror pod annotation is set)"}},
      {"a profile", with('"' + seccomp + R"(":"localhost/a/b")"), {}},
      {"a profile that climbs",
       with('"' + seccomp + R"(":"localhost/../b")"),
       {"metadata.annotations." + seccomp + R"(: Invalid value: "../b": must not contain '..')"}},
      {"no profile",
       with('"' + seccomp + R"(":"x")"),
       {"metadata.annotations." + seccomp + R"(: Invalid value: "x": must be a valid seccomp profile)"}},
      {"a container that is not there",
       with(R"("container.apparmor.security.beta.kubernetes.io/d":"runtime/default")"),
       {R"(metadata.annotations[container.apparmor.security.beta.kubernetes.io/d]: Invalid value: "d": container not found)"}},
  };
  creates<Pod>(cases);
  const std::string mirror = R"("kubernetes.io/config.mirror":"x")", other = R"("kubernetes.io/config.mirror":"y")";
  const std::string on_node = std::string(kOne) + R"(,"nodeName":"a")";
  const std::string at = "metadata.annotations[kubernetes.io/config.mirror]: Forbidden: ";
  EXPECT_EQ(update_problems<Pod>(pod(on_node, mirror), pod(on_node, other)),
            Lines{at + "may not remove or update mirror pod annotation"});
  EXPECT_EQ(update_problems<Pod>(pod(on_node), pod(on_node, mirror)), Lines{at + "may not add mirror pod annotation"});
}

TEST(PodValidation, Resources) {
  const auto asks = [](const std::string& resources) { return pod(container(R"("resources":{)" + resources + "}")); };
  const std::string at = "spec.containers[0].resources";
  const Case cases[] = {
      {"pages", asks(R"("limits":{"cpu":"1","hugepages-2Mi":"4Mi"})"), {}},
      {"pages alone", asks(R"("limits":{"hugepages-2Mi":"4Mi"})"), {at + ": Forbidden: HugePages require cpu or memory"}},
      {"half a page",
       asks(R"("limits":{"cpu":"1","hugepages-2Mi":"3Mi"})"),
       {at + R"(.limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi)",
        at + R"(.requests[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi)"}},
      {"devices are not shared out",
       asks(R"("requests":{"a.b/c":"1"},"limits":{"a.b/c":"2"})"),
       {at + R"(.requests: Invalid value: "1": must be equal to a.b/c limit of 2)"}},
      {"devices without a limit",
       asks(R"("requests":{"a.b/c":"1"})"),
       {at + ".limits: Required value: Limit must be set for non overcommitable resources"}},
      {"a claim of none",
       asks(R"("claims":[{"name":"x"}])"),
       {at + R"(.claims[0]: Not found: "x": must be one of the names in pod.spec.resourceClaims which is empty)"}},
      {"a claim twice",
       pod(R"("resourceClaims":[{"name":"x","resourceClaimName":"x"}],)" +
           container(R"("resources":{"claims":[{"name":"x"},{"name":"x"}]})")),
       {at + R"(.claims[1]: Duplicate value: "x")"}},
  };
  creates<Pod>(cases);
}

TEST(PodValidation, ResourcesOfThePod) {
  const auto asks = [](const std::string& of_pod, const std::string& of_container) {
    return pod(R"("resources":{)" + of_pod + "}," + container(R"("resources":{)" + of_container + "}"));
  };
  const Case cases[] = {
      {"enough", asks(R"("requests":{"cpu":"2"},"limits":{"cpu":"3"})", R"("requests":{"cpu":"1"},"limits":{"cpu":"3"})"), {}},
      {"too little",
       asks(R"("requests":{"cpu":"1"},"limits":{"cpu":"3"})", R"("requests":{"cpu":"2"},"limits":{"cpu":"2"})"),
       {R"(spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate container requests of 2)"}},
      {"one that may have more than all",
       asks(R"("requests":{"cpu":"1"},"limits":{"cpu":"1"})", R"("requests":{"cpu":"1"},"limits":{"cpu":"2"})"),
       {R"(spec.resources.containers[0][cpu].limits: Invalid value: "2": must be less than or equal to pod limits of 1)"}},
      {"what a pod has none of",
       asks(R"("requests":{"ephemeral-storage":"1"})", ""),
       {R"(spec.resources.requests[ephemeral-storage]: Unsupported value: "ephemeral-storage": supported values: "cpu", "hugepages-", "memory")"}},
      {"claims", asks(R"("requests":{"cpu":"1"},"claims":[])", ""), {}},
  };
  creates<Pod>(cases);
}

TEST(PodValidation, ResizePolicies) {
  const auto with = [](const std::string& policies, const std::string& more = "") {
    return pod(container(R"("resizePolicy":[)" + policies + "]") + more);
  };
  const std::string at = "spec.containers[0].resizePolicy";
  const Case cases[] = {
      {"fine", with(R"({"resourceName":"cpu","restartPolicy":"NotRequired"})"), {}},
      {"twice",
       with(R"({"resourceName":"cpu","restartPolicy":"NotRequired"},{"resourceName":"cpu","restartPolicy":"NotRequired"})"),
       {at + R"([1]: Duplicate value: "cpu")"}},
      {"another resource",
       with(R"({"resourceName":"x","restartPolicy":"NotRequired"})"),
       {at + R"(: Unsupported value: "x": supported values: "cpu", "memory")"}},
      {"restarts of what is never restarted",
       with(R"({"resourceName":"cpu","restartPolicy":"RestartContainer"})", R"(,"restartPolicy":"Never")"),
       {at + R"(: Invalid value: "RestartContainer": must be 'NotRequired' when `restartPolicy` is 'Never')"}},
  };
  creates<Pod>(cases);
}

TEST(PodValidation, OperatingSystems) {
  const std::string windows = R"("os":{"name":"windows"},)", linux_ = R"("os":{"name":"linux"},)";
  const auto user = [&](const std::string& name) {
    return pod(windows + R"("securityContext":{"windowsOptions":{"runAsUserName":")" + name + R"("}},)" + kOne);
  };
  const std::string of_user = "spec.securityContext.windowsOptions.runAsUserName: Invalid value: ";
  const Case cases[] = {
      {"another system",
       pod(R"("os":{"name":"plan9"},)" + std::string(kOne)),
       {R"(spec.os: Unsupported value: "plan9": supported values: "linux", "windows")"}},
      {"Linux on Windows",
       pod(windows + R"("hostPID":true,"securityContext":{"runAsUser":1,"fsGroup":2},)" +
           container(R"("securityContext":{"privileged":true})")),
       {"spec.hostPID: Forbidden: cannot be set for a windows pod",
        "spec.securityContext.fsGroup: Forbidden: cannot be set for a windows pod",
        "spec.securityContext.runAsUser: Forbidden: cannot be set for a windows pod",
        "spec.containers[0].securityContext.privileged: Forbidden: cannot be set for a windows pod"}},
      {"Windows on Linux",
       pod(linux_ + container(R"("securityContext":{"windowsOptions":{}})")),
       {"spec.containers[0].securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod"}},
      {"a user", user(R"(DOMAIN\\user)"), {}},
      {"a user of a domain with dots", user(R"(a.example.com\\user)"), {}},
      {"nobody", user(""), {of_user + R"("": runAsUserName cannot be an empty string)"}},
      {"nobody of a domain", user(R"(D\\)"), {of_user + R"("D\\": runAsUserName's User cannot be empty)"}},
      {"a domain that is none",
       user(R"(a/b\\user)"),
       {of_user + R"("a/b\\user": runAsUserName's Domain doesn't match the NetBios nor the DNS format)"}},
      {"dots", user(".."), {of_user + R"("..": runAsUserName's User cannot contain only periods or spaces)"}},
      {"a host's process, away from its network",
       pod(windows + R"("securityContext":{"windowsOptions":{"hostProcess":true}},)" + kOne),
       {"spec.hostNetwork: Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers"}},
      {"one that differs from its pod",
       pod(windows + R"("hostNetwork":true,"securityContext":{"windowsOptions":{"hostProcess":true}},)" +
           container(R"("securityContext":{"windowsOptions":{"hostProcess":false}})")),
       {"spec.containers[0].securityContext.windowsOptions.hostProcess: Invalid value: false: pod hostProcess value must be "
        "identical if both are specified, was true"}},
  };
  creates<Pod>(cases);
}

TEST(PodValidation, Environments) {
  const auto env = [](const std::string& variables) { return pod(container(R"("env":[)" + variables + "]")); };
  const auto from = [](const std::string& sources) { return pod(container(R"("envFrom":[)" + sources + "]")); };
  const std::string at = "spec.containers[0].env[0].valueFrom", of_list = "spec.containers[0].envFrom",
                    of_source = of_list + "[0]";
  const Case cases[] = {
      {"a field", env(R"({"name":"A","valueFrom":{"fieldRef":{"fieldPath":"metadata.annotations['a/b']"}}})"), {}},
      {"two sources",
       env(R"({"name":"A","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"},"configMapKeyRef":{"name":"m","key":"k"}}})"),
       {at + R"(: Invalid value: "": may not have more than one field specified at a time)"}},
      {"an amount of nothing",
       env(R"({"name":"A","valueFrom":{"resourceFieldRef":{"resource":"limits.frob"}}})"),
       {at +
        R"(.resourceFieldRef.resource: Unsupported value: "limits.frob": supported values: "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory")"}},
      {"a map", from(R"({"prefix":"P_","configMapRef":{"name":"m"}})"), {}},
      {"neither", from("{}"), {of_list + R"(: Invalid value: "": must specify one of: `configMapRef` or `secretRef`)"}},
      {"both",
       from(R"({"configMapRef":{"name":"m"},"secretRef":{"name":"s"}})"),
       {of_list + R"(: Invalid value: "": may not have more than one field specified at a time)"}},
      {"no name", from(R"({"secretRef":{}})"), {of_source + ".secretRef.name: Required value"}},
  };
  creates<Pod>(cases);
}

}  // namespace
}  // namespace ph::api
