// Every resource and sub-resource, at every form of path, by every method, for users whose rights end at different borders: who may
// not is told so (403), a path that does not exist is 404 and a method that it does not have 405, whoever asks.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

const Identity kEverywhere = StandardWorld::user("everywhere");  // may do everything, in a ClusterRoleBinding's words
const Identity kInMine = StandardWorld::user("in-mine");         // the same, in one namespace
const Identity kNowhere = StandardWorld::user("nowhere");

std::string binding(const char* kind, const Identity& who, const char* role_kind) {
  return nlohmann::json{
      {"metadata", {{"name", who.name}}},
      {"kind", kind},
      {"apiVersion", "rbac.authorization.k8s.io/v1"},
      {"roleRef", {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", role_kind}, {"name", "all"}}},
      {"subjects", nlohmann::json::array({{{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "User"}, {"name", who.name}}})}}
      .dump();
}

class Routes : public ::testing::Test {
 protected:
  Routes() {
    const std::string rules = R"("rules":[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}])",
                      rbac = "/apis/rbac.authorization.k8s.io/v1/";
    for (const char* name : {"mine", "victim"}) {
      EXPECT_EQ(world.post("/api/v1/namespaces", R"({"metadata":{"name":")" + std::string(name) + R"("}})").status, 201);
    }
    EXPECT_EQ(world.post(rbac + "clusterroles", R"({"metadata":{"name":"all"},)" + rules + "}").status, 201);
    EXPECT_EQ(world.post(rbac + "namespaces/mine/roles", R"({"metadata":{"name":"all"},)" + rules + "}").status, 201);
    EXPECT_EQ(world.post(rbac + "clusterrolebindings", binding("ClusterRoleBinding", kEverywhere, "ClusterRole")).status, 201);
    EXPECT_EQ(world.post(rbac + "namespaces/mine/rolebindings", binding("RoleBinding", kInMine, "Role")).status, 201);
  }

  Reply ask(const char* method, const std::string& path, const Identity& who) {
    // A body of a DELETE would count instead of the query.
    const std::string_view name(method);
    const std::string body = name == "GET" || name == "DELETE" ? "" : "{}";
    HttpRequest request = StandardWorld::request(method, path + (name == "GET" ? "" : "?dryRun=All"), body, who);
    if (name == "PATCH") request.headers.set("Content-Type", "application/merge-patch+json");
    return world.send(std::move(request));
  }

  StandardWorld world;
};

// What an answer says of the way to it.
enum class Met { Refused, NoPath, NoMethod, Something };

std::string text(Met met) {
  return std::array{"refused", "no such path", "no such method", "something"}[static_cast<std::size_t>(met)];
}

Met met(const Reply& reply) {
  if (reply.status != 403 && reply.status != 404 && reply.status != 405) return Met::Something;
  const std::string message = reply.message();
  if (reply.status == 403 && message.find("\" cannot ") != std::string::npos) return Met::Refused;
  if (reply.status == 404 && message == "the server could not find the requested resource") return Met::NoPath;
  if (reply.status == 405 && message == "the server does not allow this method on the requested resource") return Met::NoMethod;
  return Met::Something;
}

// A form of path: whether it exists for a resource, and what can be done there by which method.
struct Form {
  std::string path;
  std::string namespace_name;  // which it is about, for whoever authorizes
  bool exists = false;
  std::set<std::string> methods;
};

std::set<std::string> methods_of(const std::vector<std::string>& verbs,
                                 const std::vector<std::pair<const char*, const char*>>& meaning) {
  std::set<std::string> out;
  for (const auto& [verb, method] : meaning) {
    if (std::ranges::find(verbs, verb) != verbs.end()) out.insert(method);
  }
  return out;
}

std::vector<Form> forms(const api::Resource& resource) {
  const std::vector<std::pair<const char*, const char*>> on_object = {
      {"get", "GET"}, {"update", "PUT"}, {"patch", "PATCH"}, {"delete", "DELETE"}};
  const std::vector<std::pair<const char*, const char*>> on_collection = {
      {"list", "GET"}, {"create", "POST"}, {"deletecollection", "DELETE"}};
  const std::vector<std::pair<const char*, const char*>> on_part = {
      {"get", "GET"}, {"update", "PUT"}, {"patch", "PATCH"}, {"delete", "DELETE"}, {"create", "POST"}};
  const std::string& group = resource.kind.group;
  const std::string root = (group.empty() ? "/api/" : "/apis/" + group + "/") + resource.kind.version + "/";
  const bool is_namespaces = resource.plural == "namespaces";
  std::vector<Form> out;
  const auto add = [&](std::string path, bool below, bool exists, std::set<std::string> methods, bool names_one) {
    exists &= !methods.empty();
    std::string about = below ? "mine" : is_namespaces && names_one ? "victim" : "";
    out.push_back({std::move(path), std::move(about), exists, std::move(methods)});
  };
  for (const bool below : {false, true}) {
    const std::string collection = (below ? "namespaces/mine/" : "") + resource.plural, object = collection + "/victim";
    const bool lives = resource.namespaced == below;
    if (resource.namespaced && !below) add(root + collection, below, true, methods_of(resource.verbs, {{"list", "GET"}}), false);
    else add(root + collection, below, lives, methods_of(resource.verbs, on_collection), false);
    add(root + object, below, lives, methods_of(resource.verbs, on_object), true);
    add(root + "watch/" + collection, below, lives || !below, methods_of(resource.verbs, {{"watch", "GET"}}), false);
    add(root + "watch/" + object, below, lives, methods_of(resource.verbs, {{"watch", "GET"}}), true);
    for (const api::Subresource& part : resource.subresources) {
      const auto methods = methods_of(part.verbs, on_part);
      add(root + object + "/" + part.name, below, lives, methods, true);
      add(root + object + "/" + part.name + "/beyond", below, false, methods, true);
      add(root + "watch/" + object + "/" + part.name, below, false, methods, true);
    }
    add(root + object + "/nothing", below, false, {"GET"}, true);
  }
  return out;
}

// What is known and not served.
bool is_absent(const std::string& path) {
  return std::ranges::any_of(std::array{"/exec", "/attach", "/portforward", "/proxy", "/log", "/componentstatuses"},
                             [&](std::string_view part) { return path.find(std::string(part)) != std::string::npos; });
}

// What everybody who is somebody may do: ask about himself.
bool is_for_all(const api::Resource& resource, const Form& form, std::string_view method) {
  const bool whole = form.path.ends_with("/" + resource.plural) || form.path.ends_with("/" + resource.plural + "/victim");
  return method == "POST" && resource.plural.starts_with("selfsubject") && whole &&
         form.path.find("/watch/") == std::string::npos;
}

TEST_F(Routes, EveryPathForEveryone) {
  std::size_t asked = 0;
  std::set<Met> seen;
  for (const api::Resource& resource : api::Scheme::builtin().resources()) {
    for (const Form& form : forms(resource)) {
      for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
        const bool has_method = form.methods.contains(method);
        for (const Identity& who : {kEverywhere, kInMine, kNowhere}) {
          const bool may = is_for_all(resource, form, method) || who.name == kEverywhere.name ||
                           (who.name == kInMine.name && form.namespace_name == "mine");
          const Met wanted = !may ? Met::Refused : !form.exists ? Met::NoPath : !has_method ? Met::NoMethod : Met::Something;
          const Met found = met(ask(method, form.path, who));
          if (wanted == Met::Something && is_absent(form.path) && found == Met::NoPath) continue;
          EXPECT_EQ(text(found), text(wanted)) << method << " " << form.path << " as " << who.name;
          seen.insert(wanted);
          ++asked;
        }
      }
    }
  }
  EXPECT_EQ(seen.size(), 4u);
  EXPECT_GT(asked, 5000u);
}

// The class of CVE-2019-11247: what is the cluster's must not be reached by way of a namespace in which one may do everything.
TEST_F(Routes, ARightInANamespaceDoesNotReachTheCluster) {
  const std::string victim = "/api/v1/namespaces/mine/namespaces/victim";
  for (const char* method : {"GET", "PUT", "PATCH", "DELETE"}) {
    HttpRequest request =
        StandardWorld::request(method, victim, R"({"metadata":{"name":"victim","labels":{"taken":"yes"}}})", kInMine);
    if (std::string_view(method) == "PATCH") request.headers.set("Content-Type", "application/merge-patch+json");
    EXPECT_EQ(world.send(std::move(request)).status, 404) << method;
  }
  EXPECT_EQ(world.post("/api/v1/namespaces/mine/namespaces", R"({"metadata":{"name":"new"}})", kInMine).status, 404);
  EXPECT_EQ(world.send(StandardWorld::request("DELETE", "/api/v1/namespaces/mine/nodes", {}, kInMine)).status, 404);
  EXPECT_EQ(world.get("/api/v1/namespaces/mine/namespaces/mine", kInMine).status, 404) << "not even for itself";
  EXPECT_EQ(world.get("/api/v1/namespaces/mine", kInMine).status, 200);
  EXPECT_EQ(world.get("/api/v1/namespaces/new").status, 404);
  const nlohmann::json left = world.get("/api/v1/namespaces/victim").json();
  EXPECT_EQ(left["metadata"].value("deletionTimestamp", ""), "");
  EXPECT_FALSE(left["metadata"]["labels"].contains("taken"));
}

// The class of CVE-2022-3162: a name is one part of a path, however it is written.
TEST_F(Routes, NamesLeadNowhereElse) {
  const std::string space = "/api/v1/namespaces/mine/";
  ASSERT_EQ(world.post(space + "secrets", R"({"metadata":{"name":"top"},"data":{"key":"dG9wc2VjcmV0"}})").status, 201);
  ASSERT_EQ(world.post(space + "configmaps", R"({"metadata":{"name":"open"}})").status, 201);
  const Identity reader = StandardWorld::user("reader");  // of config maps, in all namespaces
  const std::string rbac = "/apis/rbac.authorization.k8s.io/v1/";
  ASSERT_EQ(world
                .post(rbac + "clusterroles",
                      R"({"metadata":{"name":"read"},"rules":[{"apiGroups":[""],"resources":["configmaps"],"verbs":["*"]}]})")
                .status,
            201);
  std::string bound = binding("ClusterRoleBinding", reader, "ClusterRole");
  bound.replace(bound.find("\"all\""), 5, "\"read\"");
  ASSERT_EQ(world.post(rbac + "clusterrolebindings", bound).status, 201);

  struct Case {
    const char* path;
    int status;
    const char* message = "";
  };
  const Case kCases[] = {
      {"/api/v1/namespaces/mine/configmaps/open", 200},
      {"/api/v1/namespaces/mine%2fconfigmaps%2Fopen", 200},  // a slash is a slash
      {"/api/v1/namespaces/mine/%63onfigmaps/open", 200},
      {"/api/v1/namespaces/mine/secrets/top", 403},
      {"/api/v1/namespaces/mine/%73ecrets/top", 403},
      {"/api/v1/namespaces/mine/configmaps/..%2fsecrets%2ftop", 403},
      {"/api/v1/namespaces/mine/configmaps/../secrets/top", 403},
      {"/api/v1/namespaces/mine/configmaps/%2e%2e/secrets/top", 403},
      {"/api/v1/configmaps/..%2fsecrets%2fmine%2ftop", 403},
      {"/api/v1/configmaps/%2e%2e", 404, "the server could not find the requested resource"},
      {"/api/v1/namespaces/..%2fsecrets/configmaps", 403},
      {"/api/v1/namespaces/%2e%2e%2fsecrets%2fmine/configmaps/top", 403},
      {"/api/v1/namespaces/mine/configmaps/%2e%2e", 400, "Name parameter invalid: \"..\": may not be '..'"},
      {"/api/v1/namespaces/mine/configmaps/..", 400, "Name parameter invalid: \"..\": may not be '..'"},
      {"/api/v1/namespaces/mine/configmaps/%2E", 400, "Name parameter invalid: \".\": may not be '.'"},
      {"/api/v1/namespaces/mine/configmaps/%252e%252e", 400, "Name parameter invalid: \"%2e%2e\": may not contain '%'"},
      {"/api/v1/namespaces//configmaps/open", 404, "the server could not find the requested resource"},
      {"/api/v1/namespaces/mine//configmaps/open", 403},
      {"//api/v1/namespaces/mine/configmaps/open", 404, "the server could not find the requested resource"},
      {"/api/v1/namespaces/mine/configmaps?fieldSelector=metadata.name%3D..%2Fsecrets%2Ftop", 200},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.path);
    const Reply reply = world.get(c.path, reader);
    EXPECT_EQ(reply.status, c.status) << reply.body;
    EXPECT_EQ(reply.body.find("dG9wc2VjcmV0"), std::string::npos);
    if (*c.message) EXPECT_EQ(reply.message(), c.message);
  }
  // Nothing is found by a namespace of that kind, and nothing else is either.
  for (const char* path :
       {"/api/v1/namespaces/../configmaps", "/api/v1/namespaces/%2e%2e/configmaps", "/api/v1/namespaces/./configmaps"}) {
    const Reply reply = world.get(path, reader);
    EXPECT_EQ(reply.body.find("\"name\":"), std::string::npos) << path << reply.body;
  }
}

}  // namespace
}  // namespace ph::apiserver::testing
