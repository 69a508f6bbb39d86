// The provider `local`: what its file says, and which addresses load balancers get.
#include <gmock/gmock.h>

#include "controllers/cloud/address_book.h"
#include "controllers/cloud/local_config.h"
#include "tests/sim/builders.h"

namespace ph::controllers::cloud {
namespace {

using core::v1::Service;
using testing::ElementsAre, testing::HasSubstr, testing::IsEmpty;
using Texts = std::vector<std::string>;

// -- The file

TEST(LocalCloudConfig, SaysAll) {
  const LocalConfig config = read_local_config(R"(
region: here
zone: a
loadBalancer:
  pools:
  - addresses: [192.0.2.0/30, 192.0.2.32-192.0.2.33]
  - {name: sixth, addresses: ["2001:db8::1"], autoAssign: false}
instances:
- {name: node-0, type: small}
- name: node-1
  zone: b
  region: there
  shutdown: true
  addresses: [{type: InternalIP, address: 10.0.0.1}, {type: Hostname, address: one}]
)");
  EXPECT_EQ(config.region, "here");
  EXPECT_EQ(config.zone, "a");
  ASSERT_EQ(config.pools.size(), 2u);
  EXPECT_EQ(config.pools[0].name, "default");
  EXPECT_TRUE(config.pools[0].auto_assign);
  ASSERT_EQ(config.pools[0].addresses.size(), 2u);
  EXPECT_EQ(config.pools[0].addresses[0].first.text(), "192.0.2.0");
  EXPECT_EQ(config.pools[0].addresses[0].last.text(), "192.0.2.3");
  EXPECT_EQ(config.pools[0].addresses[1].last.text(), "192.0.2.33");
  EXPECT_FALSE(config.pools[1].auto_assign);
  ASSERT_TRUE(config.instances);
  EXPECT_EQ(config.instances->at("node-0").type, "small");
  EXPECT_TRUE(config.instances->at("node-1").is_shut_down);
  EXPECT_THAT(config.instances->at("node-1").addresses,
              ElementsAre(testing::Pair("InternalIP", "10.0.0.1"), testing::Pair("Hostname", "one")));
  EXPECT_FALSE(read_local_config("{}").instances) << "every node is a machine";
}

TEST(LocalCloudConfig, RefusesWhatItDoesNotKnow) {
  struct Case {
    const char *text, *why;
  };
  const Case cases[] = {
      {"[]", "the file: an object is needed"},
      {"zones: a", "zones: there is no such field"},
      {"zone: 7", "zone: a text is needed"},
      {"loadBalancer: {pool: []}", "loadBalancer.pool: there is no such field"},
      {"loadBalancer: {pools: {}}", "loadBalancer.pools: a list is needed"},
      {"loadBalancer: {pools: [{name: a}]}", "loadBalancer.pools[0].addresses: it is needed"},
      {"loadBalancer: {pools: [{addresses: [7]}]}", "loadBalancer.pools[0].addresses[0]: a text is needed"},
      {"loadBalancer: {pools: [{addresses: [soon]}]}", "loadBalancer.pools[0].addresses[0]: \"soon\" is no IP address"},
      {"loadBalancer: {pools: [{addresses: [1.2.3.4/33]}]}", "\"1.2.3.4/33\" is no range of IP addresses"},
      {"loadBalancer: {pools: [{addresses: [1.2.3.4-1.2.3.3]}]}", "\"1.2.3.4-1.2.3.3\" ends before it begins"},
      {"loadBalancer: {pools: [{addresses: ['1.2.3.4-::1']}]}", "ends before it begins"},
      {"loadBalancer: {pools: [{addresses: [1.2.3.4], autoAssign: 1}]}", "autoAssign: true or false is needed"},
      {"loadBalancer: {pools: [{addresses: [1.2.3.4]}, {addresses: [1.2.3.5]}]}", "two pools are called \"default\""},
      {"loadBalancer: {pools: [{addresses: [1.2.3.0/24, 1.2.3.7]}]}", "1.2.3.7 stands in two ranges"},
      {"instances: [{type: small}]", "instances[0].name: it is needed"},
      {"instances: [{name: a}, {name: a}]", "two instances are called \"a\""},
      {"instances: [{name: a, addresses: [{type: Street, address: x}]}]", "\"Street\" is no type of an address"},
      {"instances: [{name: a, addresses: [{type: ExternalIP, address: x}]}]", "\"x\" is no IP address"},
      {"a: [", ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    try {
      read_local_config(c.text);
      ADD_FAILURE() << "it was taken";
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(), HasSubstr(c.why));
    }
  }
}

// -- Addresses

Service service(const std::string& name, const std::map<std::string, std::string>& annotations = {}, int port = 80) {
  Service out = sim::make_service("default/" + name);
  out.mutable_metadata()->set_uid("uid of " + name);
  out.mutable_spec()->mutable_ports(0)->set_port(port);
  out.mutable_spec()->mutable_ports(0)->set_protocol("TCP");
  out.mutable_spec()->add_ip_families("IPv4");
  for (const auto& [key, value] : annotations) (*out.mutable_metadata()->mutable_annotations())[key] = value;
  return out;
}

// Who has which.
class Held {
 public:
  void give(const Service& to, const std::string& address) { holders_[address].push_back(std::make_shared<const Service>(to)); }
  AddressBook::Holders holders() const {
    return [this](const std::string& address) {
      const auto found = holders_.find(address);
      return found == holders_.end() ? std::vector<Ref<Service>>() : found->second;
    };
  }

