#include <gtest/gtest.h>

#include "apiserver/authz/node.h"
#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

struct Case {
  const char* name;
  const char* method;
  const char* target;
  bool allowed;
};

TEST(NodeAuthorizer, WhatANodeMayDo) {
  StandardWorld world;
  const auto make = [&](const char* target, const char* body) {
    const Reply reply = world.post(target, body);
    ASSERT_EQ(reply.status, 201) << reply.body;
  };
  make("/api/v1/namespaces/default/serviceaccounts",
       R"({"kind":"ServiceAccount","apiVersion":"v1","metadata":{"name":"default"}})");
  make("/api/v1/namespaces/default/pods", R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"},"spec":{"nodeName":"n1",
    "volumes":[{"name":"v","secret":{"secretName":"mine"}}],
    "containers":[{"name":"c","image":"i","envFrom":[{"configMapRef":{"name":"settings"}}]}]}})");

  const Case kCases[] = {
      {"a secret of its pod", "GET", "/api/v1/namespaces/default/secrets/mine", true},
      {"another secret", "GET", "/api/v1/namespaces/default/secrets/other", false},
      {"all secrets", "GET", "/api/v1/namespaces/default/secrets", false},
      {"writing a secret", "PUT", "/api/v1/namespaces/default/secrets/mine", false},
      {"one secret as a list", "GET", "/api/v1/namespaces/default/secrets?fieldSelector=metadata.name%3Dmine", true},
      {"a config map of its pod", "GET", "/api/v1/namespaces/default/configmaps/settings", true},
      {"the certificate that is mounted into every pod", "GET", "/api/v1/namespaces/default/configmaps/kube-root-ca.crt", true},
      {"another config map", "GET", "/api/v1/namespaces/default/configmaps/other", false},
      {"a token for its pod's account", "POST", "/api/v1/namespaces/default/serviceaccounts/default/token", true},
      {"a token for another account", "POST", "/api/v1/namespaces/default/serviceaccounts/other/token", false},
      {"its own lease", "GET", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1", true},
      {"another node's lease", "GET", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n2", false},
      {"a lease elsewhere", "GET", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/n1", false},
      {"its own CSINode", "GET", "/apis/storage.k8s.io/v1/csinodes/n1", true},
      {"another CSINode", "GET", "/apis/storage.k8s.io/v1/csinodes/n2", false},
      {"pods", "GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1", true},
      {"services", "GET", "/api/v1/services", true},
      {"deployments", "GET", "/apis/apps/v1/deployments", false},
  };
  const Identity node = StandardWorld::user("system:node:n1", {"system:nodes"});
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const int status = world.send(StandardWorld::request(c.method, c.target, {}, node)).status;
    EXPECT_EQ(status != 403, c.allowed) << status;
  }
  const Identity impostor = StandardWorld::user("system:node:n1");
  EXPECT_EQ(world.get("/api/v1/services", impostor).status, 403) << "not of the group";
  const Identity other = StandardWorld::user("system:node:n2", {"system:nodes"});
  EXPECT_EQ(world.get("/api/v1/namespaces/default/secrets/mine", other).status, 403) << "its pod runs elsewhere";
}

}  // namespace
}  // namespace ph::apiserver::testing
