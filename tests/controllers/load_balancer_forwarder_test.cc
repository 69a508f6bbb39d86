// The load-balancer-forwarder: what is to be forwarded, and the loop with something that notes in the place of sockets.
#include <gmock/gmock.h>

#include "controllers/cloud/local.h"
#include "controllers/load_balancer_forwarder/plan.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using namespace load_balancer_forwarder;
using testing::ElementsAre, testing::HasSubstr, testing::IsEmpty;
using Texts = std::vector<std::string>;

Service balanced(const std::string& name, const std::function<void(Service&)>& change = {}) {
  Service out = sim::make_service("default/" + name);
  out.mutable_spec()->set_type("LoadBalancer");
  out.mutable_spec()->mutable_ports(0)->set_port(80);
  out.mutable_spec()->mutable_ports(0)->set_protocol("TCP");
  if (change) change(out);
  return out;
}
Service addressed(const std::function<void(Service&)>& change = {}) {
  Service out = balanced("web", change);
  out.mutable_spec()->mutable_ports(0)->set_node_port(30080);
  out.mutable_status()->mutable_load_balancer()->add_ingress()->set_ip("192.0.2.1");
  return out;
}
void tell(Service& service, const std::string& backends) {
  (*service.mutable_metadata()->mutable_annotations())[kBackends] = backends;
}

Ref<Slice> slice_of(const std::string& port, int number, const std::vector<std::pair<std::string, bool>>& endpoints) {
  auto out = std::make_shared<Slice>();
  out->set_address_type("IPv4");
  auto& of_slice = *out->add_ports();
  of_slice.set_name(port);
  of_slice.set_protocol("TCP");
  of_slice.set_port(number);
  for (const auto& [address, ready] : endpoints) {
    auto& endpoint = *out->add_endpoints();
    endpoint.add_addresses(address);
    endpoint.mutable_conditions()->set_ready(ready);
  }
  return out;
}

Texts told(const Wanted& wanted) {
  Texts out;
  for (const auto& [place, forward] : wanted.forwards) {
    out.push_back(place.text() + " ->");
    for (const auto& [address, port] : forward.backends) out.back() += " " + address + " " + std::to_string(port);
  }
  return out;
}

// -- Rules

