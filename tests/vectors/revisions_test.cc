// Our loops begin in the place of upstream's: what those left is known as the present revision, and nothing is rolled out.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "api/json_text.h"
#include "controllers/common/revision_history.h"
#include "controllers/registry.h"
#include "tests/vectors/cluster_calls.h"
#include "tests/vectors/play.h"
#include "tests/vectors/reading.h"

namespace ph::vectors {
namespace {

constexpr const char* kSpace = "rev-rec";

std::string decoded_base64(const std::string& text) {
  std::string out;
  if (const std::string error = api::decode_base64(text, out); !error.empty()) throw std::runtime_error(error);
  return out;
}

Json owned_by(const Json& owner) {
  return {{{"apiVersion", owner["apiVersion"]},
           {"kind", owner["kind"]},
           {"name", owner["metadata"]["name"]},
           {"uid", owner["metadata"]["uid"]},
           {"controller", true},
           {"blockOwnerDeletion", true}}};
}

// Objects as upstream's loops left them, in a cluster whose loops have not begun.
class LeftBehind {
 public:
  LeftBehind(const Json& row, const std::string& loops)
      : row_(row), cluster_(sim::loops(loops).later()), user_(cluster_, "upstream") {
    create({{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", kSpace}}}});
    Json input = row["input"];
    if (row["kind"] == "Deployment") input["spec"]["replicas"] = 1;
    owner_ = create(input);
    if (row["kind"] == "Deployment") {
      leave_replica_set();
    } else {
      leave_revision();
    }
  }

  // What changed that should not have, once our loops have worked for a while.
  std::string changes() {
    const Json before = rest();
    cluster_.restart_loops();
    cluster_.advance(2min);
    Bindings none;
    return differences(before, rest(), none);
  }

 private:
  Json create(const Json& object) {
    const CallAnswer answer = create_whole(user_, object);
    if (answer.code != 201) throw std::runtime_error(answer.body.dump());
    return answer.body;
  }

  void leave_replica_set() {
    const std::string hash = row_["podTemplateHash"];
    Json selector = owner_["spec"]["selector"], pod_template = row_["template"];
    selector["matchLabels"]["pod-template-hash"] = hash;
    pod_template["metadata"]["labels"]["pod-template-hash"] = hash;
    const Json annotations = {{"deployment.kubernetes.io/desired-replicas", "1"},
                              {"deployment.kubernetes.io/max-replicas", "2"},
                              {"deployment.kubernetes.io/revision", "1"}};
    const Json set = create({{"apiVersion", "apps/v1"},
                             {"kind", "ReplicaSet"},
                             {"metadata",
                              {{"name", row_["replicaSetName"]},
                               {"namespace", kSpace},
                               {"labels", pod_template["metadata"]["labels"]},
                               {"annotations", annotations},
                               {"ownerReferences", owned_by(owner_)}}},
                             {"spec", {{"replicas", 1}, {"selector", selector}, {"template", pod_template}}}});
    create({{"apiVersion", "v1"},
            {"kind", "Pod"},
            {"metadata",
             {{"name", row_["replicaSetName"].get<std::string>() + "-abcde"},
              {"namespace", kSpace},
              {"labels", pod_template["metadata"]["labels"]},
              {"ownerReferences", owned_by(set)}}},
            {"spec", pod_template["spec"]}});
  }

  void leave_revision() {
    create({{"apiVersion", "apps/v1"},
            {"kind", "ControllerRevision"},
            {"metadata",
             {{"name", row_["revisionName"]},
              {"namespace", kSpace},
              {"labels", row_["labels"]},
              {"annotations", row_["annotations"]},
              {"ownerReferences", owned_by(owner_)}}},
            {"data", Json::parse(decoded_base64(row_["dataBase64"]))},
            {"revision", row_["revision"]}});
  }

  // Names and UIDs of what a rollout would add to or take away.
  Json rest() {
    Json out = Json::object();
    for (const char* plural : {"pods", "replicasets", "controllerrevisions"}) {
      const std::string group = plural == std::string_view("pods") ? "/api/v1" : "/apis/apps/v1";
      const Json all = user_.send("GET", group + "/namespaces/" + kSpace + "/" + plural).body;
      for (const Json& each : all.value("items", Json::array())) {
        const Json& metadata = each["metadata"];
        out[std::string(plural) + "/" + metadata["name"].get<std::string>()] = {
            {"uid", metadata["uid"]},
            {"terminating", metadata.contains("deletionTimestamp")},
            {"replicas", each.value("spec", Json::object()).value("replicas", Json())}};
      }
    }
    return out;
  }

  const Json& row_;
  sim::Cluster cluster_;
  ClusterCalls user_;
  Json owner_;
};

class RevisionsPlayer final : public Player {
 public:
  Outcome play(const Json& row) override {
    const std::string kind = row["kind"];
    const std::string loop = kind == "Deployment"  ? "deployment-controller"
                             : kind == "DaemonSet" ? "daemonset-controller"
                                                   : "statefulset-controller";
    if (!controllers::find_loop(loop)) return Outcome::not_served(loop);
    const std::string differs = LeftBehind(row, kind == "Deployment" ? loop + ",replicaset-controller" : loop).changes();
    if (differs.empty()) return Outcome::agrees(1);
    return Outcome::differs(0, kind + ": another revision", differs);
  }
};

TEST(Revisions, AreKept) {
  RevisionsPlayer player;
  play({.name = "revisions",
        .levels = {"kept"},
        .row_name = [](const Json& row) { return row.at("kind").get<std::string>() + "/" + row.at("case").get<std::string>(); },
        .group = [](const Json& row) { return row.at("kind").get<std::string>(); }},
       player);
}

// The player sends data as JSON, which its reader writes anew: what of the bytes matters is looked at here.
TEST(Revisions, HaveTheBytesAndTheNames) {
  int seen = 0;
  for (const std::string& text : read_rows("revisions")) {
    const Json row = Json::parse(text);
    if (row["kind"] == "Deployment") continue;
    SCOPED_TRACE(row["kind"].get<std::string>() + "/" + row["case"].get<std::string>());
    ++seen;
    core::v1::PodTemplateSpec pod_template;
    api::from_json(row["template"], pod_template);
    const std::string data = controllers::revision_data(pod_template);
    EXPECT_EQ(data, decoded_base64(row["dataBase64"]));
    // Upstream names those of daemon sets by a dump of its memory.
    if (row["kind"] != "StatefulSet") continue;
    const std::string hash = controllers::revision_hash(data, 0);
    EXPECT_EQ(hash, row["labels"][controllers::kRevisionHash].get<std::string>());
    EXPECT_EQ(controllers::revision_name(row["input"]["metadata"]["name"], hash), row["revisionName"].get<std::string>());
  }
  EXPECT_GT(seen, 0);
}

}  // namespace
}  // namespace ph::vectors
