// Ingresses, network policies, the ranges and addresses of services.
#include "tests/api/validation_helpers.h"

namespace ph::api {
namespace {

using namespace test;
using namespace networking::v1;

std::string in_namespace(const std::string& members, const std::string& metadata = "") {
  return R"({"metadata":{"name":"x","namespace":"n")" + metadata + "}," + members + "}";
}
std::string ingress(const std::string& spec) { return in_namespace(R"("spec":{)" + spec + "}"); }
std::string rule(const std::string& members) { return ingress(R"("rules":[{)" + members + "}]"); }
std::string path(const std::string& type, const std::string& text) {
  return rule(R"("http":{"paths":[{"pathType":")" + type + R"(","path":")" + text +
              R"(","backend":{"service":{"name":"s","port":{"number":80}}}}]})");
}
std::string backend(const std::string& members) { return ingress(R"("defaultBackend":{)" + members + "}"); }

const std::string kRules = "spec: Invalid value: null: either `defaultBackend` or `rules` must be specified";

TEST(Validation, Ingress) {
  const Case cases[] = {
      {"a rule without anything", rule(""), {}},
      {"nothing", ingress(""), {kRules}},
      {"both backends",
       backend(R"("service":{"name":"s"},"resource":{"kind":"K","name":"n"})"),
       {R"(spec.defaultBackend: Invalid value: "": cannot set both resource and service backends)"}},
      {"no backend", backend(""), {R"(spec.defaultBackend: Invalid value: "": resource or service backend is required)"}},
      {"a service without anything",
       backend(R"("service":{})"),
       {"spec.defaultBackend.service.name: Required value",
        "spec.defaultBackend: Required value: port name or number is required"}},
      {"two ports",
       backend(R"("service":{"name":"s","port":{"name":"a","number":1}})"),
       {R"(spec.defaultBackend: Invalid value: "": cannot set both port name & port number)"}},
      {"a port too high",
       backend(R"("service":{"name":"s","port":{"number":65536}})"),
       {"spec.defaultBackend.service.port.number: Invalid value: 65536: must be between 1 and 65535, inclusive"}},
      {"a resource",
       backend(R"("resource":{"apiGroup":"a.io","kind":"a/b"})"),
       {R"(spec.defaultBackend.resource.kind: Invalid value: "a/b": may not contain '/')",
        "spec.defaultBackend.resource.name: Required value"}},
      {"no paths", rule(R"("http":{})"), {"spec.rules[0].http.paths: Required value"}},
      {"no type of path",
       rule(R"("http":{"paths":[{}]})"),
       {"spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified"}},
      {"another type of path",
       path("Some", "/"),
       {R"(spec.rules[0].http.paths[0].pathType: Unsupported value: "Some": supported values: "Exact", "ImplementationSpecific", "Prefix")"}},
      {"a relative path",
       path("Exact", "a"),
       {R"(spec.rules[0].http.paths[0].path: Invalid value: "a": must be an absolute path)"}},
      {"no path", path("Prefix", ""), {R"(spec.rules[0].http.paths[0].path: Invalid value: "": must be an absolute path)"}},
      {"no path, as somebody knows", path("ImplementationSpecific", ""), {}},
      {"a path somebody knows", path("ImplementationSpecific", "/a//b%2f.."), {}},
      {"a path in many ways",
       path("Prefix", "/a//%2F/./.."),
       {R"(spec.rules[0].http.paths[0].path: Invalid value: "/a//%2F/./..": must not contain '//')",
        R"(spec.rules[0].http.paths[0].path: Invalid value: "/a//%2F/./..": must not contain '/./')",
        R"(spec.rules[0].http.paths[0].path: Invalid value: "/a//%2F/./..": must not contain '%2F')",
        R"(spec.rules[0].http.paths[0].path: Invalid value: "/a//%2F/./..": cannot end with '/..')"}},
      {"an address",
       rule(R"("host":"1.2.3.4")"),
       {R"(spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address)"}},
      {"a wildcard", rule(R"("host":"*.a.b")"), {}},
      {"what is of the second rule is told of the second",
       ingress(R"("rules":[{},{"http":{}}])"),
       {"spec.rules[1].http.paths: Required value"}},
      {"TLS without a secret", ingress(R"("rules":[{}],"tls":[{"hosts":["*.a.b"]}])"), {}},
      {"another class by annotation",
       in_namespace(R"("spec":{"rules":[{}],"ingressClassName":"a"})", R"(,"annotations":{"kubernetes.io/ingress.class":"b"})"),
       {R"(annotations.kubernetes.io/ingress.class: Invalid value: "b": must match `ingressClassName` when both are specified)"}},
  };
  creates<Ingress>(cases);
}

TEST(Validation, IngressUpdate) {
  const std::string bad_secret = ingress(R"("rules":[{}],"tls":[{"secretName":"A_"}])");
  EXPECT_EQ(problems<Ingress>(bad_secret).size(), 1u);
  EXPECT_EQ(update_problems<Ingress>(bad_secret, bad_secret), Lines()) << "as it was stored";
  const std::string bad_rule = rule(R"("host":"*.a.b","http":{})");
  EXPECT_EQ(update_problems<Ingress>(bad_rule, bad_rule), Lines());
  EXPECT_EQ(update_problems<Ingress>(rule(""), bad_rule), Lines{"spec.rules[0].http.paths: Required value"});
  EXPECT_EQ(update_problems<Ingress>(rule(""), ingress("")), Lines{kRules});
  const auto status = [](const std::string& one) {
    return in_namespace(R"("spec":{"rules":[{}]},"status":{"loadBalancer":{"ingress":[{)" + one + "}]}}");
  };
  EXPECT_EQ(status_problems<Ingress>(rule(""), status(R"("ip":"1.2.3.4")")), Lines());
  EXPECT_EQ(status_problems<Ingress>(rule(""), status(R"("hostname":"1.2.3.4")")),
            Lines{R"(status.loadBalancer.ingress[0].hostname: Invalid value: "1.2.3.4": must be a DNS name, not an IP address)"});
  EXPECT_EQ(
      status_problems<Ingress>(rule(""), status(R"("ip":"x")")),
      Lines{
          R"(status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff))"});
}

std::string ingress_class(const std::string& spec) { return R"({"metadata":{"name":"x"},"spec":{)" + spec + "}}"; }

TEST(Validation, IngressClass) {
  const auto parameters = [](const std::string& more) {
    return ingress_class(R"("controller":"a.b/c","parameters":{"kind":"K","name":"n")" + more + "}");
  };
  const Case cases[] = {
      {"fine", ingress_class(R"("controller":"a.b/c/d")"), {}},
      {"nothing", ingress_class(""), {"spec.controller: Required value"}},
      {"no domain",
       ingress_class(R"("controller":"/c")"),
       {R"(spec.controller: Invalid value: "/c": must be a domain-prefixed path (such as "acme.io/foo"))"}},
      {"a bad path",
       ingress_class(R"("controller":"a.b/c d")"),
       {R"(spec.controller: Invalid value: "c d": Invalid path (regex used for validation is '[A-Za-z0-9/\-._~%!$&'()*+,;=:]+'))"}},
      {"for the cluster by default", parameters(""), {}},
      {"of the cluster, with a namespace",
       parameters(R"(,"namespace":"n")"),
       {"spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"}},
      {"of a namespace, without one",
       parameters(R"(,"scope":"Namespace")"),
       {"spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"}},
      {"of something else",
       parameters(R"(,"scope":"X")"),
       {R"(spec.parameters.scope: Unsupported value: "X": supported values: "Cluster", "Namespace")"}},
  };
  creates<IngressClass>(cases);
  EXPECT_EQ(update_problems<IngressClass>(ingress_class(R"("controller":"a.b/c")"), ingress_class(R"("controller":"a.b/d")")),
            Lines{R"(spec.controller: Invalid value: "a.b/d": field is immutable)"});
}

std::string policy(const std::string& spec) { return in_namespace(R"("spec":{)" + spec + "}"); }
std::string from(const std::string& peer) { return policy(R"("ingress":[{"from":[{)" + peer + "}]}]"); }
std::string port(const std::string& members) { return policy(R"("egress":[{"ports":[{)" + members + "}]}]"); }
std::string block(const std::string& members) { return from(R"("ipBlock":{)" + members + "}"); }

TEST(Validation, NetworkPolicy) {
  const Case cases[] = {
      {"nothing", policy(""), {}},
      {"no peer", from(""), {"spec.ingress[0].from[0]: Required value: must specify a peer"}},
      {"two kinds of peers",
       from(R"("ipBlock":{"cidr":"10.0.0.0/8"},"podSelector":{})"),
       {"spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer"}},
      {"an empty block", block(""), {"spec.ingress[0].from[0].ipBlock.cidr: Required value"}},
      {"a hole", block(R"("cidr":"10.0.0.0/8","except":["10.1.0.0/16"])"), {}},
      {"holes as large as the block, elsewhere, of the other family, and none",
       block(R"("cidr":"10.0.0.0/8","except":["10.0.0.0/8","11.0.0.0/16","::/16","x"])"),
       {R"(spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`)",
        R"(spec.ingress[0].from[0].ipBlock.except[1]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`)",
        R"(spec.ingress[0].from[0].ipBlock.except[2]: Invalid value: "::/16": must be a strict subset of `cidr`)",
        R"(spec.ingress[0].from[0].ipBlock.except[3]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64))"}},
      {"bits of a host",
       block(R"("cidr":"10.0.0.1/8")"),
       {R"(spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length)"}},
      {"leading zeros",
       block(R"("cidr":"10.0.0.0/08")"),
       {R"(spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.0/08": must not have leading 0s in IP or prefix length)"}},
      {"another family's clothes",
       block(R"("cidr":"::ffff:1.2.3.0/120")"),
       {R"(spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "::ffff:1.2.3.0/120": must not have an IPv4-mapped IPv6 address)"}},
      {"not canonical, as long known", block(R"("cidr":"2001:DB8::/32")"), {}},
      {"an end without a beginning",
       port(R"("endPort":9)"),
       {"spec.egress[0].ports[0].endPort: Invalid value: 9: may not be specified when `port` is not specified"}},
      {"an end of a name",
       port(R"("port":"web","endPort":9)"),
       {"spec.egress[0].ports[0].endPort: Invalid value: 9: may not be specified when `port` is non-numeric"}},
      {"an end before the beginning",
       port(R"("port":10,"endPort":9)"),
       {"spec.egress[0].ports[0].endPort: Invalid value: 10: must be greater than or equal to `port`"}},
      {"another protocol",
       port(R"("protocol":"X")"),
       {R"(spec.egress[0].ports[0].protocol: Unsupported value: "X": supported values: "TCP", "UDP", "SCTP")"}},
      {"another type",
       policy(R"("policyTypes":["X"])"),
       {R"(spec.policyTypes[0]: Unsupported value: "X": supported values: "Ingress", "Egress")"}},
      {"many types",
       policy(R"("policyTypes":["Ingress","Egress","X"])"),
       {R"(spec.policyTypes: Invalid value: ["Ingress","Egress","X"]: may not specify more than two policyTypes)"}},
  };
  creates<NetworkPolicy>(cases);
  const std::string old = block(R"("cidr":"10.0.0.1/8")");
  EXPECT_EQ(update_problems<NetworkPolicy>(old, old), Lines()) << "as it was stored";
  EXPECT_EQ(update_problems<NetworkPolicy>(old, block(R"("cidr":"10.0.0.2/8")")).size(), 1u);
}

TEST(Validation, NetworkPolicyDefaults) {
  const auto types = [](const std::string& spec) {
    const auto made = parse<NetworkPolicy>(policy(spec));
    return std::vector<std::string>(made.spec().policy_types().begin(), made.spec().policy_types().end());
  };
  EXPECT_EQ(types(""), (Lines{"Ingress"}));
  EXPECT_EQ(types(R"("egress":[{}])"), (Lines{"Ingress", "Egress"}));
  EXPECT_EQ(types(R"("egress":[{}],"policyTypes":["Egress"])"), (Lines{"Egress"}));
  EXPECT_EQ(parse<NetworkPolicy>(port(R"("port":1)")).spec().egress(0).ports(0).protocol(), "TCP");
}

std::string cidrs(const std::string& list) { return R"({"metadata":{"name":"x"},"spec":{"cidrs":[)" + list + "]}}"; }

TEST(Validation, ServiceCIDR) {
  const Case cases[] = {
      {"fine", cidrs(R"("10.9.0.0/24","2001:db8::/112")"), {}},
      {"none", cidrs(""), {"spec.cidrs: Required value: at least one CIDR required"}},
      {"three",
       cidrs(R"("10.9.0.0/24","10.8.0.0/24","2001:db8::/112")"),
       {R"(spec.cidrs: Invalid value: ["10.9.0.0/24","10.8.0.0/24","2001:db8::/112"]: may only hold up to 2 values)"}},
      {"of one family",
       cidrs(R"("10.9.0.0/24","10.8.0.0/24")"),
       {R"(spec.cidrs: Invalid value: ["10.9.0.0/24","10.8.0.0/24"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64)"}},
      {"not canonical",
       cidrs(R"("2001:DB8::/112")"),
       {R"(spec.cidrs[0]: Invalid value: "2001:DB8::/112": must be in canonical form ("2001:db8::/112"))"}},
  };
  creates<ServiceCIDR>(cases);
  const std::string one = cidrs(R"("10.9.0.0/24")");
  EXPECT_EQ(update_problems<ServiceCIDR>(one, cidrs(R"("10.9.0.0/24","2001:db8::/112")")), Lines());
  EXPECT_EQ(update_problems<ServiceCIDR>(one, cidrs(R"("10.8.0.0/24")")),
            Lines{R"(spec.cidrs[0]: Invalid value: "10.8.0.0/24": field is immutable)"});
  EXPECT_EQ(update_problems<ServiceCIDR>(one, cidrs("")), Lines{"spec.cidrs: Invalid value: null: field is immutable"});
}

TEST(Validation, IPAddress) {
  const auto address = [](const std::string& name, const std::string& spec) {
    return R"({"metadata":{"name":")" + name + R"("},"spec":{)" + spec + "}}";
  };
  const std::string parent = R"("parentRef":{"resource":"services","namespace":"n","name":"s"})";
  const Case cases[] = {
      {"fine", address("10.0.0.1", parent), {}},
      {"no address",
       address("x", parent),
       {R"(metadata.name: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff))"}},
      {"of nobody", address("::1", ""), {"spec.parentRef: Required value"}},
      {"of nothing",
       address("::1", R"("parentRef":{})"),
       {"spec.parentRef.resource: Required value", "spec.parentRef.name: Required value"}},
  };
  creates<IPAddress>(cases);
  EXPECT_EQ(
      update_problems<IPAddress>(address("::1", parent), address("::1", R"("parentRef":{"resource":"services","name":"t"})")),
      Lines{
          R"(spec.parentRef: Invalid value: {"Group":"","Resource":"services","Namespace":"","Name":"t"}: field is immutable)"});
}

}  // namespace
}  // namespace ph::api
