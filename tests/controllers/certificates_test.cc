// Signing requests from their making to their end, in simulated clusters; certificates are read by OpenSSL.
#include <gtest/gtest.h>

#include "controllers/common/certificate_requests.h"
#include "controllers/runtime/options.h"
#include "pilothouse/signing.h"
#include "tests/controllers/scripted_loop.h"
#include "tests/net/certificate_reader.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"
#include "tests/sim/signing.h"

namespace ph::controllers {
namespace {

using certificates::v1::CertificateSigningRequest;
using sim::make_signing_request, sim::signing_request;
using Words = std::vector<std::string>;

constexpr const char* kNode = "O=system:nodes,CN=system:node:a";
const Words kClient{"digital signature", "client auth"}, kServer{"digital signature", "server auth"};

CertificateSigningRequest node_client(const std::string& name) {
  return make_signing_request(name, kKubeletClientSigner, signing_request(kNode), kClient);
}

Task<CertificateSigningRequest> send_verdict(informers::Client& client, CertificateSigningRequest request) {
  CertificateSigningRequest answer;
  co_await client.update_message(request, "approval", answer);
  co_return answer;
}

void decide(sim::Cluster& cluster, const std::string& name, const char* type) {
  auto request = cluster.get<CertificateSigningRequest>(name);
  auto& condition = *request.mutable_status()->add_conditions();
  condition.set_type(type);
  condition.set_status("True");
  condition.set_reason("ByHand");
  cluster.call<CertificateSigningRequest>([&](informers::Client& client) { return send_verdict(client, request); });
}

std::string certificate(sim::Cluster& cluster, const std::string& name) {
  return cluster.get<CertificateSigningRequest>(name).status().certificate();
}

// "type reason: message" of the last condition.
std::string last_word(sim::Cluster& cluster, const std::string& name) {
  const auto request = cluster.get<CertificateSigningRequest>(name);
  if (request.status().conditions().empty()) return {};
  const auto& last = *request.status().conditions().rbegin();
  return last.type() + " " + last.reason() + ": " + last.message();
}

// With access: the loops have no more rights than their account's role gives.
sim::Setup csr_loops() { return sim::loops("csrsigning,csrapproving,csrcleaner").access(); }

TEST(CertificateSigning, WhatIsApprovedIsSigned) {
  sim::Cluster cluster(csr_loops());
  const std::string asked = signing_request("O=devs,CN=bob");
  cluster.create(make_signing_request("bob", kApiserverClientSigner, asked, {"client auth"}));
  cluster.advance(10s);
  EXPECT_EQ(certificate(cluster, "bob"), "") << "nobody has approved it";
  decide(cluster, "bob", "Approved");
  const Time signed_at = cluster.now();
  cluster.advance(1s);
  const std::string cert = certificate(cluster, "bob");
  ASSERT_NE(cert, "");
  const std::string& authority = sim::simulated_authority().cert_pem;
  EXPECT_EQ(testing::chain_error(cert, authority, cluster.now(), X509_PURPOSE_SSL_CLIENT), "");
  EXPECT_NE(testing::chain_error(cert, authority, cluster.now(), X509_PURPOSE_SSL_SERVER), "");
  EXPECT_TRUE(testing::is_for_key_of(cert, asked));
  EXPECT_EQ(testing::subject_text(cert), "O=devs,CN=bob");
  EXPECT_EQ(testing::extension_text(cert, NID_ext_key_usage), "TLS Web Client Authentication");
  const net::CertificateInfo info = net::inspect_certificate(cert);
  EXPECT_EQ(info.not_before, std::chrono::floor<std::chrono::seconds>(signed_at) - 5min);
  EXPECT_EQ(info.not_after - info.not_before, 8760h);
  EXPECT_FALSE(info.is_ca);
  const auto request = cluster.get<CertificateSigningRequest>("bob");
  EXPECT_EQ(request.status().conditions_size(), 1);
  EXPECT_TRUE(std::ranges::any_of(request.metadata().managed_fields(),
                                  [](const auto& each) { return each.manager() == "kube-controller-manager"; }));
}

TEST(CertificateSigning, HowLongItIsGood) {
  struct Case {
    const char* name;
    int seconds;
    Duration lives;  // from its beginning, 5 min ago
  };
  const Case cases[] = {{"short", 600, 15min}, {"long", 86400, 24h}, {"too-long", 2000000000, 8760h}};
  sim::Cluster cluster(csr_loops());
  for (const Case& c : cases) {
    auto request = make_signing_request(c.name, kApiserverClientSigner, signing_request("CN=bob"), {"client auth"});
    request.mutable_spec()->set_expiration_seconds(c.seconds);
    cluster.create(request);
    decide(cluster, c.name, "Approved");
  }
  cluster.advance(1s);
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const net::CertificateInfo info = net::inspect_certificate(certificate(cluster, c.name));
    EXPECT_EQ(info.not_after - info.not_before, c.lives);
  }
}

TEST(CertificateSigning, KubeletsServeWithWhatTheyAskedFor) {
  sim::Cluster cluster(csr_loops());
  const std::string asked = signing_request(kNode, "DNS:n1,IP:10.0.0.1");
  cluster.create(make_signing_request("serving", kKubeletServingSigner, asked, kServer));
  cluster.advance(1min);
  EXPECT_EQ(last_word(cluster, "serving"), "") << "nobody approves these by himself";
  decide(cluster, "serving", "Approved");
  cluster.advance(1s);
  const std::string cert = certificate(cluster, "serving");
  ASSERT_NE(cert, "");
  EXPECT_EQ(testing::chain_error(cert, sim::simulated_authority().cert_pem, cluster.now(), X509_PURPOSE_SSL_SERVER), "");
  EXPECT_EQ(testing::extension_text(cert, NID_subject_alt_name), "DNS:n1, IP Address:10.0.0.1");
  EXPECT_EQ(testing::extension_text(cert, NID_key_usage), "critical: Digital Signature");
}

TEST(CertificateSigning, WhatIsAgainstTheRulesIsRefusedOnce) {
  sim::Cluster cluster(csr_loops());
  cluster.create(make_signing_request("bad", kApiserverClientSigner, signing_request("CN=bob"), {"server auth"}));
  decide(cluster, "bad", "Approved");
  cluster.advance(1s);
  EXPECT_EQ(last_word(cluster, "bad"), "Failed SignerValidationFailure: invalid usage for client certificate: server auth");
  EXPECT_EQ(certificate(cluster, "bad"), "");
  const std::string before = cluster.get<CertificateSigningRequest>("bad").metadata().resource_version();
  cluster.restart_loops();
  cluster.advance(30min);
  EXPECT_EQ(cluster.get<CertificateSigningRequest>("bad").metadata().resource_version(), before);
}

TEST(CertificateSigning, DeniedOnesAndThoseOfOthersAreLetBe) {
  sim::Cluster cluster(csr_loops());
  cluster.create(make_signing_request("denied", kApiserverClientSigner, signing_request("CN=bob"), {"client auth"}));
  decide(cluster, "denied", "Denied");
  cluster.create(make_signing_request("other", "example.com/signer", signing_request("CN=bob"), {"server auth"}));
  decide(cluster, "other", "Approved");
  cluster.advance(10min);
  EXPECT_EQ(certificate(cluster, "denied"), "");
  EXPECT_EQ(certificate(cluster, "other"), "");
  EXPECT_EQ(last_word(cluster, "other"), "Approved ByHand: ");
}

TEST(CertificateSigning, ASignerWithoutAnAuthoritySignsAndRefusesNothing) {
  Options options;
  options.signing.authorities[kKubeletServingSigner] = pilothouse::fixed_authority(sim::simulated_authority());
  sim::Cluster cluster(csr_loops().options(options));
  for (const char* name : {"good", "bad"}) {
    const char* usage = std::string_view(name) == "good" ? "client auth" : "server auth";
    cluster.create(make_signing_request(name, kApiserverClientSigner, signing_request("CN=bob"), {usage}));
    decide(cluster, name, "Approved");
  }
  cluster.create(make_signing_request("serving", kKubeletServingSigner, signing_request(kNode, "DNS:n1"), kServer));
  decide(cluster, "serving", "Approved");
  cluster.advance(10min);
  EXPECT_EQ(certificate(cluster, "good"), "");
  EXPECT_EQ(last_word(cluster, "bad"), "Approved ByHand: ");
  EXPECT_NE(certificate(cluster, "serving"), "");
}

TEST(CertificateSigning, AnAuthorityThatHasExpiredSignsNothing) {
  sim::Cluster cluster(csr_loops());
  cluster.jump_clock(100 * 8766h);
  cluster.create(make_signing_request("bob", kApiserverClientSigner, signing_request("CN=bob"), {"client auth"}));
  decide(cluster, "bob", "Approved");
  cluster.advance(1min);
  EXPECT_EQ(certificate(cluster, "bob"), "");
  EXPECT_EQ(last_word(cluster, "bob"), "Approved ByHand: ");
}

// -- Approving

void grant(sim::Cluster& cluster, const std::string& subresource) {
  rbac::v1::ClusterRoleBinding binding;
  binding.mutable_metadata()->set_name(subresource);
  binding.mutable_role_ref()->set_api_group("rbac.authorization.k8s.io");
  binding.mutable_role_ref()->set_kind("ClusterRole");
  binding.mutable_role_ref()->set_name("system:certificates.k8s.io:certificatesigningrequests:" + subresource);
  auto& subject = *binding.add_subjects();
  subject.set_api_group("rbac.authorization.k8s.io");
  subject.set_kind("Group");
  subject.set_name("system:bootstrappers");
  cluster.create(binding);
}

// As somebody else asks: who may make requests, and whatever is bound to his groups.
void ask_as(sim::Cluster& cluster, const std::string& user, CertificateSigningRequest request) {
  const auto transport = in_process_transport(
      cluster.server(), cluster.executor(),
      Identity{.name = user, .uid = {}, .groups = {"system:bootstrappers", "system:authenticated"}, .extra = {}});
  informers::Client client(*transport, "kubelet/v1.36.2");
  cluster.call<CertificateSigningRequest>(
      [&](informers::Client&) { return client.create<CertificateSigningRequest>(std::move(request)); });
}

void let_bootstrappers_ask(sim::Cluster& cluster) {
  rbac::v1::ClusterRoleBinding binding;
  binding.mutable_metadata()->set_name("bootstrappers");
  binding.mutable_role_ref()->set_api_group("rbac.authorization.k8s.io");
  binding.mutable_role_ref()->set_kind("ClusterRole");
  binding.mutable_role_ref()->set_name("system:node-bootstrapper");
  auto& subject = *binding.add_subjects();
  subject.set_api_group("rbac.authorization.k8s.io");
  subject.set_kind("Group");
  subject.set_name("system:bootstrappers");
  cluster.create(binding);
}

TEST(CertificateApproving, ANodeThatJoinsGetsItsCertificate) {
  sim::Cluster cluster(csr_loops());
  let_bootstrappers_ask(cluster);
  grant(cluster, "nodeclient");
  ask_as(cluster, "system:bootstrap:aaaaaa", node_client("joins"));
  cluster.advance(1s);
  const auto request = cluster.get<CertificateSigningRequest>("joins");
  ASSERT_EQ(request.status().conditions_size(), 1);
  EXPECT_EQ(last_word(cluster, "joins"),
            "Approved AutoApproved: Auto approving kubelet client certificate after SubjectAccessReview.");
  EXPECT_TRUE(request.status().conditions(0).has_last_update_time());
  EXPECT_TRUE(request.status().conditions(0).has_last_transition_time());
  const std::string cert = request.status().certificate();
  ASSERT_NE(cert, "");
  EXPECT_EQ(testing::chain_error(cert, sim::simulated_authority().cert_pem, cluster.now(), X509_PURPOSE_SSL_CLIENT), "");
  EXPECT_EQ(testing::subject_text(cert), "O=system:nodes,CN=system:node:a");
}

TEST(CertificateApproving, ANodeRenewsItsOwn) {
  sim::Cluster cluster(csr_loops());
  let_bootstrappers_ask(cluster);
  grant(cluster, "selfnodeclient");
  ask_as(cluster, "system:node:a", node_client("own"));
  ask_as(cluster, "system:node:b", node_client("of-another"));
  cluster.advance(1min);
  EXPECT_EQ(last_word(cluster, "own"),
            "Approved AutoApproved: Auto approving self kubelet client certificate after SubjectAccessReview.");
  EXPECT_NE(certificate(cluster, "own"), "");
  EXPECT_EQ(last_word(cluster, "of-another"), "");
}

TEST(CertificateApproving, WhatNobodyAllowsWaitsUntilSomebodyDoes) {
  sim::Cluster cluster(csr_loops());
  let_bootstrappers_ask(cluster);
  ask_as(cluster, "system:bootstrap:aaaaaa", node_client("waits"));
  cluster.advance(1min);
  EXPECT_EQ(last_word(cluster, "waits"), "");
  grant(cluster, "nodeclient");
  cluster.advance(3min);
  EXPECT_NE(certificate(cluster, "waits"), "");
}

TEST(CertificateApproving, WhatIsNoKubeletsIsLetBe) {
  sim::Cluster cluster(csr_loops());
  cluster.create(make_signing_request("client", kApiserverClientSigner, signing_request("CN=bob"), {"client auth"}));
  cluster.create(make_signing_request("names", kKubeletClientSigner, signing_request(kNode, "DNS:a"), kClient));
  cluster.create(make_signing_request("serving", kKubeletServingSigner, signing_request(kNode, "DNS:a"), kServer));
  cluster.advance(10min);
  for (const char* name : {"client", "names", "serving"}) EXPECT_EQ(last_word(cluster, name), "") << name;
}

TEST(CertificateApproving, WhatTheCacheDoesNotShowIsNotApprovedAgain) {
  auto request = node_client("a");
  request.mutable_metadata()->set_uid("u1");
  request.mutable_metadata()->set_resource_version("5");
  Options options;
  options.certificates = pilothouse::make_certificates();
  ScriptedLoop loop("csrapproving", options);
  loop.start({{"certificatesigningrequests", {&request}}});
  ASSERT_EQ(loop.request(), "POST /apis/authorization.k8s.io/v1/subjectaccessreviews");
  authorization::v1::SubjectAccessReview review;
  review.mutable_status()->set_allowed(true);
  loop.server.answer(review);
  ASSERT_EQ(loop.request(), "GET /apis/certificates.k8s.io/v1/certificatesigningrequests/a");
  auto denied = request;
  denied.mutable_metadata()->set_resource_version("1007");
  auto& condition = *denied.mutable_status()->add_conditions();
  condition.set_type("Denied");
  condition.set_status("True");
  loop.server.answer(denied);
  EXPECT_EQ(loop.request(), "") << "somebody has denied it meanwhile";
  loop.executor.advance(1h);
  EXPECT_EQ(loop.request(), "");
}

// -- Cleaning

TEST(CertificateCleaner, DecidedOnesGoAfterAnHourAndPendingOnesAfterADay) {
  sim::Cluster cluster(csr_loops());
  for (const char* name : {"issued", "denied", "failed"}) {
    const char* usage = std::string_view(name) == "failed" ? "server auth" : "client auth";
    cluster.create(make_signing_request(name, kApiserverClientSigner, signing_request("CN=bob"), {usage}));
    decide(cluster, name, std::string_view(name) == "denied" ? "Denied" : "Approved");
  }
  cluster.create(make_signing_request("pending", kApiserverClientSigner, signing_request("CN=bob"), {"client auth"}));
  cluster.create(make_signing_request("unissued", "example.com/signer", signing_request("CN=bob"), {"client auth"}));
  decide(cluster, "unissued", "Approved");
  cluster.advance(59min);
  for (const char* name : {"issued", "denied", "failed"}) EXPECT_TRUE(cluster.has<CertificateSigningRequest>(name)) << name;
  // It looks once an hour.
  cluster.advance(1h + 2min);
  for (const char* name : {"issued", "denied", "failed"}) EXPECT_FALSE(cluster.has<CertificateSigningRequest>(name)) << name;
  cluster.advance(21h);
  for (const char* name : {"pending", "unissued"}) EXPECT_TRUE(cluster.has<CertificateSigningRequest>(name)) << name;
  cluster.advance(2h);
  for (const char* name : {"pending", "unissued"}) EXPECT_FALSE(cluster.has<CertificateSigningRequest>(name)) << name;
}

TEST(CertificateCleaner, AFreshStartLooksAtOnce) {
  sim::Cluster cluster(csr_loops());
  cluster.create(make_signing_request("denied", kApiserverClientSigner, signing_request("CN=bob"), {"client auth"}));
  decide(cluster, "denied", "Denied");
  cluster.advance(1h + 5s);
  EXPECT_TRUE(cluster.has<CertificateSigningRequest>("denied"));
  cluster.restart_loops();
  cluster.advance(1s);
  EXPECT_FALSE(cluster.has<CertificateSigningRequest>("denied"));
}

TEST(CertificateCleaner, WhatTheCacheDoesNotShowIsNotDeleted) {
  auto request = node_client("a");
  request.mutable_metadata()->set_uid("u1");
  request.mutable_metadata()->set_resource_version("5");
  api::set_time(request.mutable_metadata()->mutable_creation_timestamp(), sim::SimClock::kStart - 25h);
  ScriptedLoop loop("csrcleaner");
  loop.start({{"certificatesigningrequests", {&request}}});
  ASSERT_EQ(loop.request(), "DELETE /apis/certificates.k8s.io/v1/certificatesigningrequests/a");
  EXPECT_EQ(loop.delete_options().preconditions().uid(), "u1");
  EXPECT_EQ(loop.delete_options().preconditions().resource_version(), "5");
}

}  // namespace
}  // namespace ph::controllers
