#include <gtest/gtest.h>

#include "controllers/runtime/options.h"
#include "controllers/service_account_token/plan.h"
#include "net/jwt.h"
#include "net/pki.h"
#include "pilothouse/signing.h"
#include "tests/controllers/scripted_loop.h"
#include "tests/controllers/token_secrets.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using core::v1::Secret;
using core::v1::ServiceAccount;
using nlohmann::json;
namespace plan = service_account_token;

// -- The plan

TEST(ServiceAccountTokenPlan, KeysTellWhoseASecretWas) {
  Secret secret = make_token_secret("shop/t", "bob");
  EXPECT_EQ(plan::key_for(secret), (ObjectKey{"shop", "t/bob/"}));
  (*secret.mutable_metadata()->mutable_annotations())[kAccountUid] = "u1";
  const plan::Subject subject = plan::subject_of(plan::key_for(secret));
  EXPECT_EQ(subject.secret, "t");
  EXPECT_EQ(subject.account, "bob");
  EXPECT_EQ(subject.account_uid, "u1");
  const plan::Subject bare = plan::subject_of({"shop", "t"});
  EXPECT_EQ(bare.secret, "t");
  EXPECT_EQ(bare.account + bare.account_uid, "");
}

TEST(ServiceAccountTokenPlan, WhatASecretLacks) {
  struct Case {
    const char* name;
    std::map<std::string, std::string> data;
    const char* authority;
    bool lacks;
  };
  const Case cases[] = {
      {"everything", {}, "ca", true},
      {"nothing", {{"token", "t"}, {"namespace", "shop"}, {"ca.crt", "ca"}}, "ca", false},
      {"the token", {{"namespace", "shop"}, {"ca.crt", "ca"}}, "ca", true},
      {"the namespace", {{"token", "t"}, {"ca.crt", "ca"}}, "ca", true},
      {"the authority", {{"token", "t"}, {"namespace", "shop"}}, "ca", true},
      {"it has another authority", {{"token", "t"}, {"namespace", "shop"}, {"ca.crt", "old"}}, "ca", true},
      {"there is no authority", {{"token", "t"}, {"namespace", "shop"}}, "", false},
      {"another namespace and token stand", {{"token", "mine"}, {"namespace", "mine"}, {"ca.crt", "ca"}}, "ca", false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Secret secret = make_token_secret("shop/t", "bob");
    for (const auto& [key, value] : c.data) (*secret.mutable_data())[key] = value;
    EXPECT_EQ(plan::lacks_something(secret, c.authority), c.lacks);
    ServiceAccount account = make_account("shop/bob");
    account.mutable_metadata()->set_uid("u1");
    const Secret full = plan::filled(secret, account, c.authority, [](std::string_view) { return std::string("signed"); });
    EXPECT_FALSE(plan::lacks_something(full, c.authority));
    if (c.data.contains("token")) EXPECT_EQ(text_at(full.data(), "token"), c.data.at("token"));
    else EXPECT_EQ(text_at(full.data(), "token"), "signed");
    EXPECT_EQ(text_at(full.metadata().annotations(), kAccountUid), "u1");
  }
}

TEST(ServiceAccountTokenPlan, WhatATokenSays) {
  ServiceAccount account = make_account("shop/bob");
  account.mutable_metadata()->set_uid("u1");
  EXPECT_EQ(json::parse(plan::claims(account, make_token_secret("shop/t", "bob"))),
            (json{{"iss", "kubernetes/serviceaccount"},
                  {"sub", "system:serviceaccount:shop:bob"},
                  {"kubernetes.io/serviceaccount/namespace", "shop"},
                  {"kubernetes.io/serviceaccount/secret.name", "t"},
                  {"kubernetes.io/serviceaccount/service-account.name", "bob"},
                  {"kubernetes.io/serviceaccount/service-account.uid", "u1"}}));
}

TEST(ServiceAccountTokenPlan, References) {
  const auto without = plan::without_reference(make_account("shop/bob", {"a", "t", "b", "t"}), "t");
  ASSERT_TRUE(without);
  ASSERT_EQ(without->secrets_size(), 2);
  EXPECT_EQ(without->secrets(0).name() + without->secrets(1).name(), "ab");
  EXPECT_FALSE(plan::without_reference(make_account("shop/bob", {"a"}), "t"));
}

// -- In a cluster. With access: the loop has no more rights than the manager itself.

sim::Setup tokens() {
  Options options;
  options.root_ca = "the authority";
  return sim::loops("serviceaccount-token,serviceaccount").access().without_admission({"ServiceAccount"}).options(options);
}

TEST(ServiceAccountToken, ASecretIsFilled) {
  sim::Cluster cluster(tokens());
  const ServiceAccount account = cluster.create(make_account("default/bob"));
  cluster.create(make_token_secret("default/t", "bob"));
  cluster.advance(1s);
  const Secret secret = cluster.get<Secret>("default/t");
  EXPECT_EQ(text_at(secret.data(), "ca.crt"), "the authority");
  EXPECT_EQ(text_at(secret.data(), "namespace"), "default");
  EXPECT_EQ(text_at(secret.metadata().annotations(), kAccountUid), account.metadata().uid());
  const auto jws = net::read_jws(text_at(secret.data(), "token"));
  ASSERT_TRUE(jws);
  EXPECT_EQ(jws->payload, plan::claims(account, secret));
  EXPECT_TRUE(std::ranges::any_of(secret.metadata().managed_fields(),
                                  [](const auto& each) { return each.manager() == "kube-controller-manager"; }));
}

TEST(ServiceAccountToken, TheTokenIsSignedWithTheKeyThatWasGiven) {
  const std::string key = net::make_private_key();
  Options options;
  options.sign_token = pilothouse::token_signer(key);
  sim::Cluster cluster(tokens().options(options));
  cluster.create(make_account("default/bob"));
  cluster.create(make_token_secret("default/t", "bob"));
  cluster.advance(1s);
  const net::JwtVerifier verifier({net::public_key_pem(key)});
  const auto jws = verifier.verify(text_at(cluster.get<Secret>("default/t").data(), "token"));
  ASSERT_TRUE(jws);
  EXPECT_EQ(json::parse(jws->payload)["sub"], "system:serviceaccount:default:bob");
}

TEST(ServiceAccountToken, WhatIsTakenOutIsPutBackAndTheRestStays) {
  sim::Cluster cluster(tokens());
  cluster.create(make_account("default/bob"));
  cluster.create(make_token_secret("default/t", "bob"));
  cluster.advance(1s);
  cluster.edit<Secret>("default/t", [](Secret& secret) {
    secret.mutable_data()->erase("token");
    secret.mutable_data()->erase("namespace");
    (*secret.mutable_data())["ca.crt"] = "x";
    (*secret.mutable_data())["more"] = "y";
  });
  cluster.advance(1s);
  const Secret secret = cluster.get<Secret>("default/t");
  EXPECT_FALSE(plan::lacks_something(secret, "the authority"));
  EXPECT_EQ(text_at(secret.data(), "more"), "y");
}

TEST(ServiceAccountToken, ASecretGoesWithItsAccount) {
  sim::Cluster cluster(tokens());
  cluster.create(make_account("default/bob"));
  for (const char* key : {"default/t", "default/of-another"})
    cluster.create(make_token_secret(key, std::string_view(key) == "default/t" ? "bob" : "default"));
  cluster.create(make_token_secret("default/of-nobody", "nobody"));
  Secret opaque = make_token_secret("default/opaque", "nobody");
  opaque.set_type("Opaque");
  cluster.create(opaque);
  cluster.advance(1s);
  EXPECT_FALSE(cluster.has<Secret>("default/of-nobody"));
  EXPECT_TRUE(cluster.has<Secret>("default/t"));
  cluster.remove<ServiceAccount>("default/bob");
  cluster.advance(1s);
  EXPECT_FALSE(cluster.has<Secret>("default/t"));
  EXPECT_TRUE(cluster.has<Secret>("default/of-another"));
  EXPECT_TRUE(cluster.has<Secret>("default/opaque"));
}

TEST(ServiceAccountToken, AnAccountMadeAnewIsAnother) {
  sim::Cluster cluster(tokens());
  cluster.create(make_account("default/bob"));
  cluster.create(make_token_secret("default/t", "bob"));
  Secret wrong = make_token_secret("default/wrong", "bob");
  (*wrong.mutable_metadata()->mutable_annotations())[kAccountUid] = "00000000-0000-0000-0000-000000000001";
  cluster.create(wrong);
  cluster.advance(1s);
  EXPECT_FALSE(cluster.has<Secret>("default/wrong"));
  cluster.remove<ServiceAccount>("default/bob");
  cluster.create(make_account("default/bob"));
  cluster.advance(1s);
  EXPECT_FALSE(cluster.has<Secret>("default/t"));
}

TEST(ServiceAccountToken, AnAccountForgetsASecretThatIsDeleted) {
  sim::Cluster cluster(tokens());
  cluster.create(make_account("default/bob", {"t", "other", "later"}));
  cluster.create(make_token_secret("default/t", "bob"));
  cluster.advance(1s);
  cluster.remove<Secret>("default/t");
  cluster.advance(1s);
  const ServiceAccount account = cluster.get<ServiceAccount>("default/bob");
  ASSERT_EQ(account.secrets_size(), 2) << "what nobody has seen may be still to come";
  EXPECT_EQ(account.secrets(0).name() + " " + account.secrets(1).name(), "other later");
}

TEST(ServiceAccountToken, WhatTheCacheDoesNotShowIsAskedFor) {
  Secret secret = make_token_secret("default/t", "bob");
  secret.mutable_metadata()->set_uid("u1");
  secret.mutable_metadata()->set_resource_version("5");
  Options options;
  options.sign_token = [](std::string_view) { return std::string("signed"); };
  ScriptedLoop loop("serviceaccount-token", options);
  loop.start({{"secrets", {&secret}}});
  ASSERT_EQ(loop.request(), "GET /api/v1/namespaces/default/serviceaccounts/bob");
  loop.server.refuse(404, "NotFound");
  ASSERT_EQ(loop.request(), "DELETE /api/v1/namespaces/default/secrets/t");
  EXPECT_EQ(loop.delete_options().preconditions().uid(), "u1");
}

}  // namespace
}  // namespace ph::controllers
