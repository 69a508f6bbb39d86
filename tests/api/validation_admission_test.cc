// Webhook configurations, admission policies and their bindings, API services.
#include "api/match_conditions.h"
#include "tests/api/validation_helpers.h"

namespace ph::api {
namespace {

using namespace test;
using namespace admissionregistration::v1;

std::string webhook(const std::string& more, const std::string& client = R"("service":{"namespace":"n","name":"s"})") {
  return R"({"metadata":{"name":"x"},"webhooks":[{"name":"a.b.c","sideEffects":"None","admissionReviewVersions":["v1"],"clientConfig":{)" +
         client + "}" + more + "}]}";
}
std::string with_rule(const std::string& resources, const std::string& operations = R"("CREATE")") {
  return webhook(R"(,"rules":[{"operations":[)" + operations + R"(],"apiGroups":["g"],"apiVersions":["v1"],"resources":[)" +
                 resources + "]}]");
}

// What the compiler of expressions says.
std::string uncompiled(const std::string& text) {
  try {
    (void)compile_match_condition(text);
  } catch (const cel::Error& error) {
    return error.what();
  }
  return "it is compiled";
}

TEST(Validation, Webhooks) {
  const Case cases[] = {
      {"fine", webhook(""), {}},
      {"nothing",
       R"({"metadata":{"name":"x"},"webhooks":[{}]})",
       {"webhooks[0].name: Required value", "webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun",
        "webhooks[0].clientConfig: Required value: exactly one of url or service is required",
        "webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1"}},
      {"two segments",
       R"({"metadata":{"name":"x"},"webhooks":[{"name":"a.b","sideEffects":"None","admissionReviewVersions":["v1"],
                           "clientConfig":{"url":"https://a"}}]})",
       {R"(webhooks[0].name: Invalid value: "a.b": should be a domain with at least three segments separated by dots)"}},
      {"not encrypted",
       webhook("", R"("url":"http://a")"),
       {R"(webhooks[0].clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path])"}},
      {"a service without a name",
       webhook("", R"("service":{"namespace":"n","path":"/a//b"})"),
       {"webhooks[0].clientConfig.service.namespace: Required value",
        R"(webhooks[0].clientConfig.service.path: Invalid value: "/a//b": segment[1] may not be empty)"}},
      {"operations beside all",
       with_rule(R"("a")", R"("*","CREATE")"),
       {R"(webhooks[0].rules[0].operations: Invalid value: ["*","CREATE"]: if '*' is present, must not specify other operations)"}},
      {"resources beside all",
       with_rule(R"("*","a")"),
       {R"(webhooks[0].rules[0].resources: Invalid value: ["*","a"]: if '*' is present, must not specify other resources without subresources)"}},
      {"a part beside all parts",
       with_rule(R"("a/*","a/b","*/c","d/c")"),
       {R"(webhooks[0].rules[0].resources[1]: Invalid value: "a/b": if 'a/*' is present, must not specify a/b)",
        R"(webhooks[0].rules[0].resources[3]: Invalid value: "d/c": if '*/c' is present, must not specify d/c)"}},
      {"conditions",
       webhook(R"(,"matchConditions":[{"name":"m","expression":"true"},{"name":"m","expression":" "}])"),
       {"webhooks[0].matchConditions[1].expression: Required value",
        R"(webhooks[0].matchConditions[1].name: Duplicate value: "m")"}},
      {"conditions that mean nothing",
       webhook(R"(,"matchConditions":[{"name":"a","expression":"object.x =="},{"name":"b","expression":"request.name == 'a'"}])"),
       {"webhooks[0].matchConditions[0].expression: Invalid value: \"object.x ==\": compilation failed: " +
        uncompiled("object.x ==")}},
      {"conditions that are none",
       webhook(R"(,"matchConditions":[{"name":"a","expression":"1"}])"),
       {R"(webhooks[0].matchConditions[0].expression: Invalid value: "1": must evaluate to bool but got int)"}},
      {"conditions that are not known here",
       webhook(R"(,"matchConditions":[{"name":"a","expression":"authorizer.path('/').allowed() == true"}])"),
       {"webhooks[0].matchConditions[0].expression: Invalid value: \"authorizer.path('/').allowed() == true\": compilation "
        "failed: " +
        uncompiled("authorizer.path('/').allowed() == true")}},
      {"slow",
       webhook(R"(,"timeoutSeconds":31)"),
       {"webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds"}},
  };
  creates<ValidatingWebhookConfiguration>(cases);
  EXPECT_EQ(problems<MutatingWebhookConfiguration>(webhook(R"(,"reinvocationPolicy":"X")")),
            Lines{R"(webhooks[0].reinvocationPolicy: Unsupported value: "X": supported values: "IfNeeded", "Never")"});
}

std::string policy(const std::string& more) {
  return R"({"metadata":{"name":"p"},"spec":{"matchConstraints":{"resourceRules":[{"operations":["CREATE"],"apiGroups":[""],
             "apiVersions":["v1"],"resources":["pods"]}]})" +
         more + "}}";
}

