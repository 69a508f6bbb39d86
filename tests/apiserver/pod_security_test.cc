// The Pod Security Standards, check by check, and the plugin PodSecurity.
#include "apiserver/admission/pod_security/policy.h"

#include <gtest/gtest.h>

#include "api/codec.h"
#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;
using pod_security::Level, pod_security::Standard;

struct Case {
  const char* name;
  Standard standard;
  const char* spec;         // of a pod with one container "c", merged into it
  const char* container;    // likewise
  const char* annotations;  // of the pod
  const char* told;         // "": nothing is broken
};

constexpr const char* kNone = "{}";
// What all that is restricted needs, so that each case shows one thing alone.
const json kGoodContext = json::parse(
    R"({"allowPrivilegeEscalation":false,"runAsNonRoot":true,"capabilities":{"drop":["ALL"]},"seccompProfile":{"type":"RuntimeDefault"}})");

class PodSecurityChecks : public ::testing::TestWithParam<Case> {};

TEST_P(PodSecurityChecks, TellWhatIsBroken) {
  const Case& c = GetParam();
  json container = {{"name", "c"}, {"image", "i"}, {"securityContext", kGoodContext}};
  container.merge_patch(json::parse(c.container));
  json spec = {{"containers", {container}}};
  spec.merge_patch(json::parse(c.spec));
  core::v1::Pod pod;
  api::from_json({{"metadata", {{"name", "p"}, {"annotations", json::parse(c.annotations)}}}, {"spec", spec}}, pod);
  EXPECT_EQ(pod_security::details_of(pod_security::violations(c.standard, pod.metadata(), pod.spec())), c.told);
}

constexpr Standard kBaseline{Level::Baseline, {}}, kRestricted{Level::Restricted, {}};
constexpr Standard baseline(int minor) { return {Level::Baseline, minor}; }
constexpr Standard restricted(int minor) { return {Level::Restricted, minor}; }

