// Every request that components and loops make (tests/data/requests.tsv, docs/requests.md), asked of the default policy as themselves.
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

struct Row {
  std::string when, who, method, target;
};

std::vector<Row> rows() {
  std::vector<Row> out;
  std::ifstream file("tests/data/requests.tsv");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    Row row;
    std::istringstream words(line);
    for (std::string* column : {&row.when, &row.who, &row.method, &row.target}) std::getline(words, *column, '\t');
    out.push_back(std::move(row));
  }
  return out;
}

Identity identity_of(const std::string& who) {
  const auto is = [](std::string name, std::vector<std::string> groups) {
    groups.emplace_back("system:authenticated");
    return StandardWorld::user(std::move(name), std::move(groups));
  };
  if (who == "kubelet") return is("system:node:n1", {"system:nodes"});
  if (who == "bootstrap")
    return is("system:bootstrap:abcdef", {"system:bootstrappers", "system:bootstrappers:kubeadm:default-node-token"});
  if (who.starts_with("kube-")) return is("system:" + who, {});
  return is("system:serviceaccount:kube-system:" + who, {"system:serviceaccounts", "system:serviceaccounts:kube-system"});
}

// A node n1 with a pod that needs one of everything, a node n2 with one that needs nothing, and what nobody needs.
void furnish(StandardWorld& world) {
  const auto make = [&](const std::string& target, const std::string& body) {
    const Reply reply = world.post(target, body);
    ASSERT_EQ(reply.status, 201) << reply.body;
  };
  const std::string space = "/api/v1/namespaces/default/";
  make(space + "serviceaccounts", R"({"kind":"ServiceAccount","apiVersion":"v1","metadata":{"name":"default"}})");
  make(space + "pods", R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"},"spec":{"nodeName":"n1",
    "volumes":[{"name":"s","secret":{"secretName":"mine"}},{"name":"d","persistentVolumeClaim":{"claimName":"data"}}],
    "resourceClaims":[{"name":"c","resourceClaimName":"claim"}],
    "containers":[{"name":"c","image":"i","envFrom":[{"configMapRef":{"name":"settings"}}]}]}})");
  make(space + "pods", R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"elsewhere"},"spec":{"nodeName":"n2",
    "containers":[{"name":"c","image":"i"}]}})");
  for (const auto& [name, claim] : {std::pair("pv", "data"), std::pair("other", "unused")}) {
    make("/api/v1/persistentvolumes",
         std::string(R"({"kind":"PersistentVolume","apiVersion":"v1","metadata":{"name":")") + name +
             R"("},"spec":{"capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOnce"],"hostPath":{"path":"/x"},
             "claimRef":{"kind":"PersistentVolumeClaim","namespace":"default","name":")" +
             claim + R"("}}})");
  }
  for (const auto& [name, node] : {std::pair("va", "n1"), std::pair("elsewhere", "n2")}) {
    make("/apis/storage.k8s.io/v1/volumeattachments",
         std::string(R"({"kind":"VolumeAttachment","apiVersion":"storage.k8s.io/v1","metadata":{"name":")") + name +
             R"("},"spec":{"attacher":"example.com","source":{"persistentVolumeName":"pv"},"nodeName":")" + node + R"("}})");
  }
  // What kubeadm grants to nodes that join.
  make(
      "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
      R"({"kind":"ClusterRoleBinding","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":"kubeadm:kubelet-bootstrap"},
           "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"system:node-bootstrapper"},
           "subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"Group",
                        "name":"system:bootstrappers:kubeadm:default-node-token"}]})");
}

TEST(RequestsOfComponents, AreAllowedAndNothingMore) {
  Authorizer* authorizer = nullptr;
  StandardWorld world({}, [&](Extensions& extensions) { authorizer = extensions.authorizer.get(); });
  furnish(world);
  const std::vector<Row> all = rows();
  ASSERT_GT(all.size(), 300u) << "run in the tree's folder";
  int refused = 0;
  for (const Row& row : all) {
    SCOPED_TRACE(row.when + ": " + row.who + " " + row.method + " " + row.target);
    ASSERT_TRUE(row.when == "start" || row.when == "steady" || row.when == "refused");
    const Identity who = identity_of(row.who);
    const RequestInfo request = parse_request(StandardWorld::request(row.method, row.target));
    Soon<Decision> answer = authorizer->authorize_soon({who, request});
    ASSERT_TRUE(answer.ready());
    const Decision decision = answer.take();
    EXPECT_EQ(decision.kind == Decision::Kind::Allow, row.when != "refused") << decision.reason;
    refused += row.when == "refused" ? 1 : 0;
  }
  EXPECT_GT(refused, 40);
}

// The same through the whole server, as far as nothing has to be sent along.
TEST(RequestsOfComponents, AreAnsweredOverTheServer) {
  StandardWorld world;
  furnish(world);
  for (const Row& row : rows()) {
    if (row.method != "GET" || row.target.find("watch=true") != std::string::npos) continue;
    SCOPED_TRACE(row.when + ": " + row.who + " " + row.method + " " + row.target);
    const Reply reply = world.get(row.target, identity_of(row.who));
    EXPECT_EQ(reply.status == 403, row.when == "refused") << reply.body;
    EXPECT_TRUE(reply.status == 200 || reply.status == 403 || reply.status == 404) << reply.status << " " << reply.body;
  }
}

}  // namespace
}  // namespace ph::apiserver::testing
