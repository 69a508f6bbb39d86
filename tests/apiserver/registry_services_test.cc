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
  for (const char* bad : {"", "10.96.0.0", "10.96.0.0/33", "10.96.0/12", "fd00::/64", "fd00::/127"}) {
    SCOPED_TRACE(bad);
    EXPECT_THROW(IpRange::parse(bad), std::invalid_argument);
  }
}

TEST(IpRange, OfIPv6HasNoBroadcastAddress) {
  const IpRange range = IpRange::parse("fd00:0:0:7::a/112");
  EXPECT_EQ(range.cidr(), "fd00:0:0:7::/112");
  EXPECT_EQ(range.size(), 1u << 16);
  EXPECT_EQ(range.text(1), "fd00:0:0:7::1");
  EXPECT_EQ(range.text(0x1234), "fd00:0:0:7::1234");
  EXPECT_EQ(range.offset("fd00:0:0:7:0:0:0:ffff"), 0xffffu);
  EXPECT_EQ(range.offset("fd00:0:0:7::"), std::nullopt);
  EXPECT_EQ(range.offset("fd00:0:0:8::1"), std::nullopt);
  EXPECT_EQ(range.offset("10.96.0.1"), std::nullopt);
  EXPECT_EQ(IpRange::parse("10.96.0.0/12").offset("::1"), std::nullopt);
}