const Case kCases[] = {
    {"privileged takes all", {}, R"({"hostNetwork":true})", R"({"securityContext":{"privileged":true}})", kNone, ""},
    {"a good pod", kRestricted, kNone, kNone, kNone, ""},
    {"a plain pod is good enough for baseline", kBaseline, kNone, R"({"securityContext":null})", kNone, ""},
    {"a plain pod is not restricted", kRestricted, kNone, R"({"securityContext":null})", kNone,
     R"(allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), )"
     R"(unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), )"
     R"(runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), )"
     R"(seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"))"},
    {"less of old versions", restricted(18), kNone, R"({"securityContext":null})", kNone,
     R"(allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), )"
     R"(runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true))"},
    {"nothing of Linux is asked of Windows", kRestricted, R"({"os":{"name":"windows"}})",
     R"({"securityContext":{"allowPrivilegeEscalation":null,"capabilities":null,"seccompProfile":null}})", kNone, ""},
    {"but was before v1.25", restricted(24), R"({"os":{"name":"windows"}})",
     R"({"securityContext":{"allowPrivilegeEscalation":null}})", kNone,
     R"(allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false))"},
    {"AppArmor", kBaseline, R"({"securityContext":{"appArmorProfile":{"type":"Unconfined"}}})", kNone, kNone,
     R"(forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined"))"},
    {"AppArmor by annotation", kBaseline, kNone, R"({"securityContext":{"appArmorProfile":{"type":"Unconfined"}}})",
     R"({"container.apparmor.security.beta.kubernetes.io/c":"unconfined"})",
     R"(forbidden AppArmor profiles (container "c" and annotation must not set AppArmor profile type to "Unconfined", )"
     R"("container.apparmor.security.beta.kubernetes.io/c="unconfined""))"},
    {"AppArmor as it should be", kBaseline, kNone, kNone, R"({"container.apparmor.security.beta.kubernetes.io/c":"localhost/x"})",
     ""},
    {"capabilities", kBaseline, kNone, R"({"securityContext":{"capabilities":{"add":["SYS_TIME","NET_ADMIN","CHOWN"]}}})", kNone,
     R"(non-default capabilities (container "c" must not include "NET_ADMIN", "SYS_TIME" in securityContext.capabilities.add))"},
    {"capabilities, restricted", kRestricted, kNone,
     R"({"securityContext":{"capabilities":{"add":["CHOWN","NET_BIND_SERVICE"],"drop":["KILL"]}}})", kNone,
     R"(unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]; container "c" must not include )"
     R"("CHOWN" in securityContext.capabilities.add))"},
    {"namespaces of the host", kBaseline, R"({"hostNetwork":true,"hostPID":true,"hostIPC":true})", kNone, kNone,
     "host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)"},
    {"paths of the host", kBaseline, R"({"volumes":[{"name":"a","hostPath":{"path":"/"}},{"name":"b","hostPath":{"path":"/"}}]})",
     kNone, kNone, R"(hostPath volumes (volumes "a", "b"))"},
    {"volumes, restricted", kRestricted,
     R"({"volumes":[{"name":"a","hostPath":{"path":"/"}},{"name":"b","nfs":{"server":"s","path":"/"}},{"name":"c","emptyDir":{}}]})",
     kNone, kNone, R"(restricted volume types (volumes "a", "b" use restricted volume types "hostPath", "nfs"))"},
    {"ports of the host", kBaseline, kNone, R"({"ports":[{"containerPort":1,"hostPort":80},{"containerPort":2,"hostPort":443}]})",
     kNone, R"(hostPort (container "c" uses hostPorts 443, 80))"},
    {"hosts of probes", kBaseline, kNone,
     R"({"livenessProbe":{"httpGet":{"port":1,"host":"h"}},"lifecycle":{"preStop":{"tcpSocket":{"port":1,"host":"g"}}}})", kNone,
     R"(probe or lifecycle host (container "c" uses probe or lifecycle hosts "g", "h"))"},
    {"before v1.34 of no concern", baseline(33), kNone, R"({"livenessProbe":{"httpGet":{"port":1,"host":"h"}}})", kNone, ""},
    {"privileged", kBaseline, R"({"initContainers":[{"name":"i","securityContext":{"privileged":true}}]})",
     R"({"securityContext":{"privileged":true}})", kNone,
     R"(privileged (containers "i", "c" must not set securityContext.privileged=true))"},
    {"procMount", kBaseline, kNone, R"({"securityContext":{"procMount":"Unmasked"}})", kNone,
     R"(procMount (container "c" must not set securityContext.procMount to "Unmasked"))"},
    {"procMount among users of its own", kBaseline, R"({"hostUsers":false})", R"({"securityContext":{"procMount":"Unmasked"}})",
     kNone, ""},
    {"procMount, restricted, all the same", kRestricted, R"({"hostUsers":false})",
     R"({"securityContext":{"procMount":"Unmasked"}})", kNone,
     R"(procMount (container "c" must not set securityContext.procMount to "Unmasked"))"},
    {"SELinux", kBaseline, R"({"securityContext":{"seLinuxOptions":{"type":"x","user":"u"}}})",
     R"({"securityContext":{"seLinuxOptions":{"type":"y"}}})", kNone,
     R"(seLinuxOptions (pod and container "c" set forbidden securityContext.seLinuxOptions: types "x", "y"; user may not be set))"},
    {"SELinux, a type that came later", baseline(30), kNone,
     R"({"securityContext":{"seLinuxOptions":{"type":"container_engine_t"}}})", kNone,
     R"(seLinuxOptions (container "c" set forbidden securityContext.seLinuxOptions: type "container_engine_t"))"},
    {"SELinux, a type that has come", baseline(31), kNone,
     R"({"securityContext":{"seLinuxOptions":{"type":"container_engine_t"}}})", kNone, ""},
    {"seccomp", kBaseline, kNone, R"({"securityContext":{"seccompProfile":{"type":"Unconfined"}}})", kNone,
     R"(seccompProfile (container "c" must not set securityContext.seccompProfile.type to "Unconfined"))"},
    {"seccomp is told once", kRestricted, kNone, R"({"securityContext":{"seccompProfile":{"type":"Unconfined"}}})", kNone,
     R"(seccompProfile (container "c" must not set securityContext.seccompProfile.type to "Unconfined"))"},
    {"seccomp by annotation", baseline(18), kNone, kNone, R"({"seccomp.security.alpha.kubernetes.io/pod":"unconfined"})",
     R"(seccompProfile (forbidden annotation seccomp.security.alpha.kubernetes.io/pod="unconfined"))"},
    {"sysctls", kBaseline,
     R"({"securityContext":{"sysctls":[{"name":"kernel.msgmax","value":"1"},{"name":"net.ipv4.tcp_rmem","value":"1"}]}})", kNone,
     kNone, "forbidden sysctls (kernel.msgmax)"},
    {"sysctls that came later", baseline(31), R"({"securityContext":{"sysctls":[{"name":"net.ipv4.tcp_rmem","value":"1"}]}})",
     kNone, kNone, "forbidden sysctls (net.ipv4.tcp_rmem)"},
    {"processes of the host", kBaseline, R"({"securityContext":{"windowsOptions":{"hostProcess":true}}})", kNone, kNone,
     "hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)"},
    {"root", kRestricted, R"({"securityContext":{"runAsUser":0}})", R"({"securityContext":{"runAsUser":0,"runAsNonRoot":false}})",
     kNone,
     R"(runAsNonRoot != true (container "c" must not set securityContext.runAsNonRoot=false), )"
     R"(runAsUser=0 (pod and container "c" must not set runAsUser=0))"},
    {"root of its own users", kRestricted, R"({"hostUsers":false})",
     R"({"securityContext":{"runAsUser":0,"runAsNonRoot":false}})", kNone, ""},
    {"a version that is still to come", restricted(99), kNone, R"({"securityContext":{"allowPrivilegeEscalation":true}})", kNone,
     R"(allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false))"},
};
INSTANTIATE_TEST_SUITE_P(All, PodSecurityChecks, ::testing::ValuesIn(kCases));