TEST(ForwarderPlan, BackendsThatAreNamed) {
  struct Case {
    const char *text, *problem;
    std::vector<Target> targets;
  };
  const Case cases[] = {
      {"127.0.0.1:8080", "", {{"", "127.0.0.1", 8080}}},
      {"http=127.0.0.1:8080, [::1]:53", "", {{"http", "127.0.0.1", 8080}, {"", "::1", 53}}},
      {"127.0.0.1", "\"127.0.0.1\" is no address and port", {}},
      {"::1:80", "\"::1:80\" is no address", {}},
      {"localhost:80", "\"localhost:80\" is no address", {}},
      {"127.0.0.1:0", "is no address and port", {}},
      {"127.0.0.1:65536", "is no address and port", {}},
      {"127.0.0.1:80,", "", {{"", "127.0.0.1", 80}}},
      {"127.0.0.1:80,,", "\"\" is no address and port", {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const auto read = read_targets(c.text);
    if (*c.problem) EXPECT_THAT(read ? "" : read.error(), HasSubstr(c.problem));
    else EXPECT_EQ(read.value_or(std::vector<Target>{}), c.targets);
  }
}

TEST(ForwarderPlan, WhatLeadsWhere) {
  const std::vector<Ref<Slice>> slices = {slice_of("", 8080, {{"10.0.0.2", true}, {"10.0.0.1", true}, {"10.0.0.3", false}}),
                                          slice_of("other", 1, {{"10.0.0.9", true}})};
  struct Case {
    const char* name;
    std::function<void(Service&)> change;
    const char* listen;
    Texts forwards;
  };
  const Case cases[] = {
      {"endpoints that are ready", {}, "own", {"TCP 192.0.2.1:80 -> 10.0.0.1 8080 10.0.0.2 8080"}},
      {"at a node port", {}, "127.0.0.1", {"TCP 127.0.0.1:30080 -> 10.0.0.1 8080 10.0.0.2 8080"}},
      {"backends that are named",
       [](Service& s) { tell(s, "127.0.0.1:9,no=127.0.0.1:8"); },
       "own",
       {"TCP 192.0.2.1:80 -> 127.0.0.1 9"}},
      {"an annotation that names none", [](Service& s) { tell(s, ""); }, "own", {"TCP 192.0.2.1:80 ->"}},
      {"another protocol",
       [](Service& s) { s.mutable_spec()->mutable_ports(0)->set_protocol("UDP"); },
       "own",
       {"UDP 192.0.2.1:80 ->"}},
      {"of another type", [](Service& s) { s.mutable_spec()->set_type("NodePort"); }, "own", {}},
      {"of a class", [](Service& s) { s.mutable_spec()->set_load_balancer_class("example.com/x"); }, "own", {}},
      {"on its way out", [](Service& s) { s.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1); }, "own", {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Wanted wanted = wanted_of(addressed(c.change), slices, c.listen);
    EXPECT_EQ(told(wanted), c.forwards);
    EXPECT_THAT(wanted.problems, IsEmpty());
  }
  EXPECT_THAT(told(wanted_of(balanced("web"), slices, "own")), IsEmpty()) << "it has no address";
}

TEST(ForwarderPlan, WhoMaySendAndWhoStays) {
  const Wanted wanted =
      wanted_of(addressed([](Service& s) {
                  s.mutable_spec()->add_load_balancer_source_ranges("10.0.0.0/8");
                  s.mutable_spec()->set_session_affinity("ClientIP");
                  s.mutable_spec()->mutable_session_affinity_config()->mutable_client_ip()->set_timeout_seconds(60);
                }),
                {}, "own");
  ASSERT_EQ(wanted.forwards.size(), 1u);
  EXPECT_THAT(wanted.forwards.begin()->second.source_ranges, ElementsAre("10.0.0.0/8"));
  EXPECT_EQ(wanted.forwards.begin()->second.sticky_for, 60s);
}

TEST(ForwarderPlan, WhoMaySendIsInAnAnnotationToo) {
  const auto told_so = [](const char* ranges) {
    const auto change = [&](Service& s) {
      (*s.mutable_metadata()->mutable_annotations())["service.beta.kubernetes.io/load-balancer-source-ranges"] = ranges;
    };
    return wanted_of(addressed(change), {}, "own");
  };
  const Wanted wanted = told_so("10.0.0.0/8, 192.0.2.7/32");
  ASSERT_EQ(wanted.forwards.size(), 1u);
  EXPECT_THAT(wanted.forwards.begin()->second.source_ranges, ElementsAre("10.0.0.0/8", "192.0.2.7/32"));
  // What cannot be understood is open to nobody.
  EXPECT_THAT(told_so("everybody").forwards, IsEmpty());
  EXPECT_THAT(told_so("everybody").problems, ElementsAre("\"everybody\" is no range of source addresses"));
}

TEST(ForwarderPlan, WhatIsNotForwarded) {
  Service service = addressed([](Service& s) { tell(s, "here"); });
  EXPECT_THAT(wanted_of(service, {}, "own").problems, ElementsAre(HasSubstr("\"here\" is no address and port")));
  service = addressed([](Service& s) { s.mutable_spec()->mutable_ports(0)->set_protocol("SCTP"); });
  EXPECT_THAT(wanted_of(service, {}, "own").problems, ElementsAre("port 80: SCTP is not forwarded"));
  service = addressed();
  service.mutable_spec()->mutable_ports(0)->clear_node_port();
  EXPECT_THAT(wanted_of(service, {}, "127.0.0.1").problems, ElementsAre("port 80 has no node port"));
}

// -- The loop

class NotedForwarding final : public cloud::Forwarding {
 public:
  std::optional<std::string> set(const Place& place, const Forward& forward) override {
    if (!problem.empty()) return problem;
    noted[place] = forward;
    return std::nullopt;
  }
  void clear(const Place& place) override { noted.erase(place); }

  std::map<Place, Forward> noted;
  std::string problem;
};

class ForwarderLoop : public testing::Test {
 protected:
  ForwarderLoop() : cluster_(setup()) {}

  sim::Setup setup() {
    sim::Setup out = sim::loops("service,load-balancer-forwarder");
    cloud::LocalConfig config;
    config.pools.push_back({.addresses = {cloud::read_addresses("192.0.2.1-192.0.2.2")}});
    out.loop_options.cloud.provider = cloud::local_provider(config);
    out.loop_options.cloud.forwarding = forwarding_;
    out.loop_options.cloud.forward_address = "own";
    return out;
  }
  Texts noted() const {
    Wanted all;
    all.forwards = forwarding_->noted;
    return told(all);
  }
  Texts reasons() {
    Texts out;
    for (const auto& event : cluster_.list<core::v1::Event>("default")) {
      if (event.reason().starts_with("Forwarding")) out.push_back(event.reason() + " " + event.message());
    }
    return out;
  }

  const std::shared_ptr<NotedForwarding> forwarding_ = std::make_shared<NotedForwarding>();
  sim::Cluster cluster_;
};

TEST_F(ForwarderLoop, FollowsAServiceAndItsEndpoints) {
  cluster_.create(balanced("web"));
  cluster_.advance(2s);
  EXPECT_THAT(noted(), ElementsAre("TCP 192.0.2.1:80 ->"));
  cluster_.advance(30s);  // at one instant two loops name their events alike, and one of them tries again
  EXPECT_THAT(reasons(), ElementsAre("Forwarding Listening on TCP 192.0.2.1:80"));
  Slice slice = *slice_of("", 8080, {{"10.0.0.1", true}});
  slice.mutable_metadata()->set_namespace_("default");
  slice.mutable_metadata()->set_name("web-1");
  (*slice.mutable_metadata()->mutable_labels())["kubernetes.io/service-name"] = "web";
  cluster_.create(slice);
  cluster_.advance(2s);
  EXPECT_THAT(noted(), ElementsAre("TCP 192.0.2.1:80 -> 10.0.0.1 8080"));
  cluster_.edit<Service>("default/web", [](Service& s) { tell(s, "127.0.0.1:9"); });
  cluster_.advance(2s);
  EXPECT_THAT(noted(), ElementsAre("TCP 192.0.2.1:80 -> 127.0.0.1 9"));
  cluster_.remove<Service>("default/web");
  cluster_.advance(5s);
  EXPECT_THAT(noted(), IsEmpty());
}

TEST_F(ForwarderLoop, ToldOnceAndTriedAgain) {
  forwarding_->problem = "the address is already in use";
  cluster_.create(balanced("web"));
  cluster_.advance(30s);
  EXPECT_THAT(reasons(), ElementsAre("ForwardingFailed the address is already in use"));
  forwarding_->problem.clear();
  cluster_.advance(10s);
  EXPECT_THAT(noted(), ElementsAre("TCP 192.0.2.1:80 ->"));
}

}  // namespace
}  // namespace ph::controllers