TEST(IpRange, OneOfEachFamily) {
  const auto both = IpRange::parse_all("fd00::/112,10.96.0.0/12");
  ASSERT_EQ(both.size(), 2u);
  EXPECT_EQ(both[0].family(), "IPv6");
  EXPECT_EQ(both[1].family(), "IPv4");
  for (const char* bad : {"10.96.0.0/12,", ",", "10.96.0.0/12,10.0.0.0/24", "10.96.0.0/12,fd00::/112,fd01::/112"}) {
    SCOPED_TRACE(bad);
    EXPECT_THROW(IpRange::parse_all(bad), std::invalid_argument);
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

// -- Two families

ServerOptions for_both() {
  ServerOptions out = quiet_options();
  out.service_cidr = "10.96.0.0/16,fd00::/112";
  return out;
}

TEST(Services, GetAnAddressOfEachOfTheirFamilies) {
  struct Case {
    const char* name;
    std::string spec;
    const char* families;
    const char* policy;
  };
  const Case kCases[] = {
      {"plain", "", R"(["IPv4"])", "SingleStack"},
      {"prefer", R"(,"ipFamilyPolicy":"PreferDualStack")", R"(["IPv4","IPv6"])", "PreferDualStack"},
      {"require", R"(,"ipFamilyPolicy":"RequireDualStack")", R"(["IPv4","IPv6"])", "RequireDualStack"},
      {"six", R"(,"ipFamilies":["IPv6"])", R"(["IPv6"])", "SingleStack"},
      {"six-first", R"(,"ipFamilyPolicy":"PreferDualStack","ipFamilies":["IPv6"])", R"(["IPv6","IPv4"])", "PreferDualStack"},
      {"by-address", R"(,"clusterIP":"fd00::77")", R"(["IPv6"])", "SingleStack"},
      {"first-by-address", R"(,"ipFamilyPolicy":"RequireDualStack","clusterIP":"fd00::78")", R"(["IPv6","IPv4"])",
       "RequireDualStack"},
      {"both-by-address", R"(,"ipFamilyPolicy":"RequireDualStack","clusterIP":"fd00::79","clusterIPs":["fd00::79","10.96.0.79"])",
       R"(["IPv6","IPv4"])", "RequireDualStack"},
  };
  Harness api(for_both());
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const Answer answer = api.post(kServices, service(c.name, c.spec));
    ASSERT_EQ(answer.status, 201) << answer.body;
    const Json spec = answer.json()["spec"];
    EXPECT_EQ(spec["ipFamilies"], Json::parse(c.families));
    EXPECT_EQ(spec["ipFamilyPolicy"], c.policy);
    ASSERT_EQ(spec["clusterIPs"].size(), spec["ipFamilies"].size());
    EXPECT_EQ(spec["clusterIP"], spec["clusterIPs"][0]);
    for (std::size_t i = 0; i < spec["clusterIPs"].size(); ++i) {
      const std::string address = spec["clusterIPs"][i];
      const bool is_v6 = spec["ipFamilies"][i] == "IPv6";
      EXPECT_TRUE(address.starts_with(is_v6 ? "fd00::" : "10.96.")) << address;
      const Json object = api.get("/apis/networking.k8s.io/v1/ipaddresses/" + address).json();
      EXPECT_EQ(object["metadata"]["labels"]["ipaddress.kubernetes.io/ip-family"], spec["ipFamilies"][i]);
      EXPECT_EQ(object["spec"]["parentRef"]["name"], c.name);
    }
  }
}

TEST(Services, FamiliesThatDoNotFitAreRefused) {
  struct Case {
    const char* name;
    bool both;  // the cluster has both
    std::string spec;
    const char* message;
  };
  const Case kCases[] = {
      {"both of one", false, R"(,"ipFamilyPolicy":"RequireDualStack")",
       "spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": this cluster is not configured for dual-stack services"},
      {"another one", false, R"(,"ipFamilies":["IPv6"])",
       "spec.ipFamilies[0]: Invalid value: \"IPv6\": not configured on this cluster"},
      {"address of another one", false, R"(,"clusterIP":"fd00::1")",
       "spec.clusterIPs[0]: Invalid value: [\"fd00::1\"]: IPv6 is not configured on this cluster"},
      {"two without a word", true, R"(,"ipFamilies":["IPv4","IPv6"])",
       "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP "
       "families are specified"},
      {"two that should be one", true, R"(,"ipFamilyPolicy":"SingleStack","ipFamilies":["IPv4","IPv6"])",
       "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when "
       "multiple IP families are specified"},
      {"an address of the other", true, R"(,"clusterIP":"fd00::1","ipFamilies":["IPv4"])",
       "spec.clusterIPs[0]: Invalid value: \"fd00::1\": expected an IPv4 value as indicated by `ipFamilies[0]`"},
      {"two of one", true, R"(,"ipFamilyPolicy":"RequireDualStack","clusterIP":"fd00::1","clusterIPs":["fd00::1","fd00::2"])",
       "spec.clusterIPs: Invalid value: [\"fd00::1\",\"fd00::2\"]: may specify no more than one IP for each IP family"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    Harness api(c.both ? for_both() : quiet_options());
    const Answer answer = api.post(kServices, service("x", c.spec));
    EXPECT_EQ(answer.status, 422) << answer.body;
    EXPECT_THAT(answer.message(), HasSubstr(c.message));
  }
  Harness api;
  const Json preferred = api.post(kServices, service("p", R"(,"ipFamilyPolicy":"PreferDualStack")")).json();
  EXPECT_EQ(preferred["spec"]["ipFamilies"], Json::parse(R"(["IPv4"])")) << "as far as the cluster can";
  const Json free = api.post(kServices, service("f", R"(,"clusterIP":"None")")).json();
  EXPECT_EQ(free["spec"]["ipFamilies"], Json::parse(R"(["IPv4","IPv6"])")) << "its endpoints are not the cluster's";
}

TEST(Services, TakeAndGiveUpASecondFamily) {
  Harness api(for_both());
  const std::string first = api.post(kServices, service("s")).json()["spec"]["clusterIP"];
  const Json both = api.patch(kServices + "/s", R"({"spec":{"ipFamilyPolicy":"PreferDualStack"}})").json();
  ASSERT_EQ(both["spec"]["clusterIPs"].size(), 2u) << both.dump();
  EXPECT_EQ(both["spec"]["clusterIPs"][0], first);
  const std::string second = both["spec"]["clusterIPs"][1];
  EXPECT_EQ(api.get("/apis/networking.k8s.io/v1/ipaddresses/" + second).status, 200);
  const Answer early = api.patch(kServices + "/s", R"({"spec":{"clusterIPs":[")" + first + R"("],"ipFamilies":["IPv4"]}})");
  EXPECT_EQ(early.status, 422);
  EXPECT_THAT(early.message(), HasSubstr("must be set to 'SingleStack' when releasing the secondary cluster IP"));
  const Json one = api.patch(kServices + "/s", R"({"spec":{"ipFamilyPolicy":"SingleStack"}})").json();
  EXPECT_EQ(one["spec"]["clusterIPs"], Json::array({first}));
  EXPECT_EQ(one["spec"]["ipFamilies"], Json::parse(R"(["IPv4"])"));
  EXPECT_EQ(api.get("/apis/networking.k8s.io/v1/ipaddresses/" + second).status, 404);
  const std::string wanted = R"(,"ipFamilies":["IPv6"],"clusterIP":")" + second + R"(")";
  EXPECT_EQ(api.post(kServices, service("other", wanted)).status, 201) << "it is free again";
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

const std::string kRanges = "/apis/networking.k8s.io/v1/servicecidrs";

void add_range(Harness& api, const std::string& name, const std::string& cidr, const char* ready = "True") {
  ASSERT_EQ(api.post(kRanges, R"({"metadata":{"name":")" + name + R"(","finalizers":["example.com/x"]},"spec":{"cidrs":[")" +
                                  cidr + R"("]}})")
                .status,
            201);
  const std::string condition = R"({"type":"Ready","status":")" + std::string(ready) +
                                R"(","reason":"x","message":"","lastTransitionTime":"2026-01-01T00:00:00Z"})";
  ASSERT_EQ(api.patch(kRanges + "/" + name + "/status", R"({"status":{"conditions":[)" + condition + "]}}").status, 200);
}

