// Addresses and ports of services, through the API and the store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <span>

#include "apiserver/registry/ip_range.h"
#include "tests/apiserver/harness.h"

namespace ph::apiserver::testing {
namespace {

using ::testing::HasSubstr;

const std::string kServices = "/api/v1/namespaces/default/services";

std::string service(const std::string& name, const std::string& spec = "") {
  return R"({"metadata":{"name":")" + name + R"("},"spec":{"ports":[{"port":80}])" + spec + "}}";
}

TEST(IpRange, ParsesAndRefuses) {
  const IpRange range = IpRange::parse("10.96.0.0/12");
  EXPECT_EQ(range.size(), 1u << 20);
  EXPECT_EQ(range.text(1), "10.96.0.1");
  EXPECT_EQ(range.offset("10.96.1.0"), 256u);
  EXPECT_EQ(range.offset("10.96.0.0"), std::nullopt);
  EXPECT_EQ(range.offset("10.111.255.255"), std::nullopt);
  EXPECT_EQ(range.offset("10.112.0.1"), std::nullopt);
  EXPECT_EQ(range.offset("10.96.0"), std::nullopt);
  for (const char* bad : {"", "10.96.0.0", "10.96.0.0/33", "10.96.0/12", "fd00::/108"}) {
    SCOPED_TRACE(bad);
    EXPECT_THROW(IpRange::parse(bad), std::invalid_argument);
  }
}

TEST(NumberPool, LeavesTheBandForLast) {
  SeededRng rng(1);
  NumberPool pool(10, 19, 4);
  std::set<std::uint32_t> upper, lower;
  for (int i = 0; i < 6; ++i) {
    const auto number = pool.pick(rng);
    pool.take(*number);
    upper.insert(*number);
  }
  EXPECT_EQ(upper, (std::set<std::uint32_t>{14, 15, 16, 17, 18, 19}));
  for (int i = 0; i < 4; ++i) {
    const auto number = pool.pick(rng);
    pool.take(*number);
    lower.insert(*number);
  }
  EXPECT_EQ(lower, (std::set<std::uint32_t>{10, 11, 12, 13}));
  EXPECT_EQ(pool.pick(rng), std::nullopt);
  pool.release(12);
  EXPECT_EQ(pool.pick(rng), 12u);
}

TEST(Services, TypesGetWhatTheyNeed) {
  struct Case {
    const char* name;
    std::string spec;
    bool address, node_port;
  };
  const Case kCases[] = {
      {"cluster-ip", "", true, false},
      {"node-port", R"(,"type":"NodePort")", true, true},
      {"load-balancer", R"(,"type":"LoadBalancer")", true, true},
      {"load-balancer-plain", R"(,"type":"LoadBalancer","allocateLoadBalancerNodePorts":false)", true, false},
      {"headless", R"(,"clusterIP":"None","selector":{"a":"b"})", false, false},
      {"external", R"(,"type":"ExternalName","externalName":"example.com")", false, false},
  };
  Harness api;
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const Answer answer = api.post(kServices, service(c.name, c.spec));
    ASSERT_EQ(answer.status, 201) << answer.body;
    const Json spec = answer.json()["spec"];
    EXPECT_EQ(spec.value("clusterIP", "None") != "None", c.address);
    EXPECT_EQ(spec["ports"][0].contains("nodePort"), c.node_port);
    if (!c.address) continue;
    EXPECT_EQ(spec["clusterIPs"], Json::array({spec["clusterIP"]}));
    EXPECT_EQ(spec["ipFamilies"], Json::parse(R"(["IPv4"])"));
    EXPECT_EQ(spec["ipFamilyPolicy"], "SingleStack");
  }
}

TEST(Services, WantedNumbers) {
  struct Case {
    const char* name;
    std::string spec;
    const char* message;  // of the refusal
  };
  const Case kCases[] = {
      {"taken address", R"(,"clusterIP":"10.96.0.10")", "failed to allocate IP 10.96.0.10: provided IP is already allocated"},
      {"address elsewhere", R"(,"clusterIP":"192.168.0.1")", "is not in the valid range. The range of valid IPs is 10.96.0.0/12"},
      {"taken port", R"(,"type":"NodePort","ports":[{"port":80,"nodePort":30080}])",
       "spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated"},
      {"port elsewhere", R"(,"type":"NodePort","ports":[{"port":80,"nodePort":80}])", "The range of valid ports is 30000-32767"},
  };
  Harness api;
  ASSERT_EQ(api.post(kServices, service("dns", R"(,"clusterIP":"10.96.0.10")")).status, 201);
  ASSERT_EQ(
      api.post(kServices, R"({"metadata":{"name":"web"},"spec":{"type":"NodePort","ports":[{"port":80,"nodePort":30080}]}})")
          .status,
      201);
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const std::string ports = c.spec.find("\"ports\"") == std::string::npos ? R"("ports":[{"port":80}])" : "";
    const std::string spec = ports.empty() ? c.spec.substr(1) : ports + c.spec;
    const Answer answer = api.post(kServices, R"({"metadata":{"name":"x"},"spec":{)" + spec + "}}");
    EXPECT_EQ(answer.status, 422) << answer.body;
    EXPECT_THAT(answer.message(), HasSubstr(c.message));
  }
  api.remove(kServices + "/dns");
  api.remove(kServices + "/web");
  EXPECT_EQ(api.post(kServices, service("dns", R"(,"clusterIP":"10.96.0.10")")).status, 201);
}

