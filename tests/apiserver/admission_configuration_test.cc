// The file of --admission-control-config-file, and what plugins make of their parts of it.
#include "apiserver/admission/configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/apiserver/opted_world.h"

namespace ph::apiserver::testing {
namespace {

using ::testing::HasSubstr;

std::string of_file(const std::string& path) {
  if (path == "selectors.yaml") return "podNodeSelectorPluginConfig:\n  here: a=b\n";
  throw std::runtime_error("there is no file " + path);
}

TEST(AdmissionConfiguration, IsRead) {
  const auto read = read_admission_configuration(R"(
apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: PodNodeSelector
  path: selectors.yaml
- name: EventRateLimit
  configuration:
    apiVersion: eventratelimit.admission.k8s.io/v1alpha1
    kind: Configuration
    limits: []
- name: EventRateLimit
)",
                                                 of_file);
  EXPECT_EQ(configuration_of(read, "PodNodeSelector"),
            nlohmann::json::parse(R"({"podNodeSelectorPluginConfig":{"here":"a=b"}})"));
  EXPECT_EQ(configuration_of(read, "EventRateLimit")["kind"], "Configuration") << "the first of two";
  EXPECT_EQ(configuration_of(read, "ImagePolicyWebhook"), nlohmann::json::object());
}

TEST(AdmissionConfiguration, WhatCannotBeReadIsSaid) {
  struct Case {
    const char* text;
    const char* why;
  };
  const std::string head = "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\n";
  const Case cases[] = {
      {"plugins: [{name: AlwaysAdmit}]", "there is no plugin \"AlwaysAdmit\" that has a configuration"},
      {"plugins: [{name: Ghost}]", "there is no plugin \"Ghost\" that has a configuration"},
      {"plugins: {}", "plugins is not a list"},
      {"plugins: [1]", "plugins[0]: is not an object"},
      {"plugins: [{name: 1}]", "name is not a string"},
      {"plugins: [{name: EventRateLimit, path: a, configuration: {}}]", "either path or configuration, not both"},
      {"plugins: [{name: EventRateLimit, config: {}}]", "unknown field \"config\""},
      {"more: 1", "unknown field \"more\""},
      {"plugins: [", "AdmissionConfiguration: "},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    try {
      read_admission_configuration(head + c.text, of_file);
      ADD_FAILURE() << "accepted";
    } catch (const AdmissionConfigurationError& error) {
      EXPECT_THAT(error.what(), HasSubstr(c.why));
    }
  }
  EXPECT_THROW(read_admission_configuration("kind: AdmissionConfiguration", of_file), AdmissionConfigurationError);
  EXPECT_THROW(read_admission_configuration("[]", of_file), AdmissionConfigurationError);
  EXPECT_THROW(read_admission_configuration(head + "plugins: [{name: PodNodeSelector, path: b}]", of_file), std::runtime_error);
}

TEST(AdmissionConfiguration, OfPlugins) {
  const std::string limits = R"({"apiVersion":"eventratelimit.admission.k8s.io/v1alpha1","kind":"Configuration","limits":)";
  struct Case {
    const char* plugin;
    std::string text;
    const char* why;
  };
  const Case cases[] = {
      {"EventRateLimit", "{}", "apiVersion eventratelimit.admission.k8s.io/v1alpha1 and kind Configuration are wanted"},
      {"EventRateLimit", limits + "[]}", "must not be empty"},
      {"EventRateLimit", limits + R"([{"type":"Pod","qps":1,"burst":1}]})", "type: Unsupported value: \"Pod\""},
      {"EventRateLimit", limits + R"([{"type":"User","burst":1}]})", "qps: Invalid value: 0: must be positive"},
      {"EventRateLimit", limits + R"([{"type":"User","qps":1,"burst":-1}]})", "burst: Invalid value: -1"},
      {"EventRateLimit", limits + R"([{"type":"User","qps":1,"burst":1,"cacheSize":-1}]})", "must not be negative"},
      {"EventRateLimit", limits + R"([{"type":"User","qps":1.5,"burst":1}]})", "qps is not a whole number"},
      {"PodNodeSelector", R"-({"podNodeSelectorPluginConfig":{"a":"b in (c)"}})-", "a: invalid selector: b in (c)"},
      {"PodNodeSelector", R"({"podNodeSelectorPluginConfig":{"a":1}})", "a is not a string"},
      {"PodTolerationRestriction",
       R"({"apiVersion":"podtolerationrestriction.admission.k8s.io/v1alpha1","kind":"Configuration","default":{}})",
       "default: is not a list of tolerations"},
      {"PodSecurity", R"({"kind":"PodSecurityConfiguration"})", "no kind \"PodSecurityConfiguration\" is registered"},
      {"PodSecurity",
       R"({"apiVersion":"pod-security.admission.config.k8s.io/v1","kind":"PodSecurityConfiguration","defaults":{"enforce":"x"}})",
       "defaults.enforce: Invalid value: \"x\""},
      {"ResourceQuota",
       R"({"apiVersion":"apiserver.config.k8s.io/v1","kind":"ResourceQuotaConfiguration","limitedResources":[{}]})",
       "limitedResources[0].resource: Required value"},
      {"ImagePolicyWebhook", "{}", "no config specified"},
      {"ImagePolicyWebhook", R"({"imagePolicy":{}})", "kubeConfigFile is missing"},
      {"ImagePolicyWebhook", R"({"imagePolicy":{"kubeConfigFile":"f","allowTTL":1801}})",
       "invalid allowTTL: valid value is between 1 and 1800, got 1801"},
      {"ImagePolicyWebhook", R"({"imagePolicy":{"kubeConfigFile":"f","defaultAllow":"yes"}})",
       "defaultAllow is neither true nor false"},
      {"ImagePolicyWebhook", R"({"imagePolicy":{"kubeConfigFile":"f"}})", "this server calls nobody"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    try {
      StandardWorld world(opted({c.plugin}, {{c.plugin, c.text}}));
      ADD_FAILURE() << "accepted";
    } catch (const AdmissionConfigurationError& error) {
      EXPECT_THAT(error.what(), HasSubstr(c.why));
      EXPECT_THAT(error.what(), ::testing::StartsWith(c.plugin));
    }
  }
}

}  // namespace
}  // namespace ph::apiserver::testing
