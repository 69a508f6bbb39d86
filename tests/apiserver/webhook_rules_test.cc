// What is decided about webhooks without asking anybody: rules, conditions, addresses, what an answer says, what a patch makes.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/encoded.h"
#include "apiserver/admission/webhook/addresses.h"
#include "apiserver/admission/webhook/conditions.h"
#include "apiserver/admission/webhook/match.h"
#include "apiserver/admission/webhook/outcome.h"
#include "apiserver/admission/webhook/review.h"

namespace ph::apiserver::webhook {
namespace {

using admissionregistration::v1::MatchCondition;
using admissionregistration::v1::RuleWithOperations;
using nlohmann::json;

template <class T>
T from(const json& document) {
  T out;
  api::from_json(document, out);
  return out;
}

RuleWithOperations rule(std::vector<std::string> operations, std::vector<std::string> groups, std::vector<std::string> versions,
                        std::vector<std::string> resources, const char* scope = "*") {
  return from<RuleWithOperations>(
      {{"operations", operations}, {"apiGroups", groups}, {"apiVersions", versions}, {"resources", resources}, {"scope", scope}});
}

TEST(WebhookRules, Match) {
  const Target pod{"", "v1", "pods", "", "default", "CREATE"}, log{"", "v1", "pods", "log", "default", "CREATE"};
  const Target node{"", "v1", "nodes", "", "", "UPDATE"}, space{"", "v1", "namespaces", "", "new", "CREATE"};
  const Target deployment{"apps", "v1", "deployments", "", "default", "DELETE"};
  struct Case {
    const char* name;
    RuleWithOperations rule;
    Target target;
    bool matches;
  };
  const Case kCases[] = {
      {"exactly", rule({"CREATE"}, {""}, {"v1"}, {"pods"}), pod, true},
      {"another operation", rule({"UPDATE", "DELETE"}, {""}, {"v1"}, {"pods"}), pod, false},
      {"every operation", rule({"*"}, {""}, {"v1"}, {"pods"}), pod, true},
      {"another group", rule({"*"}, {"apps"}, {"v1"}, {"pods"}), pod, false},
      {"every group", rule({"*"}, {"*"}, {"v1"}, {"deployments"}), deployment, true},
      {"another version", rule({"*"}, {"apps"}, {"v1beta1"}, {"deployments"}), deployment, false},
      {"every version", rule({"*"}, {"apps"}, {"*"}, {"deployments"}), deployment, true},
      {"a part is not the whole", rule({"*"}, {""}, {"v1"}, {"pods"}), log, false},
      {"the whole is not a part", rule({"*"}, {""}, {"v1"}, {"pods/log"}), pod, false},
      {"a part", rule({"*"}, {""}, {"v1"}, {"pods/log"}), log, true},
      {"all parts of one", rule({"*"}, {""}, {"v1"}, {"pods/*"}), log, true},
      {"all parts of one, itself among them", rule({"*"}, {""}, {"v1"}, {"pods/*"}), pod, true},
      {"one part of all", rule({"*"}, {""}, {"v1"}, {"*/log"}), log, true},
      {"one part of all, not the whole", rule({"*"}, {""}, {"v1"}, {"*/log"}), pod, false},
      {"all resources, no parts", rule({"*"}, {""}, {"v1"}, {"*"}), log, false},
      {"all resources", rule({"*"}, {""}, {"v1"}, {"*"}), pod, true},
      {"everything", rule({"*"}, {"*"}, {"*"}, {"*/*"}), log, true},
      {"second of several", rule({"DELETE", "CREATE"}, {"apps", ""}, {"v2", "v1"}, {"nodes", "pods"}), pod, true},
      {"in namespaces", rule({"*"}, {""}, {"v1"}, {"*"}, "Namespaced"), pod, true},
      {"in namespaces, of a cluster's object", rule({"*"}, {""}, {"v1"}, {"*"}, "Namespaced"), node, false},
      {"of the cluster", rule({"*"}, {""}, {"v1"}, {"*"}, "Cluster"), node, true},
      {"of the cluster, in a namespace", rule({"*"}, {""}, {"v1"}, {"*"}, "Cluster"), pod, false},
      {"a namespace is the cluster's", rule({"*"}, {""}, {"v1"}, {"*"}, "Cluster"), space, true},
      {"a namespace is in none", rule({"*"}, {""}, {"v1"}, {"*"}, "Namespaced"), space, false},
  };
  for (const Case& c : kCases) EXPECT_EQ(matches(c.rule, c.target), c.matches) << c.name;
}

TEST(WebhookRules, NobodyIsAskedAboutConfigurations) {
  EXPECT_TRUE(is_exempt({"admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration"}));
  EXPECT_TRUE(is_exempt({"admissionregistration.k8s.io", "v1", "MutatingAdmissionPolicyBinding"}));
  EXPECT_FALSE(is_exempt({"", "v1", "Pod"}));
  EXPECT_FALSE(is_exempt({"example.com", "v1", "ValidatingWebhookConfiguration"}));
}

TEST(WebhookRules, Conditions) {
  const json object = {{"metadata", {{"name", "a"}, {"labels", {{"team", "blue"}}}}}, {"spec", {{"replicas", 3}}}};
  const api::cel::Variables variables{{"object", value_of(object)},
                                      {"oldObject", value_of(nullptr)},
                                      {"request", value_of(json{{"operation", "CREATE"}, {"dryRun", false}})}};
  struct Case {
    std::vector<std::string> expressions;
    bool holds;
    const char* error;
  };
  const Case kCases[] = {
      {{"object.metadata.name == 'a'"}, true, ""},
      {{"object.spec.replicas > 2", "request.operation in ['CREATE', 'UPDATE']"}, true, ""},
      {{"true", "object.metadata.labels.team == 'red'"}, false, ""},
      {{"oldObject == null && !request.dryRun"}, true, ""},
      {{"has(object.metadata.annotations)"}, false, ""},
      {{"object.metadata.annotations.x == 'y'"}, false, "expression 'object.metadata.annotations.x == 'y'' resulted in error: "},
      {{"object.status.x == 1", "false"}, false, ""},  // one that is false decides
      {{"object.metadata.name"},
       false,
       "expression 'object.metadata.name' resulted in error: must evaluate to bool but got string"},
      {{"authorizer.allowed()"}, false, "expression 'authorizer.allowed()' resulted in error: "},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.expressions.back());
    google::protobuf::RepeatedPtrField<MatchCondition> conditions;
    for (const std::string& text : c.expressions) conditions.Add()->set_expression(text);
    const Judgement judgement = judge(compile(conditions), variables);
    EXPECT_EQ(judgement.holds, c.holds);
    if (*c.error == '\0') EXPECT_EQ(judgement.error, "");
    else EXPECT_TRUE(judgement.error.starts_with(c.error)) << judgement.error;
  }
}

core::v1::Service service(const char* type, const char* address) {
  return from<core::v1::Service>({{"metadata", {{"name", "hook"}}},
                                  {"spec",
                                   {{"type", type},
                                    {"clusterIP", address},
                                    {"externalName", "elsewhere.example.com"},
                                    {"ports", {{{"name", "web"}, {"port", 443}}, {{"name", "other"}, {"port", 8443}}}}}}});
}

std::string outcome(const std::function<std::string()>& of) {
  try {
    return of();
  } catch (const NoAddress& error) {
    return std::string("! ") + error.what();
  }
}

TEST(WebhookRules, ServicesAtTheirOwnAddress) {
  EXPECT_EQ(cluster_address(service("ClusterIP", "10.0.0.7"), 443), "10.0.0.7:443");
  EXPECT_EQ(cluster_address(service("LoadBalancer", "10.0.0.7"), 8443), "10.0.0.7:8443");
  EXPECT_EQ(cluster_address(service("ClusterIP", "fd00::7"), 443), "[fd00::7]:443");
  EXPECT_EQ(cluster_address(service("ExternalName", ""), 444), "elsewhere.example.com:444");
  EXPECT_EQ(outcome([] { return cluster_address(service("ClusterIP", "None"), 443); }),
            "! cannot route to service with ClusterIP \"None\"");
  EXPECT_EQ(outcome([] { return cluster_address(service("ClusterIP", "10.0.0.7"), 1); }),
            "! no service port 1 found for service \"hook\"");
}

TEST(WebhookRules, ServicesAtTheirEndpoints) {
  Slices slices;
  slices.push_back(std::make_unique<discovery::v1::EndpointSlice>(
      from<discovery::v1::EndpointSlice>({{"endpoints",
                                           {{{"addresses", {"10.1.0.1"}}, {"conditions", {{"ready", false}}}},
                                            {{"addresses", {"10.1.0.2"}}, {"conditions", {{"ready", true}}}},
                                            {{"addresses", {"10.1.0.3"}}}}},
                                          {"ports", {{{"name", "web"}, {"port", 9443}}}}})));
  const auto first = [](std::size_t) { return std::size_t{0}; };
  const auto last = [](std::size_t count) { return count - 1; };
  EXPECT_EQ(endpoint_address(service("ClusterIP", "10.0.0.7"), 443, slices, first), "10.1.0.2:9443");
  EXPECT_EQ(endpoint_address(service("ClusterIP", "None"), 443, slices, last), "10.1.0.3:9443");
  EXPECT_EQ(outcome([&] { return endpoint_address(service("ClusterIP", "10.0.0.7"), 8443, slices, first); }),
            "! no endpoints available for service \"hook\"");
  EXPECT_EQ(outcome([&] { return endpoint_address(service("ExternalName", ""), 443, slices, first); }),
            "! unsupported service type \"ExternalName\"");
}

TEST(WebhookRules, Places) {
  const auto place = [](const json& client) {
    const Place found = place_of(from<admissionregistration::v1::WebhookClientConfig>(client));
    return found.host + " " + found.path;
  };
  EXPECT_EQ(place({{"url", "https://hook.example.com"}}), "hook.example.com /");
  EXPECT_EQ(place({{"url", "https://hook.example.com:8443/a//b/"}}), "hook.example.com:8443 /a/b");
  EXPECT_EQ(place({{"service", {{"name", "s"}, {"namespace", "n"}}}}), "s.n.svc:443 /");
  EXPECT_EQ(place({{"service", {{"name", "s"}, {"namespace", "n"}, {"port", 99}, {"path", "/x"}}}}), "s.n.svc:99 /x");
}

std::string read(const json& review, bool mutating = true, const char* version = "v1") {
  try {
    const Verdict verdict = read_review(review.is_string() ? review.get<std::string>() : review.dump(), version, "u", mutating);
    return verdict.allowed ? "yes " + verdict.patch : "no";
  } catch (const BadAnswer& error) {
    return error.what();
  }
}

TEST(WebhookRules, Answers) {
  const auto review = [](const json& response, const char* version = "admission.k8s.io/v1",
                         const char* kind = "AdmissionReview") {
    return json{{"kind", kind}, {"apiVersion", version}, {"response", response}};
  };
  const json yes = {{"uid", "u"}, {"allowed", true}};
  const auto with = [&](const json& more) {
    json out = yes;
    out.update(more);
    return out;
  };
  constexpr const char* kBad = "received invalid webhook response: ";
  EXPECT_EQ(read(review(yes)), "yes ");
  EXPECT_EQ(read(review({{"uid", "u"}})), "no") << "who does not say yes says no";
  EXPECT_EQ(read(review({{"uid", "v"}, {"allowed", true}})), std::string(kBad) + R"(expected response.uid="u", got "v")");
  EXPECT_EQ(read(review({{"allowed", true}})), std::string(kBad) + R"(expected response.uid="u", got "")");
  EXPECT_EQ(read(review(nullptr)), std::string(kBad) + "webhook response was absent");
  EXPECT_EQ(read(json{{"response", yes}}),
            std::string(kBad) + "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got /, Kind=");
  EXPECT_EQ(read(review(yes, "admission.k8s.io/v1beta1")),
            "failed to call webhook: converting (v1beta1.AdmissionReview) to (v1.AdmissionReview): unknown conversion");
  EXPECT_EQ(read(review(yes, "v1", "Pod")), "failed to call webhook: no kind \"Pod\" is registered for version \"v1\"");
  EXPECT_EQ(read(review(with({{"patch", "W10="}, {"patchType", "JSONPatch"}}))), "yes []");
  EXPECT_EQ(read(review(with({{"patch", "W10="}}))),
            std::string(kBad) + "webhook returned response.patch but not response.patchType");
  EXPECT_EQ(read(review(with({{"patchType", "JSONPatch"}}))),
            std::string(kBad) + "webhook returned response.patchType but not response.patch");
  EXPECT_EQ(read(review(with({{"patch", "W10="}, {"patchType", "Merge"}}))), "unsupported patch type \"Merge\"");
  EXPECT_EQ(read(review(with({{"patch", "W10="}, {"patchType", "JSONPatch"}})), false),
            std::string(kBad) + "validating webhook may not return response.patch");
  EXPECT_EQ(read(review(with({{"patchType", "JSONPatch"}})), false),
            std::string(kBad) + "validating webhook may not return response.patchType");
  EXPECT_EQ(
      read(review(with({{"allowed", "yes"}}))),
      "failed to call webhook: json: cannot unmarshal string into Go struct field AdmissionReview.response.allowed of type bool");
  EXPECT_TRUE(read(json("<html>"))
                  .starts_with("failed to call webhook: couldn't get version/kind; json parse error: invalid character '<'"));
  EXPECT_TRUE(read(json("[]")).starts_with("failed to call webhook: couldn't get version/kind; json parse error: "));
  EXPECT_TRUE(read(json(std::string(5000, '['))).starts_with("failed to call webhook: couldn't get version/kind")) << "too deep";
  EXPECT_TRUE(read(review(with({{"patch", "?"}, {"patchType", "JSONPatch"}}))).starts_with("failed to call webhook: "));
  // v1beta1 neither echoes the UID nor says what its patch is.
  EXPECT_EQ(read(review({{"allowed", true}, {"patch", "W10="}}, "admission.k8s.io/v1beta1"), true, "v1beta1"), "yes []");
}

TEST(WebhookRules, Refusals) {
  struct Case {
    json status;
    int code;
    const char* message;
  };
  const Case kCases[] = {
      {nullptr, 400, "admission webhook \"h\" denied the request without explanation"},
      {{{"message", "no"}}, 400, "admission webhook \"h\" denied the request: no"},
      {{{"reason", "Because"}}, 400, "admission webhook \"h\" denied the request: Because"},
      {{{"code", 403}, {"message", "no"}, {"reason", "Forbidden"}}, 403, "admission webhook \"h\" denied the request: no"},
      {{{"code", 200}, {"status", "Success"}, {"message", "fine"}}, 400, "admission webhook \"h\" denied the request: fine"},
  };
  for (const Case& c : kCases) {
    const api::ApiError error = denied("h", c.status.is_null() ? std::nullopt : std::optional(from<meta::v1::Status>(c.status)));
    EXPECT_EQ(error.code(), c.code);
    EXPECT_EQ(error.status().message(), c.message);
    EXPECT_EQ(error.status().status(), "Failure");
  }
}

TEST(WebhookRules, Patches) {
  const api::Schema& schema = api::schema_of<core::v1::ConfigMap>();
  const json map = {{"kind", "ConfigMap"}, {"apiVersion", "v1"}, {"metadata", {{"name", "a"}}}, {"data", {{"k", "v"}}}};
  const json document = api::to_json(api::object_of_document(schema, map));
  const auto after = [&](const std::string& patch) -> std::string {
    try {
      const Patched result = patched("h", schema, document, patch);
      if (!result.object) return "nothing";
      return (result.changed ? "changed " : "same ") + result.object.as<core::v1::ConfigMap>().data().at("k");
    } catch (const api::ApiError& error) {
      return std::to_string(error.code()) + " " + error.what();
    }
  };
  EXPECT_EQ(after(R"([{"op":"replace","path":"/data/k","value":"w"}])"), "changed w");
  EXPECT_EQ(after(R"([{"op":"replace","path":"/data/k","value":"v"}])"), "same v");
  EXPECT_EQ(after("[]"), "nothing");
  for (const char* broken :
       {"{", "{}", R"([{"op":"fly"}])", R"([{"op":"remove","path":"/data/none"}])",
        R"([{"op":"replace","path":"/data","value":7}])", R"([{"op":"replace","path":"/kind","value":"Secret"}])",
        R"([{"op":"test","path":"/data/k","value":"x"}])"}) {
    EXPECT_TRUE(after(broken).starts_with("500 Internal error occurred: ")) << broken << ": " << after(broken);
  }
  EXPECT_THROW(patched("h", schema, nullptr, R"([{"op":"add","path":"/a","value":1}])"), api::ApiError);
}

}  // namespace
}  // namespace ph::apiserver::webhook
