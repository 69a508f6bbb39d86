// PodSecurityConfiguration: defaults of namespaces that say nothing, and exemptions.
#include "apiserver/admission/pod_security/configuration.h"

#include <gmock/gmock.h>

#include "tests/apiserver/opted_world.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

json configuration(const json& defaults, const json& exemptions = json::object()) {
  json out = {{"apiVersion", "pod-security.admission.config.k8s.io/v1"}, {"kind", "PodSecurityConfiguration"}};
  if (!defaults.is_null()) out["defaults"] = defaults;
  if (!exemptions.is_null()) out["exemptions"] = exemptions;
  return out;
}

std::string problem(const json& document) {
  try {
    pod_security::read_configuration(document);
    return {};
  } catch (const AdmissionConfigurationError& error) {
    return error.what();
  }
}

TEST(PodSecurityConfiguration, IsRead) {
  const auto none = pod_security::read_configuration(json::object());
  EXPECT_EQ(none.defaults.enforce.text(), "privileged:latest");
  for (const char* version : {"v1", "v1beta1", "v1alpha1"}) {
    json document = configuration({{"enforce", "baseline"}, {"enforce-version", "v1.25"}, {"warn", "restricted"}, {"audit", ""}},
                                  {{"usernames", {"ann"}}, {"namespaces", {"a", "b"}}, {"runtimeClasses", {"kata.io"}}});
    document["apiVersion"] = std::string("pod-security.admission.config.k8s.io/") + version;
    const auto read = pod_security::read_configuration(document);
    EXPECT_EQ(read.defaults.enforce.text(), "baseline:v1.25");
    EXPECT_EQ(read.defaults.warn.text(), "restricted:latest");
    EXPECT_EQ(read.defaults.audit.text(), "privileged:latest");
    EXPECT_THAT(read.usernames, ElementsAre("ann"));
    EXPECT_THAT(read.namespaces, ElementsAre("a", "b"));
    EXPECT_THAT(read.runtime_classes, ElementsAre("kata.io"));
  }
}

TEST(PodSecurityConfiguration, WhatMayNotBeIsSaid) {
  const struct {
    json document;
    const char* why;
  } kCases[] = {
      {{{"defaults", {}}}, "PodSecurity: no kind \"\" is registered for version \"\""},
      {configuration({{"enforce", "strict"}}),
       "PodSecurity: defaults.enforce: Invalid value: \"strict\": must be one of privileged, baseline, restricted"},
      {configuration({{"warn-version", "1.25"}}),
       "PodSecurity: defaults.warn-version: Invalid value: \"1.25\": must be \"latest\" or \"v1.x\""},
      {configuration({{"audit", "x"}, {"enforce", "y"}}),
       "PodSecurity: [defaults.enforce: Invalid value: \"y\": must be one of privileged, baseline, restricted, defaults.audit: "
       "Invalid value: \"x\": must be one of privileged, baseline, restricted]"},
      {configuration({{"enforced", "baseline"}}), "PodSecurity: defaults: unknown field \"enforced\""},
      {configuration({{"enforce", 1}}), "PodSecurity: defaults: enforce is not a string"},
      {configuration(nullptr, {{"namespaces", {"a", "a"}}}), "PodSecurity: exemptions.namespaces[1]: Duplicate value: \"a\""},
      {configuration(nullptr, {{"namespaces", {"A"}}}),
       "PodSecurity: exemptions.namespaces[0]: Invalid value: \"A\": a lowercase RFC 1123 label must consist of lower case "
       "alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', "
       "regex "
       "used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"},
      {configuration(nullptr, {{"usernames", {""}}}),
       "PodSecurity: exemptions.usernames[0]: Invalid value: \"\": username must not be empty"},
      {configuration(nullptr, {{"runtimeClasses", {"a", "a"}}}),
       "PodSecurity: exemptions.runtimeClasses[1]: Duplicate value: \"a\""},
      {configuration(nullptr, {{"usernames", {1}}}), "PodSecurity: exemptions: usernames[0] is not a string"},
      {configuration(nullptr, {{"users", json::array()}}), "PodSecurity: exemptions: unknown field \"users\""},
  };
  for (const auto& each : kCases) EXPECT_EQ(problem(each.document), each.why);
}

class PodSecurityConfigured : public ::testing::Test {
 protected:
  void start(const json& defaults, const json& exemptions = json::object()) {
    opted_.emplace(opted({}, {{"PodSecurity", configuration(defaults, exemptions).dump()}}));
  }
  OptedWorld& world() { return *opted_; }
  Reply create(const std::string& name, const json& spec = {{"hostNetwork", true}}, const std::string& in = "default",
               std::optional<Identity> who = StandardWorld::admin()) {
    return world().post("/api/v1/namespaces/" + in + "/pods", OptedWorld::pod(name, spec), std::move(who));
  }
  void make_namespace(const std::string& name, const json& labels = json::object()) {
    world().must("/api/v1/namespaces", {{"metadata", {{"name", name}, {"labels", labels}}}});
    world().must("/api/v1/namespaces/" + name + "/serviceaccounts", {{"metadata", {{"name", "default"}}}});
  }
  static std::vector<std::string> warnings(const Reply& reply) {
    std::vector<std::string> out;
    for (const auto& [name, value] : reply.headers) {
      if (name == "Warning") out.push_back(value);
    }
    return out;
  }