TEST(Services, OneOfTwoCreatesAtTheSameTimeGetsTheAddress) {
  Harness api;
  auto a = api.start(Harness::request("POST", kServices, service("a", R"(,"clusterIP":"10.96.0.10")"), "application/json"));
  auto b = api.start(Harness::request("POST", kServices, service("b", R"(,"clusterIP":"10.96.0.10")"), "application/json"));
  api.executor.drain();
  EXPECT_EQ((*a)->status, 201);
  EXPECT_EQ((*b)->status, 422);
}

TEST(Services, UpdatesKeepTakeAndGiveBack) {
  Harness api;
  Json object = api.post(kServices, service("s", R"(,"type":"NodePort")")).json();
  const std::string address = object["spec"]["clusterIP"];
  const int port = object["spec"]["ports"][0]["nodePort"];
  // A client that leaves out what the server gave.
  const Json kept = api.put(kServices + "/s", service("s", R"(,"type":"NodePort","selector":{"a":"b"})")).json();
  EXPECT_EQ(kept["spec"]["clusterIP"], address);
  EXPECT_EQ(kept["spec"]["ports"][0]["nodePort"], port);
  const Json inner = api.patch(kServices + "/s", R"({"spec":{"type":"ClusterIP"}})").json();
  EXPECT_EQ(inner["spec"]["clusterIP"], address);
  EXPECT_FALSE(inner["spec"]["ports"][0].contains("nodePort"));
  const std::string wanted =
      R"({"metadata":{"name":"t"},"spec":{"type":"NodePort","ports":[{"port":80,"nodePort":)" + std::to_string(port) + "}]}}";
  EXPECT_EQ(api.post(kServices, wanted).status, 201) << "the port is free again";
  EXPECT_EQ(api.patch(kServices + "/s", R"({"spec":{"type":"NodePort"}})").status, 200);
}

TEST(Services, DryRunsAndRefusalsTakeNothing) {
  Harness api;
  EXPECT_EQ(api.post(kServices + "?dryRun=All", service("a", R"(,"clusterIP":"10.96.0.10")")).status, 201);
  ASSERT_EQ(api.post(kServices, service("a")).status, 201);
  EXPECT_EQ(api.post(kServices, service("a", R"(,"clusterIP":"10.96.0.10")")).status, 409) << "the name is taken";
  EXPECT_EQ(api.post(kServices, service("b", R"(,"clusterIP":"10.96.0.10")")).status, 201);
}

const std::string kAddresses = "/apis/networking.k8s.io/v1/ipaddresses";

