// NodeRestriction: what a kubelet may do to its node, and to what runs there. Everybody is let in, so that it is the plugin who refuses.
#include <gtest/gtest.h>

#include "api/json_text.h"
#include "apiserver/admission/node_restriction/labels.h"
#include "tests/apiserver/opted_world.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;

// Of system:node:n1 in system:nodes.
constexpr std::string_view kRequestPem =
    "-----BEGIN CERTIFICATE REQUEST-----\n"
    "MIHrMIGSAgEAMDAxFTATBgNVBAoMDHN5c3RlbTpub2RlczEXMBUGA1UEAwwOc3lz\n"
    "dGVtOm5vZGU6bjEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATdDUTR4qH4d4Et\n"
    "pLRrFyi+xX/yS3amqHlM6klPOnpYC26/VUkVbUWmTfOjnHfCdLtWgyGmQgGM9GkN\n"
    "D7akurIyoAAwCgYIKoZIzj0EAwIDSAAwRQIgNy6/w+O8p2UtnwtlkbXBSsiFoIi7\n"
    "7COk0o5DPJ5MVTsCIQDnS/PmNaMdy5OnAM/kME2RNctmLPg8Vm5Gg0w96l0nXA==\n"
    "-----END CERTIFICATE REQUEST-----\n";

StandardOptions restricted() {
  StandardOptions options = opted({"NodeRestriction"});
  options.authorization = {StandardOptions::Authorization::AlwaysAllow};
  return options;
}

Identity node(const std::string& name) { return StandardWorld::user("system:node:" + name, {"system:nodes"}); }

class NodeRestriction : public ::testing::Test, protected OptedWorld {
 protected:
  NodeRestriction() : OptedWorld(restricted()) {
    for (const char* name : {"n1", "n2"}) {
      uids[name] = must(kNodes, {{"metadata", {{"name", name}}}})["metadata"]["uid"];
      pods[name] = must(kOptedPods, pod(std::string("on-") + name, {{"nodeName", name}}))["metadata"]["uid"];
    }
  }
  json mirror(const json& spec = json::object(), const json& metadata = json::object()) {
    json out = pod("m", {{"nodeName", "n1"}, {"automountServiceAccountToken", nullptr}},
                   {{"annotations", {{"kubernetes.io/config.mirror", "x"}}},
                    {"ownerReferences",
                     {{{"apiVersion", "v1"}, {"kind", "Node"}, {"name", "n1"}, {"uid", uids["n1"]}, {"controller", true}}}}});
    if (spec.is_object()) out["spec"].merge_patch(spec);
    if (metadata.is_object()) out["metadata"].merge_patch(metadata);
    return out;
  }
  json owner(const json& change) {
    json owners = mirror()["metadata"]["ownerReferences"];
    owners[0].merge_patch(change);
    return {{"ownerReferences", owners}};
  }
  // "": it was done.
  static std::string refusal(const Reply& reply) {
    if (reply.status < 300) return "";
    const std::string message = reply.message();
    const std::string mark = " is forbidden: ";
    const auto at = message.find(mark);
    return at == message.npos ? std::to_string(reply.status) + " " + message : message.substr(at + mark.size());
  }

  const std::string kNodes = "/api/v1/nodes";
  std::map<std::string, std::string> uids, pods;
};

