// Flow schemas and priority levels.
#include "tests/api/validation_helpers.h"

#include "api/flows.h"

namespace ph::api {
namespace {

using namespace test;
using namespace flowcontrol::v1;

template <class T>
void expect_fine(const std::vector<T>& objects) {
  for (const T& object : objects) {
    SCOPED_TRACE(object.metadata().name());
    EXPECT_EQ(problems<T>(encode_json(object)), Lines());
    const T read = parse<T>(encode_json(object));
    EXPECT_EQ(encode_json(read), encode_json(object)) << "defaults add to it";
  }
}

TEST(Flows, OfAFreshCluster) {
  EXPECT_EQ(mandatory_flow_schemas().size() + suggested_flow_schemas().size(), 11u);
  EXPECT_EQ(mandatory_priority_levels().size() + suggested_priority_levels().size(), 8u);
  expect_fine(mandatory_flow_schemas());
  expect_fine(suggested_flow_schemas());
  expect_fine(mandatory_priority_levels());
  expect_fine(suggested_priority_levels());
}

std::string schema(const std::string& rule, const std::string& name = "x") {
  return R"({"metadata":{"name":")" + name + R"("},"spec":{"priorityLevelConfiguration":{"name":"l"},"rules":[{)" + rule + "}]}}";
}
const std::string kUser = R"("subjects":[{"kind":"User","user":{"name":"u"}}])";
std::string resources(const std::string& members) { return schema(kUser + R"(,"resourceRules":[{)" + members + "}]"); }
std::string urls(const std::string& list) {
  return schema(kUser + R"(,"nonResourceRules":[{"verbs":["get"],"nonResourceURLs":[)" + list + "]}]");
}

TEST(Validation, FlowSchema) {
  const Case cases[] = {
      {"fine", urls(R"("/x/*","/")"), {}},
      {"everything", urls(R"("*")"), {}},
      {"no level",
       R"({"metadata":{"name":"x"},"spec":{}})",
       {"spec.priorityLevelConfiguration.name: Required value: must reference a priority level"}},
      {"empty rule",
       schema(""),
       {"spec.rules[0].subjects: Required value: subjects must contain at least one value",
        "spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty"}},
      {"empty resource rule",
       resources(""),
       {"spec.rules[0].resourceRules[0].verbs: Required value: verbs must contain at least one value",
        "spec.rules[0].resourceRules[0].apiGroups: Required value: resource rules must supply at least one api group",
        "spec.rules[0].resourceRules[0].resources: Required value: resource rules must supply at least one resource",
        "spec.rules[0].resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at "
        "least one namespace"}},
      {"more than all",
       resources(R"("verbs":["*","get"],"apiGroups":[""],"resources":["a"],"clusterScope":true)"),
       {R"(spec.rules[0].resourceRules[0].verbs: Invalid value: ["*","get"]: if '*' is present, must not specify other verbs)"}},
      {"wildcard",
       urls(R"("/x*","//","a")"),
       {R"(spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "/x*": wildcard can only do suffix matching)",
        R"(spec.rules[0].nonResourceRules[0].nonResourceURLs[1]: Invalid value: "//": must not contain double slash)",
        R"(spec.rules[0].nonResourceRules[0].nonResourceURLs[2]: Invalid value: "a": must start with slash)"}},
      {"subjects",
       schema(
           R"("subjects":[{"kind":"X"},{"kind":"Group","user":{"name":"u"}}],"nonResourceRules":[{"verbs":["*"],"nonResourceURLs":["*"]}])"),
       {R"(spec.rules[0].subjects[0].kind: Unsupported value: "X": supported values: "Group", "ServiceAccount", "User")",
        "spec.rules[0].subjects[1].user: Forbidden: user is forbidden when subject kind is not 'User'",
        "spec.rules[0].subjects[1].group: Required value: group is required when subject kind is 'Group'"}},
  };
  creates<FlowSchema>(cases);
  const Lines fixed =
      problems<FlowSchema>(schema(kUser + R"(,"nonResourceRules":[{"verbs":["*"],"nonResourceURLs":["*"]}])", "exempt"));
  ASSERT_EQ(fixed.size(), 1u);
  EXPECT_TRUE(fixed[0].ends_with("spec of 'exempt' must equal the fixed value")) << fixed[0];
}

TEST(Validation, PriorityLevelConfiguration) {
  const auto level = [](const std::string& spec) { return R"({"metadata":{"name":"x"},"spec":{)" + spec + "}}"; };
  const auto queuing = [&](const std::string& members) {
    return level(R"("type":"Limited","limited":{"limitResponse":{"type":"Queue","queuing":{)" + members + "}}}");
  };
  const Case cases[] = {
      {"fine", queuing(""), {}},
      {"no type", level(""), {R"(spec.type: Unsupported value: "": supported values: "Exempt", "Limited")"}},
      {"exempt",
       level(R"("type":"Exempt","limited":{"limitResponse":{"type":"Reject"}})"),
       {R"(spec.type: Invalid value: "Exempt": must be 'Exempt' if and only if `name` is 'exempt')",
        "spec.limited: Forbidden: must be nil if the type is not Limited"}},
      {"queues for nobody",
       level(R"("type":"Limited","limited":{"limitResponse":{"type":"Reject","queuing":{}}})"),
       {"spec.limited.limitResponse.queuing: Forbidden: must be nil if limited.limitResponse.type is not Limited"}},
      {"a large hand",
       queuing(R"("queues":16,"handSize":17)"),
       {"spec.limited.limitResponse.queuing.handSize: Invalid value: 17: should not be greater than queues (16)"}},
      {"a large deck",
       queuing(R"("queues":1000000,"handSize":20)"),
       {"spec.limited.limitResponse.queuing.handSize: Invalid value: 20: required entropy bits of deckSize 1000000 and handSize "
        "20 should not "
        "be greater than 60"}},
      {"numbers",
       level(R"("type":"Limited","limited":{"limitResponse":{"type":"Reject"},"nominalConcurrencyShares":-1,"lendablePercent":101,
                           "borrowingLimitPercent":-1})"),
       {"spec.limited.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer",
        "spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive",
        "spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a non-negative integer"}},
  };
  creates<PriorityLevelConfiguration>(cases);
}

}  // namespace
}  // namespace ph::api
