// Priority and fairness: which flow a request is of, who gets the seats, and what a flood does to others.
#include "apiserver/flowcontrol/flow_control.h"

#include <gmock/gmock.h>

#include <set>

#include "api/flows.h"
#include "apiserver/flowcontrol/shares.h"
#include "tests/apiserver/harness.h"

namespace ph::apiserver::testing {
namespace {

using ::testing::ElementsAre;

Identity account(const std::string& space, const std::string& name) {
  return {.name = "system:serviceaccount:" + space + ":" + name,
          .groups = {"system:serviceaccounts", "system:serviceaccounts:" + space, "system:authenticated"}};
}

RequestInfo of_resource(std::string verb, std::string group, std::string resource, std::string space = {}, std::string sub = {}) {
  RequestInfo out{.is_resource = true, .verb = std::move(verb), .group = std::move(group)};
  out.resource = std::move(resource);
  out.namespace_name = std::move(space);
  out.subresource = std::move(sub);
  return out;
}

RequestInfo of_path(std::string path) { return {.verb = "get", .path = std::move(path)}; }

template <class T>
std::vector<T> joined(std::vector<T> a, const std::vector<T>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

FlowConfig fresh_cluster() {
  return FlowConfig::make(joined(api::mandatory_flow_schemas(), api::suggested_flow_schemas()),
                          joined(api::mandatory_priority_levels(), api::suggested_priority_levels()));
}

TEST(Flows, OfAFreshCluster) {
  struct Case {
    const char* name;
    Identity user;
    RequestInfo request;
    const char *schema, *level, *distinguisher;
  };
  const Identity admin{.name = "a", .groups = {"system:masters", "system:authenticated"}};
  const Identity node{.name = "system:node:n", .groups = {"system:nodes", "system:authenticated"}};
  const Identity manager{.name = "system:kube-controller-manager", .groups = {"system:authenticated"}};
  const Identity jane{.name = "jane", .groups = {"system:authenticated"}};
  const Identity nobody{.name = "system:anonymous", .groups = {"system:unauthenticated"}};
  const Identity stranger{.name = "x"};
  const Case cases[] = {
      {"masters", admin, of_resource("create", "", "pods", "a"), "exempt", "exempt", ""},
      {"masters' paths", admin, of_path("/metrics"), "exempt", "exempt", ""},
      {"probes", nobody, of_path("/readyz"), "probes", "exempt", ""},
      {"one probe of many", nobody, of_path("/readyz/etcd"), "global-default", "global-default", "system:anonymous"},
      {"a lease of a daemon", manager, of_resource("update", "coordination.k8s.io", "leases", "kube-system"),
       "system-leader-election", "leader-election", "system:kube-controller-manager"},
      {"a lease of a system account", account("kube-system", "x"), of_resource("get", "coordination.k8s.io", "leases", "a"),
       "system-leader-election", "leader-election", "system:serviceaccount:kube-system:x"},
      {"… which he only watches", account("kube-system", "x"), of_resource("watch", "coordination.k8s.io", "leases", "a"),
       "kube-system-service-accounts", "workload-high", "a"},
      {"all namespaces' leases", manager, of_resource("get", "coordination.k8s.io", "leases"), "kube-controller-manager",
       "workload-high", ""},
      {"a node's status", node, of_resource("patch", "", "nodes", "", "status"), "system-node-high", "node-high",
       "system:node:n"},
      {"a node's pods", node, of_resource("patch", "", "pods", "a", "status"), "system-nodes", "system", "system:node:n"},
      {"the manager", manager, of_resource("create", "", "pods", "a"), "kube-controller-manager", "workload-high", "a"},
      {"another account", account("a", "x"), of_resource("list", "", "pods", "a"), "service-accounts", "workload-low",
       "system:serviceaccount:a:x"},
      {"an account whose namespace begins alike", account("kube-system-b", "x"), of_resource("list", "", "pods", "a"),
       "service-accounts", "workload-low", "system:serviceaccount:kube-system-b:x"},
      {"a person", jane, of_resource("list", "", "pods", "a"), "global-default", "global-default", "jane"},
      {"nobody", nobody, of_path("/version"), "global-default", "global-default", "system:anonymous"},
      {"someone of no group", stranger, of_path("/version"), "catch-all", "catch-all", ""},
  };
  const FlowConfig config = fresh_cluster();
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Flow flow = config.classify(c.user, c.request);
    EXPECT_EQ(flow.schema->schema.metadata().name(), c.schema);
    EXPECT_EQ(flow.schema->level->name, c.level);
    EXPECT_EQ(flow.distinguisher, c.distinguisher);
  }
}

TEST(Flows, OfWhatIsThereAndWhatIsNot) {
  flowcontrol::v1::FlowSchema mine = *api::mandatory_flow_schema("catch-all");
  mine.mutable_metadata()->set_name("mine");
  mine.mutable_spec()->set_matching_precedence(10);
  mine.mutable_spec()->mutable_priority_level_configuration()->set_name("not-there");
  const Identity jane{.name = "jane", .groups = {"system:authenticated"}};
  // A schema without its level is as if it were not there, and what is mandatory is there though nobody made it.
  EXPECT_EQ(FlowConfig::make({mine}, {}).classify(jane, of_path("/x")).schema->schema.metadata().name(), "catch-all");
  mine.mutable_spec()->mutable_priority_level_configuration()->set_name("exempt");
  EXPECT_EQ(FlowConfig::make({mine}, {}).classify(jane, of_path("/x")).schema->schema.metadata().name(), "mine");
}

TEST(Flows, RulesNameResourcesAndPaths) {
  struct Case {
    const char* name;
    RequestInfo request;
    bool matches;
  };
  flowcontrol::v1::FlowSchema schema;
  auto& rules = *schema.mutable_spec()->add_rules();
  auto& subject = *rules.add_subjects();
  subject.set_kind("User");
  subject.mutable_user()->set_name("*");
  auto& rule = *rules.add_resource_rules();
  rule.add_verbs("list");
  rule.add_api_groups("");
  rule.add_resources("pods/log");
  rule.add_namespaces("a");
  auto& path = *rules.add_non_resource_rules();
  path.add_verbs("get");
  path.add_non_resource_urls("/logs/*");
  const Case cases[] = {
      {"it", of_resource("list", "", "pods", "a", "log"), true},
      {"not the whole", of_resource("list", "", "pods", "a"), false},
      {"another verb", of_resource("get", "", "pods", "a", "log"), false},
      {"another group", of_resource("list", "apps", "pods", "a", "log"), false},
      {"another namespace", of_resource("list", "", "pods", "b", "log"), false},
      {"of the cluster", of_resource("list", "", "pods", "", "log"), false},
      {"below the path", of_path("/logs/x/y"), true},
      {"the path itself", of_path("/logs"), false},
      {"another path", of_path("/logsx/y"), false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(schema_matches(schema, {.name = "x"}, c.request), c.matches);
  }
}

// -- How seats are divided

TEST(SeatShares, OfAFreshCluster) {
  const FlowConfig config = fresh_cluster();
  std::vector<const LevelSpec*> levels;
  std::vector<std::string> told;
  for (const auto& [name, level] : config.levels()) levels.push_back(level.get());
  const std::vector<SeatBounds> bounds = divide_seats(levels, 600);
  for (std::size_t i = 0; i < levels.size(); ++i) {
    told.push_back(levels[i]->name + " " + std::to_string(bounds[i].nominal) + " from " + std::to_string(bounds[i].least) +
                   " to " + std::to_string(bounds[i].most));
  }
  EXPECT_THAT(told, ElementsAre("catch-all 13 from 13 to 600", "exempt 0 from 0 to 600", "global-default 49 from 24 to 600",
                                "leader-election 25 from 25 to 600", "node-high 98 from 73 to 600", "system 74 from 50 to 600",
                                "workload-high 98 from 49 to 600", "workload-low 245 from 24 to 600"));
}

TEST(SeatShares, WhatIsNotWantedIsLent) {
  const SeatBounds half{.nominal = 50, .least = 10, .most = 100}, bounded{.nominal = 50, .least = 10, .most = 60};
  struct Case {
    const char* name;
    std::vector<SeatWish> wishes;
    std::vector<int> limits;
  };
  const Case cases[] = {
      {"both want all", {{half, 200, 200}, {half, 200, 200}}, {50, 50}},
      {"one wants all", {{half, 200, 200}, {half, 0, 0}}, {90, 10}},
      {"… and may not have more than its own and some", {{bounded, 200, 200}, {half, 0, 0}}, {60, 40}},
      {"the other begins to want", {{half, 200, 200}, {half, 30, 30}}, {70, 30}},
      {"both want little", {{half, 20, 20}, {half, 20, 20}}, {50, 50}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(lend_seats(c.wishes, 100), c.limits);
  }
}

TEST(SeatShares, DemandGrowsAtOnceAndFallsSlowly) {
  const SeatDemand much{.average = 40, .deviation = 10, .most = 60}, none;
  double demand = smooth_demand(0, much);
  EXPECT_DOUBLE_EQ(demand, 50);
  demand = smooth_demand(demand, none);
  EXPECT_GT(demand, 45);
  EXPECT_LT(demand, 50);
  EXPECT_LT(smooth_demand(50, none, 360), 0.1);
}

// -- Queues

TEST(ShuffleSharding, HandsAreOfDifferentCardsAndOfAll) {
  std::set<std::size_t> seen;
  for (std::uint64_t i = 0; i < 200; ++i) {
    const auto hand = deal(i * 0x9E3779B97F4A7C15ULL, 16, 4);
    EXPECT_EQ(std::set<std::size_t>(hand.begin(), hand.end()).size(), 4u);
    for (const std::size_t card : hand) EXPECT_LT(card, 16u);
    seen.insert(hand.begin(), hand.end());
  }
  EXPECT_EQ(seen.size(), 16u);
  EXPECT_EQ(deal(12345, 3, 3).size(), 3u);
}

class Level : public ::testing::Test {
 protected:
  static std::shared_ptr<LevelSpec> spec() {
    auto out = std::make_shared<LevelSpec>();
    out->queues = true;
    out->queue_count = 4;
    out->hand = 1;
    out->queue_length = 10;
    return out;
  }
  using Occupied = std::unique_ptr<PriorityLevel::Occupied>;

  sim::SimExecutor executor;
  PriorityLevel level{executor.clock(), spec()};
};

TEST_F(Level, SeatsAreBoundedAndGivenOn) {
  level.set_limit(2);
  Occupied a = level.try_enter(0, 1), b = level.try_enter(1, 1);
  ASSERT_TRUE(a && b);
  EXPECT_FALSE(level.try_enter(2, 1));
  PriorityLevel::Waiting wide(level, 2, 2);
  PriorityLevel::Waiting narrow(level, 2, 1);
  a.reset();
  EXPECT_FALSE(wide.take());  // one seat is not enough, and nobody of its queue comes before it
  EXPECT_FALSE(narrow.take());
  b.reset();
  const Occupied c = wide.take();
  EXPECT_TRUE(c);
  EXPECT_EQ(level.in_use(), 2);
  EXPECT_EQ(level.waiting(), 1u);
}

TEST_F(Level, WhatIsWiderThanTheLevelHasItAlone) {
  level.set_limit(2);
  Occupied a = level.try_enter(0, 5);
  EXPECT_TRUE(a);
  EXPECT_FALSE(level.try_enter(0, 1));
}

TEST_F(Level, WhoGivesUpGivesBack) {
  level.set_limit(1);
  Occupied a = level.try_enter(0, 1);
  auto first = std::make_unique<PriorityLevel::Waiting>(level, 0, 1);
  PriorityLevel::Waiting second(level, 0, 1);
  a.reset();
  first.reset();  // has been given the seat and has not taken it
  EXPECT_TRUE(second.take());
}

TEST_F(Level, QueuesTakeTurnsHoweverLongOneIs) {
  level.set_limit(1);
  Occupied seat = level.try_enter(0, 1);
  std::vector<std::unique_ptr<PriorityLevel::Waiting>> flood;
  for (int i = 0; i < 8; ++i) flood.push_back(std::make_unique<PriorityLevel::Waiting>(level, 0, 1));
  PriorityLevel::Waiting other(level, 1, 1);
  int before = 0;
  while (!other.told().is_set()) {
    executor.advance(10ms);
    seat.reset();
    for (auto& one : flood) {
      if (one && one->told().is_set()) {
        seat = one->take();
        one.reset();
        ++before;
        break;
      }
    }
  }
  EXPECT_LE(before, 2);
}

// -- The server

const char* const kMaps = "/api/v1/namespaces/default/configmaps";

class FlowControlOfServer : public ::testing::Test {
 protected:
  static ServerOptions options() {
    ServerOptions out = quiet_options();
    out.max_requests = 20;
    out.max_writes = 0;
    return out;
  }
  MemoryOptions slow_disk() {
    MemoryOptions out;
    out.fault = [](const Transaction&, MemoryOptions::Moment moment) { return wait(moment); };
    return out;
  }
  static Task<void> wait(MemoryOptions::Moment moment) {
    if (moment == MemoryOptions::Moment::BeforeWrite) co_await sleep_for(100ms);
  }
  // One level for all, with two seats.
  void SetUp() override {
    const std::string level =
        R"({"metadata":{"name":"narrow"},"spec":{"type":"Limited","limited":{"nominalConcurrencyShares":1,"borrowingLimitPercent":0,)"
        R"("limitResponse":{"type":"Queue","queuing":{"queues":8,"handSize":2,"queueLengthLimit":3}}}}})";
    const std::string rest =
        R"({"metadata":{"name":"rest"},"spec":{"type":"Limited","limited":{"nominalConcurrencyShares":4,"limitResponse":{"type":"Reject"}}}})";
    const std::string schema =
        R"({"metadata":{"name":"people"},"spec":{"priorityLevelConfiguration":{"name":"narrow"},"matchingPrecedence":100,)"
        R"("distinguisherMethod":{"type":"ByUser"},"rules":[{"subjects":[{"kind":"Group","group":{"name":"people"}}],)"
        R"("resourceRules":[{"verbs":["*"],"apiGroups":["*"],"resources":["*"],"clusterScope":true,"namespaces":["*"]}]}]}})";
    const std::string base = "/apis/flowcontrol.apiserver.k8s.io/v1/";
    ASSERT_EQ(server.post(base + "prioritylevelconfigurations", level).status, 201);
    ASSERT_EQ(server.post(base + "prioritylevelconfigurations", rest).status, 201);
    ASSERT_EQ(server.post(base + "flowschemas", schema).status, 201);
  }
  HttpRequest create(const std::string& user, int number) {
    HttpRequest request = Harness::request("POST", kMaps, R"({"metadata":{"name":")" + user + std::to_string(number) + R"("}})",
                                           "application/json");
    request.peer.identity = Identity{.name = user, .groups = {"people"}};
    return request;
  }

  Harness server{options(), {}, slow_disk()};
};

TEST_F(FlowControlOfServer, AnswersNameTheirFlow) {
  const Answer answer = server.send(create("jane", 1));
  EXPECT_EQ(answer.status, 201);
  const auto uid = [&](const std::string& path) {
    return server.get("/apis/flowcontrol.apiserver.k8s.io/v1/" + path).json()["metadata"]["uid"].get<std::string>();
  };
  EXPECT_EQ(answer.headers.get("X-Kubernetes-PF-FlowSchema-UID"), uid("flowschemas/people"));
  EXPECT_EQ(answer.headers.get("X-Kubernetes-PF-PriorityLevel-UID"), uid("prioritylevelconfigurations/narrow"));
}

TEST_F(FlowControlOfServer, AFloodIsRefusedBeyondItsQueuesAndSlowsNobodyElse) {
  std::vector<std::shared_ptr<std::optional<Answer>>> flood;
  for (int i = 0; i < 40; ++i) flood.push_back(server.start(create("flood", i)));
  server.executor.drain();
  const auto jane = server.start(create("jane", 1));
  server.executor.drain();
  // The whole of the flood would take a second and more at two seats; she has her turn after those that are at work.
  for (int i = 0; i < 8 && !*jane; ++i) server.executor.advance(100ms);
  ASSERT_TRUE(*jane);
  EXPECT_EQ((*jane)->status, 201);
  for (int i = 0; i < 100; ++i) server.executor.advance(100ms);
  std::map<int, int> codes;
  for (const auto& answer : flood) ++codes[(*answer)->status];
  EXPECT_GE(codes[201], 6);  // two queues of three, at least
  EXPECT_GT(codes[429], 20);
  EXPECT_EQ(codes[201] + codes[429], 40);
  const auto refused = std::ranges::find_if(flood, [](const auto& answer) { return (*answer)->status == 429; });
  EXPECT_EQ((**refused)->headers.get("Retry-After"), "1");
  EXPECT_EQ((**refused)->body, "Too many requests, please try again later.\n");
  // Nothing stays behind.
  EXPECT_EQ(server.send(create("flood", 1000)).status, 201);
}

TEST_F(FlowControlOfServer, AnswersThatWaitForNothingTakeNoSeat) {
  const auto list = [] {
    HttpRequest out = Harness::request("GET", kMaps);
    out.peer.identity = Identity{.name = "flood", .groups = {"people"}};
    return out;
  };
  // What somebody has asked for is published, until it changes.
  ASSERT_EQ(server.send(create("jane", 1)).status, 201);
  ASSERT_EQ(server.send(list()).status, 200);
  std::vector<std::shared_ptr<std::optional<Answer>>> flood;
  for (int i = 0; i < 8; ++i) flood.push_back(server.start(create("flood", i)));
  server.executor.drain();
  const auto answer = server.start(list());
  server.executor.drain();
  ASSERT_TRUE(*answer);
  EXPECT_EQ((*answer)->status, 200);
  for (int i = 0; i < 20; ++i) server.executor.advance(100ms);
}

}  // namespace
}  // namespace ph::apiserver::testing