TEST(Services, AddressesSayWhoseTheyAre) {
  Harness api;
  ASSERT_EQ(api.post(kServices, service("a", R"(,"clusterIP":"10.96.0.10")")).status, 201);
  const Json address = api.get(kAddresses + "/10.96.0.10").json();
  EXPECT_EQ(address["spec"]["parentRef"], Json::parse(R"({"resource":"services","namespace":"default","name":"a"})"));
  EXPECT_EQ(address["metadata"]["labels"]["ipaddress.kubernetes.io/managed-by"], "ipallocator.k8s.io");
  EXPECT_FALSE(address["metadata"]["uid"].get<std::string>().empty());
  const std::string chosen = api.post(kServices, service("b")).json()["spec"]["clusterIP"];
  EXPECT_EQ(api.get(kAddresses + "/" + chosen).status, 200);
  ASSERT_EQ(api.post(kServices, service("c", R"(,"clusterIP":"None")")).status, 201);
  EXPECT_EQ(api.names(kAddresses).size(), 2u);
  ASSERT_EQ(api.patch(kServices + "/a", R"({"metadata":{"labels":{"x":"y"}}})").status, 200);
  EXPECT_EQ(api.names(kAddresses).size(), 2u);
  api.remove(kServices + "/a");
  EXPECT_EQ(api.names(kAddresses), std::vector<std::string>{chosen});
}

TEST(Services, AnAddressOfSomebodyElseIsNotGivenOut) {
  Harness api;
  ASSERT_EQ(api.post(kAddresses,
                     R"({"metadata":{"name":"10.96.0.10"},"spec":{"parentRef":{"group":"a.io","resource":"x","name":"y"}}})")
                .status,
            201);
  EXPECT_EQ(api.post(kServices, service("a", R"(,"clusterIP":"10.96.0.10")")).status, 422);
  EXPECT_EQ(api.post(kServices + "?dryRun=All", service("a", R"(,"clusterIP":"10.96.0.10")")).status, 422);
  api.remove(kAddresses + "/10.96.0.10");
  EXPECT_EQ(api.post(kServices, service("a", R"(,"clusterIP":"10.96.0.10")")).status, 201);
}

TEST(Services, ARestartKnowsWhatIsTaken) {
  Harness api;
  ASSERT_EQ(api.post(kServices, service("a", R"(,"clusterIP":"10.96.0.10")")).status, 201);
  api.restart();
  EXPECT_EQ(api.post(kServices, service("b", R"(,"clusterIP":"10.96.0.10")")).status, 422);
}

TEST(KubernetesService, IsMadeAndKept) {
  ServerOptions options;
  options.advertise_address = "192.0.2.1";
  Harness api(options);
  const Json made = api.get(kServices + "/kubernetes").json();
  EXPECT_EQ(made["spec"]["clusterIP"], "10.96.0.1");
  EXPECT_EQ(made["spec"]["ports"][0]["targetPort"], 6443);
  const Json endpoints = api.get("/api/v1/namespaces/default/endpoints/kubernetes").json();
  EXPECT_EQ(endpoints["subsets"][0]["addresses"][0]["ip"], "192.0.2.1");
  const std::string slice = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes";
  EXPECT_EQ(api.get(slice).json()["endpoints"][0]["addresses"][0], "192.0.2.1");
  const std::string ranges = "/apis/networking.k8s.io/v1/servicecidrs";
  const Json range = api.get(ranges + "/kubernetes").json();
  EXPECT_EQ(range["spec"]["cidrs"], Json::array({"10.96.0.0/12"}));
  EXPECT_EQ(range["status"]["conditions"][0]["type"], "Ready");
  EXPECT_EQ(range["status"]["conditions"][0]["status"], "True");
  api.remove(slice);
  const Revision before = api.store->revision();
  api.executor.advance(10s);
  EXPECT_EQ(api.get(slice).status, 200);
  EXPECT_GT(api.store->revision(), before);
  const Revision settled = api.store->revision();
  api.executor.advance(10min);
  EXPECT_EQ(api.store->revision(), settled) << "at rest nothing is written";
}