TEST(Services, AddressesOfRangesThatWereAdded) {
  Harness api;
  const auto create = [&](const std::string& name, const std::string& address) {
    return api.post(kServices, service(name, R"(,"clusterIP":")" + address + "\"")).status;
  };
  EXPECT_EQ(create("a", "172.30.0.7"), 422) << "there is no such range";
  add_range(api, "unready", "172.30.0.0/24", "False");
  EXPECT_EQ(create("a", "172.30.0.7"), 422);
  add_range(api, "more", "172.30.0.0/24");
  EXPECT_EQ(create("a", "172.30.0.7"), 201);
  EXPECT_EQ(api.get(kAddresses + "/172.30.0.7").json()["spec"]["parentRef"]["name"], "a");
  EXPECT_EQ(create("b", "172.30.0.7"), 422) << "it is taken";
  for (const char* none : {"172.30.0.0", "172.30.0.255", "172.30.1.7"}) EXPECT_EQ(create("b", none), 422) << none;
  api.restart();
  EXPECT_EQ(create("b", "172.30.0.7"), 422);
  api.remove(kRanges + "/more");
  EXPECT_EQ(create("b", "172.30.0.8"), 422) << "it is on its way out";
  EXPECT_EQ(api.patch(kServices + "/a", R"({"metadata":{"labels":{"x":"y"}}})").json()["spec"]["clusterIP"], "172.30.0.7");
  api.remove(kServices + "/a");
  EXPECT_EQ(api.get(kAddresses + "/172.30.0.7").status, 404);
  add_range(api, "instead", "172.30.0.0/24");
  EXPECT_EQ(create("b", "172.30.0.7"), 201) << "it was given back";
}

TEST(Services, WhenTheFirstRangeIsFullOthersHelp) {
  ServerOptions options;
  options.service_cidr = "10.0.0.0/30";
  Harness api(options);
  // The server itself has one of the two.
  std::set<std::string> given;
  const auto create = [&] {
    const Answer answer = api.post(kServices, service("s" + std::to_string(given.size())));
    if (answer.status == 201) given.insert(answer.json()["spec"]["clusterIP"]);
    return answer.status;
  };
  while (given.size() < 4 && create() == 201) continue;
  ASSERT_LE(given.size(), 2u);
  EXPECT_EQ(create(), 500);
  add_range(api, "more", "172.30.0.0/29");
  const std::size_t before = given.size();
  for (int i = 0; i < 6; ++i) EXPECT_EQ(create(), 201);
  EXPECT_EQ(given.size(), before + 6);
  EXPECT_TRUE(given.contains("172.30.0.1"));
  EXPECT_TRUE(given.contains("172.30.0.6"));
  EXPECT_EQ(create(), 500);
}

TEST(Services, OneOfTwoCreatesGetsTheAddedAddress) {
  Harness api;
  add_range(api, "more", "172.30.0.0/24");
  auto a = api.start(Harness::request("POST", kServices, service("a", R"(,"clusterIP":"172.30.0.7")"), "application/json"));
  auto b = api.start(Harness::request("POST", kServices, service("b", R"(,"clusterIP":"172.30.0.7")"), "application/json"));
  api.executor.drain();
  EXPECT_EQ((*a)->status, 201);
  EXPECT_EQ((*b)->status, 422);
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
  std::set<std::string> managers;
  for (const Json& entry : range["metadata"]["managedFields"])
    managers.insert(entry.value("manager", "") + " " + entry.value("operation", "") + " " + entry.value("subresource", ""));
  EXPECT_EQ(managers, (std::set<std::string>{"kube-apiserver Update ", "kubernetes-service-cidr-controller Apply status"}));
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
  EXPECT_EQ(api.patch(shown + "/e", R"({"note":"n"})").status, 422) << "what was seen has been seen; v1 alone allows more";
  EXPECT_EQ(api.patch(events + "/e", R"({"message":"n"})").status, 200);
  EXPECT_EQ(api.get(shown + "/e").json()["note"], "n");
}

}  // namespace
}  // namespace ph::apiserver::testing