TEST(PodSecurityPolicy, IsReadFromLabels) {
  struct Reading {
    const char* name;
    std::vector<std::pair<const char*, const char*>> labels;
    const char *enforce, *warn;
    std::vector<std::string> problems;
  };
  const Reading cases[] = {
      {"none", {{"a", "b"}}, "privileged:latest", "privileged:latest", {}},
      {"all",
       {{"enforce", "baseline"}, {"enforce-version", "v1.20"}, {"warn", "restricted"}},
       "baseline:v1.20",
       "restricted:latest",
       {}},
      {"levels that are none",
       {{"enforce", "x"}, {"warn", "y"}},
       "restricted:latest",
       "privileged:latest",
       {"metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: \"x\": must be one of privileged, baseline, "
        "restricted",
        "metadata.labels[pod-security.kubernetes.io/warn]: Invalid value: \"y\": must be one of privileged, baseline, "
        "restricted"}},
      {"versions that are none",
       {{"enforce", "baseline"}, {"enforce-version", "1.20"}, {"audit-version", "v1.020"}},
       "baseline:latest",
       "privileged:latest",
       {"metadata.labels[pod-security.kubernetes.io/enforce-version]: Invalid value: \"1.20\": must be \"latest\" or \"v1.x\"",
        "metadata.labels[pod-security.kubernetes.io/audit-version]: Invalid value: \"v1.020\": must be \"latest\" or \"v1.x\""}},
  };
  for (const Reading& c : cases) {
    SCOPED_TRACE(c.name);
    google::protobuf::Map<std::string, std::string> labels;
    for (const auto& [key, value] : c.labels) labels["pod-security.kubernetes.io/" + std::string(key)] = value;
    std::vector<api::FieldError> problems;
    const pod_security::Policy policy = pod_security::policy_of(labels, &problems);
    EXPECT_EQ(policy.enforce.text(), c.enforce);
    EXPECT_EQ(policy.warn.text(), c.warn);
    std::vector<std::string> told;
    for (const api::FieldError& problem : problems) told.push_back(problem.field + ": " + problem.detail);
    EXPECT_EQ(told, c.problems);
  }
}

// -- The plugin

