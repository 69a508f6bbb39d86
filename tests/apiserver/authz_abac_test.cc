// Policies of a file: how lines are read, and whom they let do what.
#include <gtest/gtest.h>

#include "apiserver/authz/abac.h"
#include "apiserver/authz/rules.h"

namespace ph::apiserver {
namespace {

constexpr auto Allow = Decision::Kind::Allow;

RequestInfo of_resource(const char* verb, const char* group, const char* resource, const char* namespace_name) {
  RequestInfo out;
  out.is_resource = true;
  out.verb = verb, out.group = group, out.resource = resource, out.namespace_name = namespace_name;
  return out;
}
RequestInfo of_path(const char* verb, const char* path) {
  RequestInfo out;
  out.verb = verb, out.path = path;
  return out;
}

// A line of v1beta1 with this spec.
std::string v1beta1(const std::string& spec) {
  return R"({"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":)" + spec + "}";
}

AbacAuthorizer authorizer(const std::string& text) {
  auto policies = AbacPolicies::parse(text, "file");
  EXPECT_TRUE(policies.has_value()) << policies.error();
  return AbacAuthorizer(std::move(*policies));
}

TEST(Abac, WhatALineGrants) {
  const Identity joe{.name = "joe", .groups = {"dev", "system:authenticated"}};
  const Identity nobody{.name = "system:anonymous", .groups = {"system:unauthenticated"}};
  const RequestInfo pods = of_resource("get", "", "pods", "a"), write = of_resource("create", "", "pods", "a");
  const RequestInfo deployments = of_resource("get", "apps", "deployments", "a"), nodes = of_resource("list", "", "nodes", "");
  const RequestInfo health = of_path("get", "/healthz"), below = of_path("get", "/healthz/etcd");
  struct Case {
    const char* name;
    std::string line;
    const Identity& who;
    const RequestInfo& what;
    bool allowed;
  };
  const std::string everything = R"("apiGroup":"*","resource":"*","namespace":"*")";
  const Case cases[] = {
      {"nobody in particular", v1beta1("{" + everything + "}"), joe, pods, false},
      {"no spec", R"({"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy"})", joe, pods, false},
      {"a user", v1beta1(R"({"user":"joe",)" + everything + "}"), joe, pods, true},
      {"another user", v1beta1(R"({"user":"jane",)" + everything + "}"), joe, pods, false},
      {"a group", v1beta1(R"({"group":"dev",)" + everything + "}"), joe, pods, true},
      {"another group", v1beta1(R"({"group":"ops",)" + everything + "}"), joe, pods, false},
      {"a user in a group", v1beta1(R"({"user":"joe","group":"dev",)" + everything + "}"), joe, pods, true},
      {"a user in another group", v1beta1(R"({"user":"joe","group":"ops",)" + everything + "}"), joe, pods, false},
      {"any user", v1beta1(R"({"user":"*",)" + everything + "}"), joe, pods, true},
      {"any user is somebody", v1beta1(R"({"user":"*",)" + everything + "}"), nobody, pods, false},
      {"any group is somebody's", v1beta1(R"({"group":"*",)" + everything + "}"), nobody, pods, false},
      {"those who are nobody", v1beta1(R"({"group":"system:unauthenticated",)" + everything + "}"), nobody, pods, true},
      {"reading", v1beta1(R"({"user":"joe","readonly":true,)" + everything + "}"), joe, pods, true},
      {"writing where it is for reading", v1beta1(R"({"user":"joe","readonly":true,)" + everything + "}"), joe, write, false},
      {"writing", v1beta1(R"({"user":"joe",)" + everything + "}"), joe, write, true},
      {"a resource", v1beta1(R"({"user":"joe","resource":"pods","namespace":"a"})"), joe, pods, true},
      {"another resource", v1beta1(R"({"user":"joe","resource":"secrets","namespace":"a"})"), joe, pods, false},
      {"another namespace", v1beta1(R"({"user":"joe","resource":"pods","namespace":"b"})"), joe, pods, false},
      {"no namespace is none", v1beta1(R"({"user":"joe","resource":"pods"})"), joe, pods, false},
      {"what is in none", v1beta1(R"({"user":"joe","resource":"nodes"})"), joe, nodes, true},
      {"a group of the API", v1beta1(R"({"user":"joe","apiGroup":"apps","resource":"*","namespace":"*"})"), joe, deployments,
       true},
      {"the core is a group", v1beta1(R"({"user":"joe","resource":"*","namespace":"*"})"), joe, deployments, false},
      {"resources are no paths", v1beta1(R"({"user":"joe",)" + everything + "}"), joe, health, false},
      {"paths are no resources", v1beta1(R"({"user":"joe","nonResourcePath":"*"})"), joe, pods, false},
      {"all paths", v1beta1(R"({"user":"joe","nonResourcePath":"*"})"), joe, health, true},
      {"a path", v1beta1(R"({"user":"joe","nonResourcePath":"/healthz"})"), joe, health, true},
      {"a path is not what is below", v1beta1(R"({"user":"joe","nonResourcePath":"/healthz"})"), joe, below, false},
      {"what begins with it", v1beta1(R"({"user":"joe","nonResourcePath":"/healthz/*"})"), joe, below, true},
      {"unversioned: a user may do all", R"({"user":"joe"})", joe, write, true},
      {"unversioned: in all groups of the API", R"({"user":"joe"})", joe, deployments, true},
      {"unversioned: paths, too", R"({"user":"joe"})", joe, health, true},
      {"unversioned: a resource is no path", R"({"user":"joe","resource":"pods"})", joe, health, false},
      {"unversioned: a resource anywhere", R"({"user":"joe","resource":"pods"})", joe, pods, true},
      {"unversioned: nobody in particular is everybody", R"({"resource":"pods"})", joe, pods, true},
      {"unversioned: who is somebody", R"({"resource":"pods"})", nobody, pods, false},
      {"unversioned: a path says nothing", R"({"user":"joe","resource":"x","nonResourcePath":"*"})", joe, health, false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Decision decision = *authorizer(c.line).authorize_here({c.who, c.what});
    EXPECT_EQ(decision.kind == Allow, c.allowed);
    if (!c.allowed) EXPECT_EQ(decision.reason, "No policy matched.");
  }
}

TEST(Abac, HowLinesAreRead) {
  const std::string good = v1beta1(R"({"user":"joe"})");
  struct Case {
    const char* name;
    std::string text;
    std::size_t policies, unversioned;
    const char* problem = nullptr;  // how it begins
  };
  const Case cases[] = {
      {"nothing", "", 0, 0},
      {"blank lines and comments", "\n  \n# a comment\n\t# another\n" + good + "\n", 1, 0},
      {"lines that end as on Windows", good + "\r\n" + good + "\r\n", 2, 0},
      {"no end of the last line", good + "\n" + good, 2, 0},
      {"both sorts", good + "\n{\"user\":\"jane\"}\n", 2, 1},
      {"no JSON", good + "\n{\n", 0, 0, "error reading policy file file, line 2: {: "},
      {"another version", R"({"apiVersion":"abac.authorization.kubernetes.io/v2","kind":"Policy"})", 0, 0,
       "error reading policy file file, line 1: {"},
      {"another kind", R"({"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Pod"})", 0, 0,
       "error reading policy file file, line 1: {"},
      {"a user that is a number", R"({"user":1})", 0, 0, "error reading policy file file, line 1: {\"user\":1}: "},
      {"a list", "[]", 0, 0, "error reading policy file file, line 1: []: "},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto read = AbacPolicies::parse(c.text, "file");
    ASSERT_EQ(read.has_value(), c.problem == nullptr);
    if (c.problem) {
      EXPECT_TRUE(read.error().starts_with(c.problem)) << read.error();
      continue;
    }
    EXPECT_EQ(read->policies.size(), c.policies);
    EXPECT_EQ(read->unversioned_lines, c.unversioned);
  }
}

TEST(Abac, RulesAsTheyAreListed) {
  AbacAuthorizer abac = authorizer(v1beta1(R"({"user":"joe","readonly":true,"resource":"pods","namespace":"a"})") + "\n" +
                                   v1beta1(R"({"user":"joe","resource":"pods","namespace":"b"})") + "\n" +
                                   v1beta1(R"({"user":"joe","namespace":"*","nonResourcePath":"/version"})"));
  RulesOfUser found;
  abac.add_rules({.name = "joe"}, "a", found);
  ASSERT_EQ(found.rules.size(), 2u);
  EXPECT_EQ(found.rules[0].verbs_size(), 3);
  EXPECT_EQ(found.rules[0].resources(0), "pods");
  EXPECT_EQ(found.rules[1].non_resource_urls(0), "/version");
  EXPECT_EQ(found.rules[1].verbs(0), "*");
}

}  // namespace
}  // namespace ph::apiserver