TEST_F(NodeRestriction, MirrorPods) {
  struct Case {
    const char* name;
    json pod;
    const char* refusal;
  };
  const Case cases[] = {
      {"a mirror pod", mirror(), ""},
      {"no mirror pod", mirror({}, {{"annotations", nullptr}}),
       "pod does not have \"kubernetes.io/config.mirror\" annotation, node \"n1\" can only create mirror pods"},
      {"of another node", mirror({{"nodeName", "n2"}}), "node \"n1\" can only create pods with spec.nodeName set to itself"},
      {"of nobody", mirror({}, {{"ownerReferences", nullptr}}),
       "node \"n1\" can only create pods with an owner reference set to itself"},
      {"of two",
       mirror({}, {{"ownerReferences",
                    {mirror()["metadata"]["ownerReferences"][0],
                     {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", "n2"}, {"uid", "u"}}}}}),
       "node \"n1\" can only create pods with a single owner reference set to itself"},
      {"of another owner", mirror({}, owner({{"name", "n2"}})),
       "node \"n1\" can only create pods with an owner reference set to itself"},
      {"not controlled", mirror({}, owner({{"controller", false}})),
       "node \"n1\" can only create pods with a controller owner reference set to itself"},
      {"that blocks", mirror({}, owner({{"blockOwnerDeletion", true}})),
       "node \"n1\" must not set blockOwnerDeletion on an owner reference"},
      {"of a node before this one", mirror({}, owner({{"uid", "old"}})), nullptr},
      {"with a secret",
       mirror(json::parse(R"({"containers":[{"name":"c","image":"i","envFrom":[{"secretRef":{"name":"s"}}]}]})")),
       "node \"n1\" can not create pods that reference secrets"},
      {"with a secret to pull with", mirror(json::parse(R"({"imagePullSecrets":[{"name":"s"}]})")),
       "node \"n1\" can not create pods that reference secrets"},
      {"with a config map", mirror(json::parse(R"({"volumes":[{"name":"v","configMap":{"name":"m"}}]})")),
       "node \"n1\" can not create pods that reference configmaps"},
      {"with a claim", mirror(json::parse(R"({"volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"m"}}]})")),
       "node \"n1\" can not create pods that reference persistentvolumeclaims"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const std::string expected = c.refusal ? c.refusal : "node n1 UID mismatch: expected old got " + uids["n1"];
    EXPECT_EQ(refusal(post(kOptedPods + "?dryRun=All", c.pod, node("n1"))), expected);
  }
  EXPECT_EQ(refusal(post(kOptedPods + "?dryRun=All", pod("q"))), "") << "others are not restricted";
}

TEST_F(NodeRestriction, CVE_2025_4563_MirrorPodsHaveNoResourceClaims) {
  const json claims = json::parse(R"({"resourceClaims":[{"name":"gpu","resourceClaimName":"others"}]})");
  EXPECT_EQ(refusal(post(kOptedPods, mirror(claims), node("n1"))),
            "node \"n1\" can not create pods that reference resourceclaims");
  HttpRequest status =
      StandardWorld::request("PATCH", kOptedPods + "/on-n1/status",
                             R"({"status":{"resourceClaimStatuses":[{"name":"gpu","resourceClaimName":"others"}]}})", node("n1"));
  status.headers.set("Content-Type", "application/merge-patch+json");
  EXPECT_EQ(refusal(world.send(std::move(status))), "node \"n1\" cannot update resource claim statues");
}

TEST_F(NodeRestriction, PodsThereAre) {
  const json phase = {{"status", {{"phase", "Running"}}}};
  EXPECT_EQ(refusal(patch(kOptedPods + "/on-n1/status", phase, node("n1"))), "");
  EXPECT_EQ(refusal(patch(kOptedPods + "/on-n2/status", phase, node("n1"))),
            "node \"n1\" can only update pod status for pods with spec.nodeName set to itself");
  EXPECT_EQ(refusal(patch(kOptedPods + "/on-n1/status", {{"metadata", {{"labels", {{"a", "b"}}}}}}, node("n1"))),
            "node \"n1\" cannot update labels through pod status");
  EXPECT_EQ(refusal(patch(kOptedPods + "/on-n1", {{"metadata", {{"labels", {{"a", "b"}}}}}}, node("n1"))),
            "unexpected operation \"UPDATE\", node \"n1\" can only create and delete mirror pods");
  EXPECT_EQ(refusal(post(kOptedPods + "/on-n1/binding",
                         {{"metadata", {{"name", "on-n1"}}}, {"target", {{"kind", "Node"}, {"name", "n2"}}}}, node("n1"))),
            "unexpected pod subresource \"binding\", only 'status' and 'eviction' are allowed");
  EXPECT_EQ(refusal(patch(kOptedPods + "/on-n1/ephemeralcontainers",
                          json::parse(R"({"spec":{"ephemeralContainers":[{"name":"e","image":"i"}]}})"), node("n1"))),
            "unexpected pod subresource \"ephemeralcontainers\", only 'status' and 'eviction' are allowed");
  const auto evict = [&](const std::string& name) {
    return post(kOptedPods + "/" + name + "/eviction", {{"metadata", {{"name", name}, {"namespace", "default"}}}}, node("n1"));
  };
  EXPECT_EQ(refusal(evict("on-n2")), "node n1 can only evict pods with spec.nodeName set to itself");
  EXPECT_EQ(refusal(evict("on-n1")), "");
  EXPECT_EQ(refusal(remove(kOptedPods + "/on-n2", node("n1"))),
            "node \"n1\" can only delete pods with spec.nodeName set to itself");
  EXPECT_EQ(refusal(remove(kOptedPods + "/on-n2", node("n2"))), "");
}

TEST_F(NodeRestriction, Labels) {
  const std::pair<const char*, bool> cases[] = {
      {"example.com/a", true},
      {"plain", true},
      {"kubernetes.io/hostname", true},
      {"kubernetes.io/os", true},
      {"topology.kubernetes.io/zone", true},
      {"node.kubernetes.io/instance-type", true},
      {"node.kubernetes.io/of-its-own", true},
      {"sub.kubelet.kubernetes.io/a", true},
      {"kubernetes.io/else", false},
      {"k8s.io/a", false},
      {"a.k8s.io/b", false},
      {"node-role.kubernetes.io/control-plane", false},
      {"node-restriction.kubernetes.io/a", false},
      {"example.com.node-restriction.kubernetes.io/a", false},
      {"xnode.kubernetes.io/a", false},
      {"xk8s.io/a", true},
  };
  for (const auto& [label, free] : cases) EXPECT_EQ(node_restriction::is_free(label), free) << label;
}

TEST_F(NodeRestriction, ItsOwnNode) {
  const auto labels = [](const json& labels) { return json{{"metadata", {{"labels", labels}}}}; };
  json fresh = labels({{"kubernetes.io/hostname", "n3"}, {"example.com/a", "b"}});
  fresh["metadata"]["name"] = "n3";
  json steering = fresh;
  steering["metadata"]["labels"]["node-role.kubernetes.io/a"] = "";
  steering["metadata"]["labels"]["k8s.io/b"] = "";
  EXPECT_EQ(refusal(post(kNodes, steering, node("n3"))),
            "node \"n3\" is not allowed to set the following labels: k8s.io/b, node-role.kubernetes.io/a");
  EXPECT_EQ(refusal(post(kNodes, fresh, node("n3"))), "");
  EXPECT_EQ(refusal(post(kNodes, {{"metadata", {{"name", "n4"}}}}, node("n3"))),
            "node \"n3\" is not allowed to modify node \"n4\"");
  const std::string own = kNodes + "/n3";
  EXPECT_EQ(refusal(patch(own, labels({{"example.com/a", nullptr}, {"node.kubernetes.io/x", "y"}}), node("n3"))), "");
  EXPECT_EQ(refusal(patch(kNodes + "/n1", labels({{"a", "b"}}), node("n3"))), "node \"n3\" is not allowed to modify node \"n1\"");
  EXPECT_EQ(refusal(patch(own + "/status", labels({{"k8s.io/b", "c"}}), node("n3"))),
            "is not allowed to modify labels: k8s.io/b");
  EXPECT_EQ(refusal(patch(own, {{"spec", {{"taints", nullptr}}}}, node("n3"))), "node \"n3\" is not allowed to modify taints");
  EXPECT_EQ(refusal(patch(own + "/status", {{"status", {{"capacity", {{"cpu", "4"}}}}}}, node("n3"))), "");
  EXPECT_EQ(refusal(patch(own, labels({{"k8s.io/b", "c"}}))), "") << "others are not restricted";
  EXPECT_EQ(refusal(patch(own, labels({{"k8s.io/b", nullptr}}), node("n3"))), "is not allowed to modify labels: k8s.io/b");
}

TEST_F(NodeRestriction, CVE_2023_5408_ANodeGivesItselfNoRole) {
  EXPECT_EQ(refusal(patch(kNodes + "/n1", {{"metadata", {{"labels", {{"node-role.kubernetes.io/master", ""}}}}}}, node("n1"))),
            "is not allowed to modify labels: node-role.kubernetes.io/master");
  EXPECT_EQ(refusal(patch(kNodes + "/n1", {{"metadata", {{"labels", {{"node-restriction.kubernetes.io/kind", "trusted"}}}}}},
                          node("n1"))),
            "is not allowed to modify labels: node-restriction.kubernetes.io/kind");
}

TEST_F(NodeRestriction, CVE_2025_5187_ANodeGivesItselfNoOwner) {
  const json owned = {
      {"metadata", {{"ownerReferences", {{{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"name", "ghost"}, {"uid", "u"}}}}}}};
  EXPECT_EQ(refusal(patch(kNodes + "/n1", owned, node("n1"))), "node \"n1\" is not allowed to modify ownerReferences");
  EXPECT_EQ(refusal(patch(kNodes + "/n1", owned)), "");
}

TEST_F(NodeRestriction, Claims) {
  const std::string claims = "/api/v1/namespaces/default/persistentvolumeclaims";
  must(claims,
       json::parse(
           R"({"metadata":{"name":"c"},"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}})"));
  EXPECT_EQ(refusal(patch(claims + "/c/status",
                          json::parse(R"({"status":{"conditions":[{"type":"FileSystemResizePending","status":"True"}]}})"),
                          node("n1"))),
            "");
  EXPECT_TRUE(refusal(patch(claims + "/c/status", {{"status", {{"phase", "Lost"}}}}, node("n1")))
                  .starts_with("node \"n1\" is not allowed to update fields other than status.quantity and status.conditions: "));
  EXPECT_EQ(refusal(patch(claims + "/c", {{"metadata", {{"labels", {{"a", "b"}}}}}}, node("n1"))), "may only update PVC status");
  EXPECT_EQ(refusal(remove(claims + "/c", node("n1"))), "may only update PVC status");
}

TEST_F(NodeRestriction, TokensAreForItsPods) {
  const std::string target = "/api/v1/namespaces/default/serviceaccounts/default/token";
  const auto ask = [&](const json& bound) { return refusal(post(target, {{"spec", {{"boundObjectRef", bound}}}}, node("n1"))); };
  const auto of_pod = [&](const char* name, const std::string& uid) {
    return json{{"apiVersion", "v1"}, {"kind", "Pod"}, {"name", name}, {"uid", uid}};
  };
  EXPECT_EQ(ask(of_pod("on-n1", pods["n1"])), "");
  EXPECT_EQ(ask(nullptr), "node requested token not bound to a pod");
  EXPECT_EQ(ask({{"apiVersion", "v1"}, {"kind", "Secret"}, {"name", "s"}, {"uid", "u"}}),
            "node requested token not bound to a pod");
  EXPECT_EQ(ask(of_pod("on-n1", "")), "node requested token with a pod binding without a uid");
  EXPECT_EQ(ask(of_pod("on-n2", pods["n2"])), "node requested token bound to a pod scheduled on a different node");
  EXPECT_EQ(ask(of_pod("ghost", "u")), "404 pods \"ghost\" not found");
  EXPECT_EQ(ask(of_pod("on-n1", "u")),
            "the UID in the bound object reference (u) does not match the UID in record. The object might have been deleted and "
            "then recreated");
}

TEST_F(NodeRestriction, WhatHasItsName) {
  const std::string leases = "/apis/coordination.k8s.io/v1/namespaces/";
  const auto named = [](const std::string& name) { return json{{"metadata", {{"name", name}}}}; };
  EXPECT_EQ(refusal(post(leases + "kube-node-lease/leases", named("n1"), node("n1"))), "");
  EXPECT_EQ(refusal(post(leases + "kube-node-lease/leases", named("n2"), node("n1"))),
            "can only access node lease with the same name as the requesting node");
  EXPECT_EQ(refusal(post(leases + "default/leases", named("n1"), node("n1"))),
            "can only access leases in the \"kube-node-lease\" system namespace");
  EXPECT_EQ(refusal(remove(leases + "kube-node-lease/leases/n1", node("n2"))),
            "can only access node lease with the same name as the requesting node");
  const std::string csi = "/apis/storage.k8s.io/v1/csinodes";
  json csi_node = named("n1");
  csi_node["spec"]["drivers"] = json::array();
  EXPECT_EQ(refusal(post(csi, csi_node, node("n1"))), "");
  csi_node["metadata"]["name"] = "n2";
  EXPECT_EQ(refusal(post(csi, csi_node, node("n1"))), "can only access CSINode with the same name as the requesting node");
}

TEST_F(NodeRestriction, SlicesOfItsDevices) {
  const std::string slices = "/apis/resource.k8s.io/v1/resourceslices";
  const auto slice = [](const char* node) {
    return json{{"metadata", {{"name", "s"}}},
                {"spec",
                 {{"driver", "d.example.com"},
                  {"nodeName", node},
                  {"pool", {{"name", "p"}, {"generation", 1}, {"resourceSliceCount", 1}}}}}};
  };
  EXPECT_EQ(refusal(post(slices, slice("n2"), node("n1"))),
            "can only create ResourceSlice with the same NodeName as the requesting node");
  EXPECT_EQ(refusal(post(slices, slice("n1"), node("n1"))), "");
  EXPECT_EQ(refusal(remove(slices + "/s", node("n2"))),
            "can only delete ResourceSlice with the same NodeName as the requesting node");
  EXPECT_EQ(refusal(remove(slices, node("n2"))), "can only delete ResourceSlice with the same NodeName as the requesting node");
  EXPECT_EQ(refusal(remove(slices + "/s", node("n1"))), "");
}

TEST_F(NodeRestriction, CertificatesOfItsName) {
  std::string encoded;
  api::append_base64(kRequestPem, encoded);
  const auto request = [&](const char* signer, const char* usage) {
    return json{{"metadata", {{"generateName", "r-"}}},
                {"spec", {{"request", encoded}, {"signerName", signer}, {"usages", {usage}}}}};
  };
  const std::string requests = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
  EXPECT_EQ(refusal(post(requests, request("kubernetes.io/kubelet-serving", "server auth"), node("n1"))), "");
  EXPECT_EQ(refusal(post(requests, request("kubernetes.io/kubelet-serving", "server auth"), node("n2"))),
            "can only create a node CSR with CN=system:node:n2");
  EXPECT_EQ(refusal(post(requests, request("kubernetes.io/kube-apiserver-client-kubelet", "client auth"), node("n2"))),
            "can only create a node CSR with CN=system:node:n2");
  EXPECT_EQ(refusal(post(requests, request("example.com/other", "client auth"), node("n2"))), "");
}

TEST_F(NodeRestriction, WhoIsNoNode) {
  EXPECT_EQ(
      refusal(patch(kNodes + "/n1", {{"metadata", {{"labels", {{"k8s.io/a", "b"}}}}}}, StandardWorld::user("system:node:n1"))),
      "")
      << "not in system:nodes";
  EXPECT_EQ(refusal(patch(kNodes + "/n1", {{"metadata", {{"labels", {{"a", "b"}}}}}}, node(""))),
            "could not determine node from user \"system:node:\"");
}

}  // namespace
}  // namespace ph::apiserver::testing