class PodSecurityPlugin : public ::testing::Test {
 protected:
  Reply create_namespace(const std::string& name, const json& labels) {
    const Reply made = world.post("/api/v1/namespaces", json{{"metadata", {{"name", name}, {"labels", labels}}}}.dump());
    world.post("/api/v1/namespaces/" + name + "/serviceaccounts", R"({"metadata":{"name":"default"}})");
    return made;
  }
  Reply create(const std::string& target, const json& object) { return world.post(target, object.dump()); }
  Reply patch(const std::string& target, const json& change) {
    HttpRequest request = StandardWorld::request("PATCH", target, change.dump());
    request.headers.set("Content-Type", "application/strategic-merge-patch+json");
    return world.send(std::move(request));
  }
  static json pod(const std::string& name, bool host_network = false) {
    return {{"metadata", {{"name", name}}},
            {"spec", {{"hostNetwork", host_network}, {"containers", {{{"name", "c"}, {"image", "i"}}}}}}};
  }
  static std::vector<std::string> warnings(const Reply& reply) {
    std::vector<std::string> out;
    for (const auto& [name, value] : reply.headers) {
      if (name == "Warning") out.push_back(value);
    }
    return out;
  }
  StandardWorld world;
};

TEST_F(PodSecurityPlugin, RefusesPodsAndWarnsOfTemplates) {
  create_namespace("strict",
                   {{"pod-security.kubernetes.io/enforce", "baseline"}, {"pod-security.kubernetes.io/warn", "baseline"}});
  const Reply refused = create("/api/v1/namespaces/strict/pods", pod("a", true));
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.message(),
            "pods \"a\" is forbidden: violates PodSecurity \"baseline:latest\": host namespaces (hostNetwork=true)");
  EXPECT_EQ(create("/api/v1/namespaces/strict/pods", pod("b")).status, 201);
  const json deployment = {{"metadata", {{"name", "d"}}},
                           {"spec",
                            {{"selector", {{"matchLabels", {{"a", "b"}}}}},
                             {"template", {{"metadata", {{"labels", {{"a", "b"}}}}}, {"spec", pod("", true)["spec"]}}}}}};
  const Reply warned = create("/apis/apps/v1/namespaces/strict/deployments", deployment);
  EXPECT_EQ(warned.status, 201) << warned.body;
  EXPECT_EQ(warnings(warned),
            (std::vector<std::string>{
                R"_(299 - "would violate PodSecurity \"baseline:latest\": host namespaces (hostNetwork=true)")_"}));
  EXPECT_EQ(create("/api/v1/namespaces/default/pods", pod("free", true)).message().find("PodSecurity"), std::string::npos);
}

TEST_F(PodSecurityPlugin, LooksAtUpdatesThatMatter) {
  create_namespace("late", json::object());
  ASSERT_EQ(create("/api/v1/namespaces/late/pods", pod("p", true)).status, 201);
  const Reply labelled =
      patch("/api/v1/namespaces/late", {{"metadata", {{"labels", {{"pod-security.kubernetes.io/enforce", "baseline"}}}}}});
  EXPECT_EQ(labelled.status, 200);
  EXPECT_EQ(warnings(labelled),
            (std::vector<std::string>{
                R"(299 - "existing pods in namespace \"late\" violate the new PodSecurity enforce level \"baseline:latest\"")",
                R"(299 - "p: host namespaces")"}));
  EXPECT_EQ(patch("/api/v1/namespaces/late/pods/p", {{"metadata", {{"labels", {{"a", "b"}}}}}}).status, 200);
  const Reply changed = patch("/api/v1/namespaces/late/pods/p", {{"spec", {{"containers", {{{"name", "c"}, {"image", "j"}}}}}}});
  EXPECT_EQ(changed.status, 403) << changed.body;
}

TEST_F(PodSecurityPlugin, JudgesLabels) {
  const Reply refused = create_namespace("x", {{"pod-security.kubernetes.io/enforce", "none"}});
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.message(),
            "Namespace \"x\" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: \"none\": must be "
            "one of "
            "privileged, baseline, restricted");
}

}  // namespace
}  // namespace ph::apiserver::testing
