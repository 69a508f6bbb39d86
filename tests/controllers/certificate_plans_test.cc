// The planning halves of the three loops of CertificateSigningRequests.
#include <gtest/gtest.h>

#include "api/times.h"
#include "controllers/certificate_approving/plan.h"
#include "controllers/certificate_cleaner/plan.h"
#include "controllers/certificate_signing/plan.h"
#include "tests/sim/executor.h"

namespace ph::controllers {
namespace {

using certificates::v1::CertificateSigningRequest;
using Words = std::vector<std::string>;

constexpr Time kNow = sim::SimClock::kStart;

// -- Rules of the signers

const RequestedCertificate kNodeClient{.common_name = "system:node:a", .organizations = {"system:nodes"}};
const RequestedCertificate kNodeServer{.common_name = "system:node:a", .organizations = {"system:nodes"}, .dns_names = {"a"}};
const Words kClient{"digital signature", "client auth"}, kServer{"digital signature", "server auth"};

RequestedCertificate with(RequestedCertificate out, Words RequestedCertificate::* names, const char* name) {
  (out.*names).emplace_back(name);
  return out;
}
RequestedCertificate called(RequestedCertificate out, const char* name) { return out.common_name = name, out; }
RequestedCertificate of(RequestedCertificate out, Words organizations) {
  return out.organizations = std::move(organizations), out;
}

struct Rule {
  const char* name;
  const char* signer;
  RequestedCertificate asked;
  Words usages;
  const char* refusal;
};

using Asked = RequestedCertificate;
const Rule kRules[] = {
    {"anybody as a client", kApiserverClientSigner, {.common_name = "bob"}, {"client auth"}, ""},
    {"a client of a key for more", kApiserverClientSigner, {}, {"digital signature", "key encipherment", "client auth"}, ""},
    {"a client with names", kApiserverClientSigner, {.dns_names = {"a"}, .uris = {"b"}}, {"client auth"}, ""},
    {"a client as a server", kApiserverClientSigner, {}, {"server auth"}, "invalid usage for client certificate: server auth"},
    {"a client as both",
     kApiserverClientSigner,
     {},
     {"client auth", "server auth"},
     "invalid usage for client certificate: server auth"},
    {"a client for nothing", kApiserverClientSigner, {}, {}, "missing required usage for client certificate: client auth"},
    {"a client to sign", kApiserverClientSigner, {}, {"signing"}, "invalid usage for client certificate: signing"},

    {"a kubelet", kKubeletClientSigner, kNodeClient, kClient, ""},
    {"a kubelet with a key of RSA",
     kKubeletClientSigner,
     kNodeClient,
     {"client auth", "key encipherment", "digital signature"},
     ""},
    {"the same usage twice", kKubeletClientSigner, kNodeClient, {"client auth", "client auth", "digital signature"}, ""},
    {"not of the nodes", kKubeletClientSigner, of(kNodeClient, {"devs"}), kClient, "subject organization is not system:nodes"},
    {"of others besides", kKubeletClientSigner, of(kNodeClient, {"system:nodes", "system:masters"}), kClient,
     "subject organization is not system:nodes"},
    {"no node's name", kKubeletClientSigner, called(kNodeClient, "a"), kClient,
     "subject common name does not begin with system:node:"},
    {"a DNS name", kKubeletClientSigner, with(kNodeClient, &Asked::dns_names, "a"), kClient,
     "DNS subjectAltNames are not allowed"},
    {"an email", kKubeletClientSigner, with(kNodeClient, &Asked::emails, "a"), kClient, "Email subjectAltNames are not allowed"},
    {"an address", kKubeletClientSigner, with(kNodeClient, &Asked::ip_addresses, "a"), kClient,
     "IP subjectAltNames are not allowed"},
    {"a URI", kKubeletClientSigner, with(kNodeClient, &Asked::uris, "a"), kClient, "URI subjectAltNames are not allowed"},
    {"a kubelet as a server", kKubeletClientSigner, kNodeClient, kServer,
     "usages did not match [client auth digital signature key encipherment]"},
    {"a kubelet without a signature",
     kKubeletClientSigner,
     kNodeClient,
     {"client auth"},
     "usages did not match [client auth digital signature key encipherment]"},
    {"the organization is looked at first",
     kKubeletClientSigner,
     {.dns_names = {"a"}},
     {},
     "subject organization is not system:nodes"},
    {"names before usages",
     kKubeletClientSigner,
     called(kNodeClient, "a"),
     {},
     "subject common name does not begin with system:node:"},

    {"a kubelet's clients", kKubeletServingSigner, kNodeServer, kServer, ""},
    {"by address", kKubeletServingSigner, with(kNodeClient, &Asked::ip_addresses, "10.0.0.1"), kServer, ""},
    {"with a key of RSA", kKubeletServingSigner, kNodeServer, {"digital signature", "key encipherment", "server auth"}, ""},
    {"without a name", kKubeletServingSigner, kNodeClient, kServer, "DNS or IP subjectAltName is required"},
    {"with an email", kKubeletServingSigner, with(kNodeServer, &Asked::emails, "a"), kServer,
     "Email subjectAltNames are not allowed"},
    {"with a URI", kKubeletServingSigner, with(kNodeServer, &Asked::uris, "a"), kServer, "URI subjectAltNames are not allowed"},
    {"another organization", kKubeletServingSigner, of(kNodeServer, {}), kServer, "subject organization is not system:nodes"},
    {"another name", kKubeletServingSigner, called(kNodeServer, "b"), kServer,
     "subject common name does not begin with system:node:"},
    {"a server as a client", kKubeletServingSigner, kNodeServer, kClient,
     "usages did not match [digital signature key encipherment server auth]"},
    {"usages before names",
     kKubeletServingSigner,
     called(kNodeServer, "b"),
     {},
     "usages did not match [digital signature key encipherment server auth]"},

    {"the old signer asks nothing", kLegacyUnknownSigner, {.emails = {"a"}}, {"any", "cert sign"}, ""},
};

TEST(CertificateSigningPlan, EachSignerHasItsRules) {
  for (const Rule& rule : kRules) {
    SCOPED_TRACE(rule.name);
    EXPECT_EQ(certificate_signing::refusal(rule.signer, rule.asked, rule.usages), rule.refusal);
  }
}

// -- How long a certificate is good

TEST(CertificateSigningPlan, Lifetime) {
  using certificate_signing::lifetime;
  EXPECT_EQ(lifetime(std::nullopt, 8760h), 8760h);
  EXPECT_EQ(lifetime(3600, 8760h), 1h);
  EXPECT_EQ(lifetime(599, 8760h), 10min) << "not shorter than ten minutes";
  EXPECT_EQ(lifetime(-5, 8760h), 10min);
  EXPECT_EQ(lifetime(2'000'000'000, 8760h), 8760h) << "not longer than the signer gives";
  EXPECT_EQ(lifetime(60, 30s), 30s) << "what the signer gives counts most";
}

TEST(CertificateSigningPlan, Validity) {
  struct Case {
    const char* name;
    Duration lifetime, authority_ends;  // from now
    std::optional<Duration> ends;
  };
  const Case cases[] = {
      {"a short one ends when it was asked to", 10min, 8760h, 10min},
      {"just short", 8h - 1s, 8760h, 8h - 1s},
      {"of a longer one the beginning is a part", 8h, 8760h, 8h - 5min},
      {"a year", 8760h, 9000h, 8760h - 5min},
      {"not longer than its authority", 8760h, 24h, 24h},
      {"the authority ends in a moment", 10min, 1s, 1s},
      {"the authority has ended", 10min, 0s, {}},
      {"long ago", 10min, -1h, {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto validity = certificate_signing::validity(kNow, c.lifetime, kNow + c.authority_ends);
    ASSERT_EQ(validity.has_value(), c.ends.has_value());
    if (!validity) continue;
    EXPECT_EQ(validity->not_before, kNow - 5min);
    EXPECT_EQ(validity->not_after - kNow, *c.ends);
  }
}

// -- Whose turn it is

CertificateSigningRequest request_with(const Words& conditions, const char* certificate = "") {
  CertificateSigningRequest out;
  for (const std::string& type : conditions) {
    auto& condition = *out.mutable_status()->add_conditions();
    condition.set_type(type.starts_with('-') ? type.substr(1) : type);
    condition.set_status(type.starts_with('-') ? "False" : "True");
  }
  out.mutable_status()->set_certificate(certificate);
  return out;
}

TEST(CertificateSigningPlan, WhatAwaitsAVerdictAndASigner) {
  struct Case {
    const char* name;
    CertificateSigningRequest request;
    bool verdict, signer;
  };
  const Case cases[] = {
      {"new", request_with({}), true, false},
      {"approved", request_with({"Approved"}), false, true},
      {"denied", request_with({"Denied"}), false, false},
      {"approved and denied", request_with({"Approved", "Denied"}), false, false},
      {"refused by its signer", request_with({"Approved", "Failed"}), false, false},
      {"not failed, says somebody", request_with({"Approved", "-Failed"}), false, true},
      {"failed before a verdict", request_with({"Failed"}), true, false},
      {"issued", request_with({"Approved"}, "x"), false, false},
      {"issued without a word", request_with({}, "x"), false, false},
      {"something of a signer's own", request_with({"Seen"}), true, false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(certificate_approving::awaits_verdict(c.request), c.verdict);
    EXPECT_EQ(certificate_signing::awaits_signer(c.request), c.signer);
  }
}

// -- What kubelets are granted

TEST(CertificateApprovingPlan, WhatIsRecognized) {
  struct Case {
    const char *name, *signer, *user;
    RequestedCertificate asked;
    Words usages, subresources;
  };
  const Case cases[] = {
      {"a node for itself", kKubeletClientSigner, "system:node:a", kNodeClient, kClient, {"selfnodeclient", "nodeclient"}},
      {"a node that joins", kKubeletClientSigner, "system:bootstrap:x", kNodeClient, kClient, {"nodeclient"}},
      {"another signer", kApiserverClientSigner, "system:node:a", kNodeClient, kClient, {}},
      {"for its clients", kKubeletServingSigner, "system:node:a", kNodeServer, kServer, {}},
      {"not within the rules", kKubeletClientSigner, "system:node:a", kNodeServer, kClient, {}},
      {"another use", kKubeletClientSigner, "system:node:a", kNodeClient, kServer, {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    CertificateSigningRequest request;
    request.mutable_spec()->set_signer_name(c.signer);
    request.mutable_spec()->set_username(c.user);
    request.mutable_spec()->mutable_usages()->Assign(c.usages.begin(), c.usages.end());
    Words subresources;
    for (const auto& kind : certificate_approving::recognized(request, c.asked)) subresources.emplace_back(kind.subresource);
    EXPECT_EQ(subresources, c.subresources);
  }
}

TEST(CertificateApprovingPlan, WhoIsAskedAbout) {
  CertificateSigningRequest request;
  auto& spec = *request.mutable_spec();
  spec.set_username("system:bootstrap:x");
  spec.set_uid("7");
  spec.add_groups("system:bootstrappers");
  (*spec.mutable_extra())["scopes"].add_items("one");
  const auto review = certificate_approving::question(request, {"nodeclient", "message"});
  EXPECT_EQ(review.spec().user(), "system:bootstrap:x");
  EXPECT_EQ(review.spec().uid(), "7");
  ASSERT_EQ(review.spec().groups_size(), 1);
  EXPECT_EQ(review.spec().groups(0), "system:bootstrappers");
  EXPECT_EQ(review.spec().extra().at("scopes").items(0), "one");
  const auto& wish = review.spec().resource_attributes();
  EXPECT_EQ(wish.verb() + " " + wish.group() + " " + wish.version() + " " + wish.resource() + "/" + wish.subresource(),
            "create certificates.k8s.io * certificatesigningrequests/nodeclient");
}

// -- What nobody needs any more

CertificateSigningRequest aged(const char* condition, Duration age, const char* certificate = "") {
  CertificateSigningRequest out = request_with({}, certificate);
  api::set_time(out.mutable_metadata()->mutable_creation_timestamp(), kNow - 1000h);
  if (!*condition) {
    api::set_time(out.mutable_metadata()->mutable_creation_timestamp(), kNow - age);
    return out;
  }
  auto& added = *out.mutable_status()->add_conditions();
  added.set_type(condition);
  added.set_status("True");
  api::set_time(added.mutable_last_update_time(), kNow - age);
  return out;
}

TEST(CertificateCleanerPlan, WhatGoesAndWhen) {
  using enum certificate_cleaner::Why;
  struct Case {
    const char* name;
    CertificateSigningRequest request;
    std::optional<Duration> certificate_ends;  // from now
    certificate_cleaner::Why why;
  };
  const Case cases[] = {
      {"pending for a day", aged("", 24h), {}, Stays},
      {"for longer", aged("", 24h + 1s), {}, Pending},
      {"somebody has said something else of it", aged("Seen", 1000h), {}, Stays},
      {"approved and issued", aged("Approved", 1h, "x"), 1h, Stays},
      {"for more than an hour", aged("Approved", 1h + 1s, "x"), 1h, Issued},
      {"approved and not issued", aged("Approved", 24h), {}, Stays},
      {"for more than a day", aged("Approved", 24h + 1s), {}, Unissued},
      {"denied", aged("Denied", 1h), {}, Stays},
      {"denied for more than an hour", aged("Denied", 1h + 1s), {}, Denied},
      {"failed", aged("Failed", 1h), {}, Stays},
      {"failed for more than an hour", aged("Failed", 1h + 1s), {}, Failed},
      {"its certificate ends now", aged("Approved", 10min, "x"), 0s, Stays},
      {"its certificate has ended", aged("Approved", 10min, "x"), -1s, Expired},
      {"its certificate cannot be read", aged("Approved", 10min, "x"), {}, Stays},
      {"nobody has approved what has ended", aged("Seen", 10min, "x"), -1s, Stays},
      {"from the future", aged("Denied", -1h), {}, Stays},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    std::optional<Time> ends;
    if (c.certificate_ends) ends = kNow + *c.certificate_ends;
    EXPECT_STREQ(certificate_cleaner::text(certificate_cleaner::judge(c.request, ends, kNow)), certificate_cleaner::text(c.why));
  }
  CertificateSigningRequest undated = request_with({"Denied"});
  EXPECT_EQ(certificate_cleaner::judge(undated, {}, kNow), Stays) << "nobody knows since when";
}

}  // namespace
}  // namespace ph::controllers
