#include <gtest/gtest.h>

#include "apiserver/authz/rules.h"
#include "tests/apiserver/policy_rules.h"

namespace ph::apiserver {
namespace {

using rbac::v1::PolicyRule;

RequestInfo on(std::string verb, std::string group, std::string resource, std::string sub = {}, std::string name = {}) {
  return {true, verb, group, "v1", resource, sub, "default", name, {}};
}

RequestInfo at(std::string verb, std::string path) { return {false, verb, {}, {}, {}, {}, {}, {}, path}; }

struct Case {
  const char* name;
  PolicyRule rule;
  RequestInfo request;
  bool allowed;
};

const Case kCases[] = {
    {"the named verb and resource", rule({"get"}, {""}, {"pods"}), on("get", "", "pods"), true},
    {"another verb", rule({"get"}, {""}, {"pods"}), on("list", "", "pods"), false},
    {"any verb", rule({"*"}, {""}, {"pods"}), on("deletecollection", "", "pods"), true},
    {"another group", rule({"get"}, {""}, {"deployments"}), on("get", "apps", "deployments"), false},
    {"any group", rule({"get"}, {"*"}, {"deployments"}), on("get", "apps", "deployments"), true},
    {"a resource does not give its sub-resources", rule({"get"}, {""}, {"pods"}), on("get", "", "pods", "log"), false},
    {"the sub-resource by name", rule({"get"}, {""}, {"pods/log"}), on("get", "", "pods", "log"), true},
    {"a sub-resource does not give its resource", rule({"get"}, {""}, {"pods/log"}), on("get", "", "pods"), false},
    {"a sub-resource of every resource", rule({"update"}, {"*"}, {"*/scale"}), on("update", "apps", "deployments", "scale"),
     true},
    {"another sub-resource of every resource", rule({"update"}, {"*"}, {"*/scale"}),
     on("update", "apps", "deployments", "status"), false},
    {"every resource gives sub-resources", rule({"get"}, {""}, {"*"}), on("get", "", "pods", "log"), true},
    {"resource/* is not a wildcard", rule({"get"}, {""}, {"pods/*"}), on("get", "", "pods", "log"), false},
    {"the named object", rule({"get"}, {""}, {"pods"}, {"a"}), on("get", "", "pods", "", "a"), true},
    {"another object", rule({"get"}, {""}, {"pods"}, {"a"}), on("get", "", "pods", "", "b"), false},
    {"no name where names are demanded", rule({"list"}, {""}, {"pods"}, {"a"}), on("list", "", "pods"), false},
    {"a path", paths({"get"}, {"/healthz"}), at("get", "/healthz"), true},
    {"below a path", paths({"get"}, {"/healthz"}), at("get", "/healthz/ping"), false},
    {"a path with a final star", paths({"get"}, {"/healthz/*"}), at("get", "/healthz/ping"), true},
    {"a star within is a letter", paths({"get"}, {"/*/ping"}), at("get", "/healthz/ping"), false},
    {"stars at the end", paths({"get"}, {"/healthz/**"}), at("get", "/healthz/ping"), true},
    {"any path", paths({"*"}, {"*"}), at("post", "/x"), true},
    {"resource rules give no paths", rule({"*"}, {"*"}, {"*"}), at("get", "/healthz"), false},
    {"path rules give no resources", paths({"*"}, {"*"}), on("get", "", "pods"), false},
};

TEST(RbacRules, Allow) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(rule_allows(c.rule, c.request), c.allowed);
  }
}

}  // namespace
}  // namespace ph::apiserver
