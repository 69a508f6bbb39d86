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

void make(StandardWorld& world, const char* target, const std::string& body) {
  const Reply reply = world.post(target, body);
  ASSERT_EQ(reply.status, 201) << reply.body;
}

TEST(NodeAuthorizer, WhatANodeMayDo) {
  StandardWorld world;
  make(world, "/api/v1/namespaces/default/serviceaccounts",
       R"({"kind":"ServiceAccount","apiVersion":"v1","metadata":{"name":"default"}})");
  make(world, "/api/v1/namespaces/default/pods",
       R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"},"spec":{"nodeName":"n1",
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

// Volumes, and what is on a node by its own word.
TEST(NodeAuthorizer, WhatLeadsToANodeByMoreThanOneStep) {
  StandardWorld world;
  make(world, "/api/v1/namespaces/default/serviceaccounts",
       R"({"kind":"ServiceAccount","apiVersion":"v1","metadata":{"name":"default"}})");
  make(world, "/api/v1/namespaces/default/pods",
       R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"},"spec":{"nodeName":"n1",
    "volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"data"}}],"containers":[{"name":"c","image":"i"}]}})");
  const auto volume = [&](const char* name, const char* claim) {
    make(
        world, "/api/v1/persistentvolumes",
        R"({"kind":"PersistentVolume","apiVersion":"v1","metadata":{"name":")" + std::string(name) +
            R"("},"spec":{"capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOnce"],"claimRef":{"namespace":"default","name":")" +
            claim + R"("},"csi":{"driver":"d.io","volumeHandle":")" + name +
            R"(","nodeStageSecretRef":{"namespace":"drivers","name":")" + name +
            R"(-stage"},"controllerExpandSecretRef":{"namespace":"drivers","name":")" + name + R"(-expand"}}}})");
  };
  volume("mine", "data");
  volume("other", "else");
  for (const char* node : {"n1", "n2"}) {
    make(world, "/apis/storage.k8s.io/v1/volumeattachments",
         R"({"kind":"VolumeAttachment","apiVersion":"storage.k8s.io/v1","metadata":{"name":"at-)" + std::string(node) +
             R"("},"spec":{"attacher":"d.io","nodeName":")" + node + R"(","source":{"persistentVolumeName":"mine"}}})");
    make(world, "/apis/resource.k8s.io/v1/resourceslices",
         R"({"kind":"ResourceSlice","apiVersion":"resource.k8s.io/v1","metadata":{"name":"on-)" + std::string(node) +
             R"("},"spec":{"driver":"d.io","nodeName":")" + node + R"(","pool":{"name":")" + node +
             R"(","generation":1,"resourceSliceCount":1}}})");
  }

  const Case kCases[] = {
      {"its pod's claim", "GET", "/api/v1/namespaces/default/persistentvolumeclaims/data", true},
      {"another claim", "GET", "/api/v1/namespaces/default/persistentvolumeclaims/else", false},
      {"all claims", "GET", "/api/v1/namespaces/default/persistentvolumeclaims", false},
      {"the volume of its pod's claim", "GET", "/api/v1/persistentvolumes/mine", true},
      {"another volume", "GET", "/api/v1/persistentvolumes/other", false},
      {"a volume that is not there", "GET", "/api/v1/persistentvolumes/none", false},
      {"the secret to mount that volume", "GET", "/api/v1/namespaces/drivers/secrets/mine-stage", true},
      {"the controller's secret for it", "GET", "/api/v1/namespaces/drivers/secrets/mine-expand", false},
      {"the secret of another volume", "GET", "/api/v1/namespaces/drivers/secrets/other-stage", false},
      {"an attachment to it", "GET", "/apis/storage.k8s.io/v1/volumeattachments/at-n1", true},
      {"an attachment to another node", "GET", "/apis/storage.k8s.io/v1/volumeattachments/at-n2", false},
      {"all attachments", "GET", "/apis/storage.k8s.io/v1/volumeattachments", false},
      {"its slice", "GET", "/apis/resource.k8s.io/v1/resourceslices/on-n1", true},
      {"another node's slice", "GET", "/apis/resource.k8s.io/v1/resourceslices/on-n2", false},
      {"taking away another node's slice", "DELETE", "/apis/resource.k8s.io/v1/resourceslices/on-n2", false},
      {"a slice that is not there", "GET", "/apis/resource.k8s.io/v1/resourceslices/none", false},
      {"its slices", "GET", "/apis/resource.k8s.io/v1/resourceslices?fieldSelector=spec.nodeName%3Dn1", true},
      {"all slices", "GET", "/apis/resource.k8s.io/v1/resourceslices", false},
      {"its pod", "GET", "/api/v1/namespaces/default/pods/p", true},
      {"a pod that is not there", "GET", "/api/v1/namespaces/default/pods/q", false},
  };
  const Identity node = StandardWorld::user("system:node:n1", {"system:nodes"});
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const int status = world.send(StandardWorld::request(c.method, c.target, {}, node)).status;
    EXPECT_EQ(status != 403, c.allowed) << status;
  }

  // The graph follows.
  ASSERT_EQ(world.send(StandardWorld::request("DELETE", "/api/v1/namespaces/default/pods/p?gracePeriodSeconds=0")).status, 200);
  for (const char* gone : {"/api/v1/namespaces/default/pods/p", "/api/v1/namespaces/default/persistentvolumeclaims/data",
                           "/api/v1/persistentvolumes/mine", "/api/v1/namespaces/drivers/secrets/mine-stage"}) {
    EXPECT_EQ(world.get(gone, node).status, 403) << gone;
  }
  EXPECT_EQ(world.get("/apis/storage.k8s.io/v1/volumeattachments/at-n1", node).status, 200) << "no pod is asked for";
}

}  // namespace
}  // namespace ph::apiserver::testing