TEST(Validation, ValidatingAdmissionPolicy) {
  const std::string one = R"(,"validations":[{"expression":"true"}])";
  const Case cases[] = {
      {"fine", policy(one), {}},
      {"nothing",
       R"({"metadata":{"name":"p"}})",
       {"spec.matchConstraints: Required value",
        "spec.validations: Required value: validations or auditAnnotations must contain at least one item",
        "spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item"}},
      {"words",
       policy(R"(,"validations":[{"expression":" ","message":"a\nb","reason":"X"}])"),
       {"spec.validations[0].expression: Required value: expression is not specified",
        R"(spec.validations[0].message: Invalid value: "a\nb": must not contain line breaks)",
        R"(spec.validations[0].reason: Unsupported value: "X": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge")"}},
      {"variables",
       policy(one + R"(,"variables":[{"name":"a-b","expression":"1"},{"name":"in","expression":"1"},{"expression":"1"}])"),
       {R"(spec.variables[0].name: Invalid value: "a-b": must be a valid CEL identifier)",
        R"(spec.variables[1].name: Invalid value: "in": must be a valid CEL identifier)",
        "spec.variables[2].name: Required value: name is not specified"}},
      {"parameters",
       policy(one + R"(,"paramKind":{"apiVersion":"a/b/c"})"),
       {R"(spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c)",
        "spec.paramKind.kind: Required value"}},
      {"annotations",
       policy(R"(,"auditAnnotations":[{"key":"k","valueExpression":"'v'"},{"key":"k"}])"),
       {"spec.auditAnnotations[1].valueExpression: Required value: valueExpression is not specified",
        R"(spec.auditAnnotations[1].key: Duplicate value: "k")"}},
  };
  creates<ValidatingAdmissionPolicy>(cases);
}

TEST(Validation, MutatingAdmissionPolicy) {
  const std::string never = R"(,"reinvocationPolicy":"Never")";
  const Case cases[] = {
      {"fine", policy(never + R"(,"mutations":[{"patchType":"JSONPatch","jsonPatch":{"expression":"[]"}}])"), {}},
      {"nothing",
       policy(""),
       {"spec.mutations: Required value: mutations must contain at least one item", "spec.reinvocationPolicy: Required value"}},
      {"another form",
       policy(never + R"(,"mutations":[{"patchType":"JSONPatch","applyConfiguration":{}},{}])"),
       {"spec.mutations[0].jsonPatch: Required value: must be specified when patchType is JSONPatch",
        R"(spec.mutations[0].applyConfiguration: Invalid value: "{applyConfiguration}": must not be specified when patchType is JSONPatch)",
        "spec.mutations[1].patchType: Required value"}},
  };
  creates<MutatingAdmissionPolicy>(cases);
}

TEST(Validation, PolicyBindings) {
  const auto binding = [](const std::string& spec) { return R"({"metadata":{"name":"b"},"spec":{)" + spec + "}}"; };
  const Case cases[] = {
      {"fine", binding(R"("policyName":"p","validationActions":["Deny"])"), {}},
      {"nothing",
       binding(""),
       {"spec.policyName: Required value", "spec.validationActions: Required value: at least one validation action is required"}},
      {"actions",
       binding(R"("policyName":"p","validationActions":["Deny","X","Deny"])"),
       {R"(spec.validationActions[1]: Unsupported value: "X": supported values: "Audit", "Deny", "Warn")",
        R"(spec.validationActions[2]: Duplicate value: "Deny")"}},
      {"parameters",
       binding(R"("policyName":"p","validationActions":["Deny"],"paramRef":{"name":"n","selector":{}})"),
       {"spec.paramRef.name: Forbidden: name and selector are mutually exclusive",
        "spec.paramRef.selector: Forbidden: name and selector are mutually exclusive",
        "spec.paramRef.parameterNotFoundAction: Required value"}},
  };
  creates<ValidatingAdmissionPolicyBinding>(cases);
  EXPECT_EQ(
      problems<MutatingAdmissionPolicyBinding>(
          binding(R"("policyName":"p","matchResources":{"resourceRules":[{"operations":["DELETE"],
                "apiGroups":[""],"apiVersions":["v1"],"resources":["pods"]}]})")),
      Lines{
          R"(spec.matchResources.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE")"});
}

TEST(Validation, APIService) {
  const auto service = [](const std::string& name, const std::string& more) {
    return R"({"metadata":{"name":")" + name +
           R"("},"spec":{"group":"a.io","version":"v1","groupPriorityMinimum":100,"versionPriority":10)" + more + "}}";
  };
  const Case cases[] = {
      {"local", service("v1.a.io", ""), {}},
      {"remote", service("v1.a.io", R"(,"service":{"namespace":"n","name":"s"},"insecureSkipTLSVerify":true)"), {}},
      {"another's name",
       service("v1.b.io", ""),
       {R"(metadata.name: Invalid value: "v1.b.io": must be `spec.version+"."+spec.group`: "v1.a.io")"}},
      {"local and insecure",
       service("v1.a.io", R"(,"insecureSkipTLSVerify":true)"),
       {"spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify"}},
      {"certain and insecure",
       service("v1.a.io", R"(,"service":{"namespace":"n"},"insecureSkipTLSVerify":true,"caBundle":"Cg==")"),
       {"spec.service.name: Required value",
        "spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present"}},
  };
  creates<apiregistration::v1::APIService>(cases);
}

}  // namespace
}  // namespace ph::api