 private:
  std::optional<OptedWorld> opted_;
};

TEST_F(PodSecurityConfigured, DefaultsAreDemandedOfAll) {
  start({{"enforce", "baseline"}, {"warn", "restricted"}, {"warn-version", "v1.20"}});
  const Reply refused = create("a");
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.message(),
            "pods \"a\" is forbidden: violates PodSecurity \"baseline:latest\": host namespaces (hostNetwork=true)");
  const Reply warned = create("b", json::object());
  EXPECT_EQ(warned.status, 201);
  ASSERT_EQ(warnings(warned).size(), 1u);
  EXPECT_THAT(warnings(warned)[0], ::testing::HasSubstr("would violate PodSecurity \\\"restricted:v1.20\\\""));
}

TEST_F(PodSecurityConfigured, LabelsSayOtherwise) {
  start({{"enforce", "baseline"}});
  make_namespace("free", {{"pod-security.kubernetes.io/enforce", "privileged"}});
  make_namespace("other", {{"pod-security.kubernetes.io/warn", "privileged"}});
  EXPECT_EQ(create("a", {{"hostNetwork", true}}, "free").status, 201);
  EXPECT_EQ(create("a", {{"hostNetwork", true}}, "other").status, 403) << "of what they do not name the default holds";
}

TEST_F(PodSecurityConfigured, Exemptions) {
  start({{"enforce", "baseline"}}, {{"usernames", {"ann"}}, {"namespaces", {"exempt"}}, {"runtimeClasses", {"kata"}}});
  world().must("/apis/node.k8s.io/v1/runtimeclasses", {{"metadata", {{"name", "kata"}}}, {"handler", "kata"}});
  make_namespace("exempt");
  EXPECT_EQ(create("a", {{"hostNetwork", true}}, "exempt").status, 201);
  EXPECT_EQ(create("b", {{"hostNetwork", true}}, "default", StandardWorld::user("ann", {"system:masters"})).status, 201);
  EXPECT_EQ(create("c", {{"hostNetwork", true}, {"runtimeClassName", "kata"}}).status, 201);
  EXPECT_EQ(create("d").status, 403);
}

TEST_F(PodSecurityConfigured, LabelsOfExemptNamespacesMeanNothing) {
  start({{"enforce", "privileged"}}, {{"namespaces", {"exempt"}}});
  const json labels = {{"pod-security.kubernetes.io/enforce", "baseline"}, {"pod-security.kubernetes.io/warn", "restricted"}};
  const Reply made = world().post("/api/v1/namespaces", {{"metadata", {{"name", "exempt"}, {"labels", labels}}}});
  EXPECT_EQ(made.status, 201);
  EXPECT_THAT(
      warnings(made),
      ElementsAre("299 - \"namespace \\\"exempt\\\" is exempt from Pod Security, and the policy (enforce=baseline:latest, "
                  "warn=restricted:latest) will be ignored\""));
  const Reply changed = world().patch("/api/v1/namespaces/exempt",
                                      {{"metadata", {{"labels", {{"pod-security.kubernetes.io/enforce", "restricted"}}}}}});
  EXPECT_THAT(
      warnings(changed),
      ElementsAre("299 - \"namespace \\\"exempt\\\" is exempt from Pod Security, and the policy (enforce=restricted:latest, "
                  "warn=restricted:latest) will be ignored\""));
  const Reply other = world().post("/api/v1/namespaces", {{"metadata", {{"name", "other"}, {"labels", labels}}}});
  EXPECT_THAT(warnings(other), IsEmpty());
}

TEST_F(PodSecurityConfigured, ExemptPodsAreNotToldOf) {
  start(json::object(), {{"runtimeClasses", {"kata"}}});
  world().must("/apis/node.k8s.io/v1/runtimeclasses", {{"metadata", {{"name", "kata"}}}, {"handler", "kata"}});
  ASSERT_EQ(create("a", {{"hostNetwork", true}, {"runtimeClassName", "kata"}}).status, 201);
  const Reply changed = world().patch("/api/v1/namespaces/default",
                                      {{"metadata", {{"labels", {{"pod-security.kubernetes.io/enforce", "baseline"}}}}}});
  EXPECT_EQ(changed.status, 200);
  EXPECT_THAT(warnings(changed), IsEmpty());
}

}  // namespace
}  // namespace ph::apiserver::testing