TEST(Events, GoAnHourAfterTheirLastWrite) {
  Harness api;
  const std::string events = "/api/v1/namespaces/default/events";
  const auto event = [](const std::string& name) {
    return R"({"metadata":{"name":")" + name + R"("},"involvedObject":{"namespace":"default"},"reason":"R"})";
  };
  ASSERT_EQ(api.post(events, event("old")).status, 201);
  ASSERT_EQ(api.post(events, event("kept")).status, 201);
  api.executor.advance(40min);
  ASSERT_EQ(api.patch(events + "/kept", R"({"count":2})").status, 200);
  api.executor.advance(30min);
  EXPECT_EQ(api.names(events), std::vector<std::string>{"kept"});
  api.executor.advance(31min);
  EXPECT_TRUE(api.names(events).empty());
}

TEST(Events, GoTogether) {
  std::map<Revision, int> removed;  // by transaction
  Harness api;
  api.store->follow([&](std::span<const Change> changes) {
    for (const Change& change : changes) removed[change.revision] += change.value == nullptr;
  });
  const std::string events = "/api/v1/namespaces/default/events";
  for (int i = 0; i < 250; ++i) {
    const std::string name = "e" + std::to_string(i);
    ASSERT_EQ(api.post(events, R"({"metadata":{"name":")" + name + R"("},"involvedObject":{"namespace":"default"},"reason":"R"})")
                  .status,
              201);
    if (i % 50 == 0) api.executor.advance(1s);
  }
  api.executor.advance(30min);
  ASSERT_EQ(api.patch(events + "/e7", R"({"count":2})").status, 200);
  api.executor.advance(30min);
  EXPECT_EQ(api.names(events).size(), 250u) << "others are waited for";
  removed.clear();
  api.executor.advance(30s);
  EXPECT_EQ(api.names(events), std::vector<std::string>{"e7"});
  ASSERT_EQ(removed.size(), 3u);
  for (const auto& [revision, count] : removed) EXPECT_LE(count, 100);
}

TEST(Events, OneThatIsWrittenAgainAtThatMomentStaysAlone) {
  MemoryOptions memory;
  memory.fault = [](const Transaction& transaction, MemoryOptions::Moment moment) -> Task<void> {
    if (moment == MemoryOptions::Moment::BeforeWrite && transaction.mutations.size() > 1) co_await sleep_for(2s);
  };
  Harness api(quiet_options(), {}, std::move(memory));
  const std::string events = "/api/v1/namespaces/default/events";
  for (const std::string name : {"a", "b", "c"}) {
    ASSERT_EQ(api.post(events, R"({"metadata":{"name":")" + name + R"("},"involvedObject":{"namespace":"default"},"reason":"R"})")
                  .status,
              201);
  }
  api.executor.advance(1h + 11s);
  EXPECT_EQ(api.names(events).size(), 3u) << "their removal is on its way";
  ASSERT_EQ(api.patch(events + "/b", R"({"count":2})").status, 200);
  api.executor.advance(5s);
  EXPECT_EQ(api.names(events), std::vector<std::string>{"b"});
  api.executor.advance(61min);
  EXPECT_TRUE(api.names(events).empty());
}

TEST(Events, AreOneResourceUnderTwoGroups) {
  Harness api;
  const std::string events = "/api/v1/namespaces/default/events";
  const std::string shown = "/apis/events.k8s.io/v1/namespaces/default/events";
  ASSERT_EQ(
      api.post(
             events,
             R"({"metadata":{"name":"e"},"involvedObject":{"kind":"Pod","name":"p","namespace":"default"},"reason":"R","message":"m"})")
          .status,
      201);
  const Json object = api.get(shown + "/e").json();
  EXPECT_EQ(object["apiVersion"], "events.k8s.io/v1");
  EXPECT_EQ(object["regarding"]["name"], "p");
  EXPECT_EQ(object["note"], "m");
  EXPECT_EQ(api.names(shown + "?fieldSelector=regarding.name%3Dp"), std::vector<std::string>{"e"});
  EXPECT_EQ(api.patch(shown + "/e", R"({"note":"n"})").status, 200);
  EXPECT_EQ(api.get(events + "/e").json()["message"], "n");
}

}  // namespace
}  // namespace ph::apiserver::testing
