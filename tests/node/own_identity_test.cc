// A process with one node and that node's own identity: it needs nothing that such a user may not do.
#include <gmock/gmock.h>

#include "pilothouse/components.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::node {
namespace {

using core::v1::Pod;

// Hands everything on, and notes what was asked for.
class Noting final : public HttpHandler {
 public:
  explicit Noting(HttpHandler& to) : to_(to) {}
  Task<HttpResponse> handle(HttpRequest request) override {
    lines.push_back(request.method + " " + request.target);
    return to_.handle(std::move(request));
  }
  Task<HeadVerdict> judge_head(HttpRequest head) override { return to_.judge_head(std::move(head)); }

  std::vector<std::string> lines;

 private:
  HttpHandler& to_;
};

class OwnIdentity : public testing::Test {
 protected:
  OwnIdentity() {
    scope_.spawn(nodes_.nodes.start());
    cluster.advance(5s);
  }

  sim::Cluster cluster{sim::no_loops().access().without_admission({"ServiceAccount"})};
  Noting server{cluster.server()};

 private:
  SeededRng rng_{7};
  const pilothouse::Connector connector_{[this](Executor&, Identity) {
    Identity node;
    node.name = "system:node:node-0";
    node.groups = {"system:nodes", "system:authenticated"};
    return in_process_transport(server, cluster.executor(), node);
  }};
  pilothouse::NodeComponent nodes_{cluster.executor(), connector_, {.count = 1}, rng_, Log()};
  Scope scope_{cluster.executor()};
};

TEST_F(OwnIdentity, IsEnoughForANodeAndItsPods) {
  EXPECT_TRUE(cluster.has<core::v1::Node>("node-0"));
  cluster.create(sim::make_pod("default/mine", "node-0"));
  cluster.create(sim::make_pod("default/others", "node-1"));
  cluster.advance(15s);
  EXPECT_EQ(cluster.get<Pod>("default/mine").status().phase(), "Running");
  EXPECT_EQ(cluster.get<Pod>("default/others").status().phase(), "Pending");
  const auto lease = cluster.get<coordination::v1::Lease>("kube-node-lease/node-0");
  EXPECT_GT(lease.spec().renew_time().seconds(), lease.metadata().creation_timestamp().seconds());
  cluster.advance(6min);
  cluster.remove<Pod>("default/mine");
  cluster.advance(1s);
  EXPECT_FALSE(cluster.has<Pod>("default/mine"));
}

TEST_F(OwnIdentity, AsksForItsOwnObjectsAlone) {
  cluster.advance(6min);
  int followed = 0;
  for (const std::string& line : server.lines) {
    const bool collection = line.starts_with("GET /api/v1/pods?") || line.starts_with("GET /api/v1/nodes?");
    if (!collection) continue;
    ++followed;
    const bool narrow = line.find("fieldSelector=spec.nodeName%3Dnode-0") != line.npos ||
                        line.find("fieldSelector=metadata.name%3Dnode-0") != line.npos;
    EXPECT_TRUE(narrow) << line;
  }
  EXPECT_GE(followed, 2);
}

}  // namespace
}  // namespace ph::node