 private:
  std::map<std::string, std::vector<Ref<Service>>> holders_;
};

AddressBook book() {
  return AddressBook({{.name = "default", .addresses = {read_addresses("192.0.2.1-192.0.2.2"), read_addresses("2001:db8::/126")}},
                      {.name = "few", .addresses = {read_addresses("198.51.100.7")}, .auto_assign = false}});
}

Texts chosen(const Service& of, const Texts& present, const Held& held) {
  auto out = book().choose(of, present, held.holders());
  return out ? *out : Texts{"no: " + out.error()};
}

TEST(AddressBook, GivesTheFirstThatIsFree) {
  Held held;
  EXPECT_THAT(chosen(service("a"), {}, held), ElementsAre("192.0.2.1"));
  held.give(service("a"), "192.0.2.1");
  EXPECT_THAT(chosen(service("b"), {}, held), ElementsAre("192.0.2.2"));
  EXPECT_THAT(chosen(service("a"), {"192.0.2.1"}, held), ElementsAre("192.0.2.1")) << "it is its own";
  held.give(service("b"), "192.0.2.2");
  EXPECT_THAT(chosen(service("c"), {}, held), ElementsAre("no: no IPv4 address is left"));
}

TEST(AddressBook, KeepsWhatThePoolsStillHave) {
  Held held;
  EXPECT_THAT(chosen(service("a"), {"192.0.2.2"}, held), ElementsAre("192.0.2.2"));
  EXPECT_THAT(chosen(service("a"), {"203.0.113.9"}, held), ElementsAre("192.0.2.1")) << "of no pool";
  held.give(service("b"), "192.0.2.2");
  EXPECT_THAT(chosen(service("a"), {"192.0.2.2"}, held), ElementsAre("192.0.2.1")) << "somebody else has it";
}

TEST(AddressBook, GivesWhatIsAskedForOrNothing) {
  struct Case {
    const char* name;
    std::map<std::string, std::string> annotations;
    std::string field;
    Texts wanted;
  };
  const Case cases[] = {
      {"by the field", {}, "192.0.2.2", {"192.0.2.2"}},
      {"by the annotation", {{kWantedAddresses, " 192.0.2.2 "}}, "192.0.2.1", {"192.0.2.2"}},
      {"of a pool that nobody gets by chance", {}, "198.51.100.7", {"198.51.100.7"}},
      {"of a pool", {{kWantedPool, "few"}}, "", {"198.51.100.7"}},
      {"of another pool", {{kWantedPool, "few"}}, "192.0.2.2", {"no: 192.0.2.2 stands in no pool"}},
      {"of a pool that is not there", {{kWantedPool, "many"}}, "", {"no: there is no pool \"many\""}},
      {"of no pool", {}, "203.0.113.9", {"no: 203.0.113.9 stands in no pool"}},
      {"no address", {}, "soon", {"no: \"soon\" is no IP address"}},
      {"of another family", {}, "2001:db8::1", {"no: 2001:db8::1 is of no family of the service"}},
      {"two of a family", {{kWantedAddresses, "192.0.2.1,192.0.2.2"}}, "", {"no: two addresses of one family are asked for"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Service of = service("a", c.annotations);
    of.mutable_spec()->set_load_balancer_ip(c.field);
    EXPECT_EQ(chosen(of, {}, {}), c.wanted);
  }
  Held held;
  held.give(service("b"), "192.0.2.2");
  Service of = service("a");
  of.mutable_spec()->set_load_balancer_ip("192.0.2.2");
  EXPECT_THAT(chosen(of, {}, held), ElementsAre("no: 192.0.2.2 is another service's"));
}

TEST(AddressBook, IsSharedByKeyAsLongAsNoPortIs) {
  const std::map<std::string, std::string> key{{kSharingKey, "web"}}, other{{kSharingKey, "other"}};
  Held held;
  held.give(service("a", key, 80), "192.0.2.1");
  EXPECT_THAT(chosen(service("b", key, 443), {}, held), ElementsAre("192.0.2.1"));
  EXPECT_THAT(chosen(service("b", key, 80), {}, held), ElementsAre("192.0.2.2"));
  EXPECT_THAT(chosen(service("b", other, 443), {}, held), ElementsAre("192.0.2.2"));
  EXPECT_THAT(chosen(service("b", {}, 443), {}, held), ElementsAre("192.0.2.2"));
  Service datagrams = service("b", key, 80);
  datagrams.mutable_spec()->mutable_ports(0)->set_protocol("UDP");
  EXPECT_THAT(chosen(datagrams, {}, held), ElementsAre("192.0.2.1"));
}

TEST(AddressBook, OneOfEachFamily) {
  Service both = service("a");
  both.mutable_spec()->add_ip_families("IPv6");
  both.mutable_spec()->set_ip_family_policy("RequireDualStack");
  EXPECT_THAT(chosen(both, {}, {}), ElementsAre("192.0.2.1", "2001:db8::"));
  Held held;
  for (const char* address : {"192.0.2.1", "192.0.2.2"}) held.give(service("b"), address);
  EXPECT_THAT(chosen(both, {}, held), ElementsAre("no: no IPv4 address is left"));
  both.mutable_spec()->set_ip_family_policy("PreferDualStack");
  EXPECT_THAT(chosen(both, {}, held), ElementsAre("2001:db8::"));
}

}  // namespace
}  // namespace ph::controllers::cloud
