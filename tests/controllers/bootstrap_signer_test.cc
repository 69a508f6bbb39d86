#include <gmock/gmock.h>

#include "api/sorted.h"
#include "controllers/bootstrap_signer/signatures.h"
#include "tests/controllers/bootstrap_secrets.h"
#include "tests/controllers/scripted_loop.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using core::v1::ConfigMap;
using core::v1::Secret;
using testing::IsEmpty;

const Time kNow = sim::SimClock::kStart;

// -- Decisions

// Those of kubeadm's tests, and one made with another library.
TEST(BootstrapSignatures, AreDetachedJws) {
  const std::string content = "Hello from the other side. I must have called a thousand times.";
  EXPECT_EQ(bootstrap_signer::detached_signature(content, "joshua", "my voice is my passcode"),
            "eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9..VShe2taLd-YTrmWuRkcL_8QTNDHYxQIEBsAYYiIj1_8");
  EXPECT_EQ(bootstrap_signer::detached_signature("", "joshua", "my voice is my passcode"),
            "eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9..7Ui1ALizW4jXphVUB7xUqC9vLYLL9RZeOFfVLoB7Tgk");
  EXPECT_EQ(bootstrap_signer::detached_signature("apiVersion: v1\n", "aaaaaa", "0123456789abcdef"),
            "eyJhbGciOiJIUzI1NiIsImtpZCI6ImFhYWFhYSJ9..PzjciOayR1RqXSEvP1b5YjMSXBqX2zvPRtdRuOtm5iE");
}

Ref<BootstrapToken> token(const Secret& secret) { return BootstrapToken::decode(api::encode_protobuf(secret)); }
Secret with(Secret secret, const char* key, const char* value) {
  (*secret.mutable_data())[key] = value;
  return secret;
}
Secret named(Secret secret, const char* name, const char* space = "kube-system") {
  secret.mutable_metadata()->set_name(name);
  secret.mutable_metadata()->set_namespace_(space);
  return secret;
}

TEST(BootstrapSignatures, WhoMaySign) {
  const Secret good = bootstrap_secret("aaaaaa", "");
  Secret opaque = good;
  opaque.set_type("Opaque");
  struct Case {
    const char* name;
    Secret secret;
    bool may;
  };
  const Case cases[] = {
      {"a token", good, true},
      {"one that has time left", bootstrap_secret("aaaaaa", "2026-01-01T00:00:01Z"), true},
      {"one that expires now", bootstrap_secret("aaaaaa", "2026-01-01T00:00:00Z"), false},
      {"one with an unreadable expiration", bootstrap_secret("aaaaaa", "soon"), false},
      {"not for signing", with(good, "usage-bootstrap-signing", "false"), false},
      {"for signing, in other words", with(good, "usage-bootstrap-signing", "True"), false},
      {"without a secret", with(good, "token-secret", ""), false},
      {"without an id", with(good, "token-id", ""), false},
      {"of another id than its name's", with(good, "token-id", "bbbbbb"), false},
      {"of another name", named(good, "my-token"), false},
      {"of an id too long", bootstrap_secret("aaaaaaa", ""), false},
      {"of an id in capitals", bootstrap_secret("AAAAAA", ""), false},
      {"elsewhere", named(good, "bootstrap-token-aaaaaa", "default"), false},
      {"of another type", opaque, false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(bootstrap_signer::may_sign(*token(c.secret), kNow), c.may);
  }
}

ConfigMap cluster_info(const std::string& kubeconfig) {
  ConfigMap info = sim::make_config_map("kube-public/cluster-info");
  (*info.mutable_data())["kubeconfig"] = kubeconfig;
  (*info.mutable_data())["note"] = "not ours";
  return info;
}

std::vector<std::string> signatures(const ConfigMap& info) {
  std::vector<std::string> out;
  for (const auto* entry : sorted(info.data())) {
    if (entry->first.starts_with("jws-")) out.push_back(entry->first.substr(std::string_view("jws-kubeconfig-").size()));
  }
  return out;
}

TEST(BootstrapSignatures, CoverExactlyTheTokensThatMay) {
  const std::vector<Ref<BootstrapToken>> tokens{
      token(bootstrap_secret("aaaaaa", "2026-01-01T01:00:00Z")), token(bootstrap_secret("bbbbbb", "2026-01-01T00:30:00Z")),
      token(with(bootstrap_secret("cccccc", "2026-01-01T00:10:00Z"), "usage-bootstrap-signing", "no"))};
  const auto first = bootstrap_signer::signed_info(cluster_info("k1"), tokens, kNow);
  ASSERT_TRUE(first);
  EXPECT_EQ(signatures(*first), (std::vector<std::string>{"aaaaaa", "bbbbbb"}));
  EXPECT_EQ(first->data().at("jws-kubeconfig-aaaaaa"), bootstrap_signer::detached_signature("k1", "aaaaaa", "0123456789abcdef"));
  EXPECT_EQ(first->data().at("note"), "not ours");
  EXPECT_EQ(bootstrap_signer::next_expiry(tokens, kNow), kNow + 30min);
  EXPECT_EQ(bootstrap_signer::next_expiry(tokens, kNow + 30min), kNow + 1h);
  EXPECT_EQ(bootstrap_signer::next_expiry(tokens, kNow + 1h), std::nullopt);

  EXPECT_FALSE(bootstrap_signer::signed_info(*first, tokens, kNow)) << "it is so already";
  ConfigMap changed = *first;
  (*changed.mutable_data())["kubeconfig"] = "k2";
  const auto second = bootstrap_signer::signed_info(changed, tokens, kNow);
  ASSERT_TRUE(second);
  EXPECT_NE(second->data().at("jws-kubeconfig-aaaaaa"), first->data().at("jws-kubeconfig-aaaaaa"));
  const auto later = bootstrap_signer::signed_info(*first, tokens, kNow + 30min);
  ASSERT_TRUE(later);
  EXPECT_EQ(signatures(*later), (std::vector<std::string>{"aaaaaa"}));

  ConfigMap empty = *first;
  empty.mutable_data()->erase("kubeconfig");
  EXPECT_FALSE(bootstrap_signer::signed_info(empty, tokens, kNow)) << "there is nothing to sign";
}

// -- In a cluster

constexpr const char* kInfo = "kube-public/cluster-info";

sim::Cluster& with_info(sim::Cluster& cluster) {
  if (!cluster.has<core::v1::Namespace>("kube-public")) cluster.create(sim::make_namespace("kube-public"));
  cluster.create(cluster_info("apiVersion: v1\n"));
  return cluster;
}
std::vector<std::string> signatures(sim::Cluster& cluster) { return signatures(cluster.get<ConfigMap>(kInfo)); }
const std::vector<std::string> kA{"aaaaaa"}, kAB{"aaaaaa", "bbbbbb"};

TEST(BootstrapSigner, KeepsSignaturesInStep) {
  sim::Cluster cluster(sim::loops("bootstrapsigner"));
  cluster.create(bootstrap_secret("aaaaaa", ""));
  with_info(cluster);
  cluster.create(sim::make_config_map("default/cluster-info"));
  cluster.advance(1s);
  EXPECT_EQ(cluster.get<ConfigMap>(kInfo).data().at("jws-kubeconfig-aaaaaa"),
            "eyJhbGciOiJIUzI1NiIsImtpZCI6ImFhYWFhYSJ9..PzjciOayR1RqXSEvP1b5YjMSXBqX2zvPRtdRuOtm5iE");
  cluster.create(bootstrap_secret("bbbbbb", ""));
  cluster.advance(1s);
  EXPECT_EQ(signatures(cluster), kAB);

  cluster.edit<ConfigMap>(kInfo, [](ConfigMap& info) { info.mutable_data()->erase("jws-kubeconfig-aaaaaa"); });
  cluster.advance(1s);
  EXPECT_EQ(signatures(cluster), kAB) << "somebody took one away";
  cluster.edit<ConfigMap>(kInfo, [](ConfigMap& info) { (*info.mutable_data())["jws-kubeconfig-zzzzzz"] = "forged"; });
  cluster.advance(1s);
  EXPECT_EQ(signatures(cluster), kAB) << "somebody added one";
  cluster.edit<Secret>("kube-system/bootstrap-token-bbbbbb",
                       [](Secret& secret) { (*secret.mutable_data())["usage-bootstrap-signing"] = "false"; });
  cluster.advance(1s);
  EXPECT_EQ(signatures(cluster), kA);

  const std::string before = cluster.get<ConfigMap>(kInfo).data().at("jws-kubeconfig-aaaaaa");
  cluster.edit<ConfigMap>(kInfo,
                          [](ConfigMap& info) { (*info.mutable_data())["kubeconfig"] = "apiVersion: v1\nkind: Config\n"; });
  cluster.advance(1s);
  EXPECT_NE(cluster.get<ConfigMap>(kInfo).data().at("jws-kubeconfig-aaaaaa"), before);
  cluster.remove<Secret>("kube-system/bootstrap-token-aaaaaa");
  cluster.advance(1s);
  EXPECT_THAT(signatures(cluster), IsEmpty());
  EXPECT_EQ(cluster.get<ConfigMap>(kInfo).data().at("note"), "not ours");
  EXPECT_EQ(cluster.get<ConfigMap>("default/cluster-info").data_size(), 0);
}

TEST(BootstrapSigner, ASignatureGoesWhenItsTokenExpires) {
  sim::Cluster cluster(sim::loops("bootstrapsigner"));
  with_info(cluster);
  cluster.create(bootstrap_secret("aaaaaa", "2026-01-01T02:00:00Z"));
  cluster.create(bootstrap_secret("bbbbbb", "2026-01-01T01:00:00Z"));
  cluster.advance(59min);
  cluster.restart_loops();
  EXPECT_EQ(signatures(cluster), kAB);
  cluster.advance(1min);
  EXPECT_EQ(signatures(cluster), kA) << "though nobody deletes the Secret";
  cluster.advance(1h);
  EXPECT_THAT(signatures(cluster), IsEmpty());
}

TEST(BootstrapSigner, AFreshStartChangesNothing) {
  sim::Cluster cluster(sim::loops("bootstrapsigner"));
  with_info(cluster);
  cluster.create(bootstrap_secret("aaaaaa", ""));
  ASSERT_TRUE(cluster.run_until_quiet());
  const std::size_t before = cluster.history().size();
  cluster.restart_loops();
  cluster.advance(1h);
  EXPECT_EQ(cluster.history().size(), before);
}

TEST(BootstrapSigner, MayDoSoInARealClusterBesideTheTokenCleaner) {
  sim::Cluster cluster(sim::loops("*,bootstrapsigner,tokencleaner").nodes(3).scheduler().access());
  with_info(cluster);
  cluster.create(bootstrap_secret("aaaaaa", ""));
  cluster.create(bootstrap_secret("bbbbbb", "2026-01-01T00:10:00Z"));
  ASSERT_TRUE(cluster.run_until([&] { return signatures(cluster) == kAB; }, 10s));
  ASSERT_TRUE(cluster.run_until([&] { return signatures(cluster) == kA; }, 11min));
  EXPECT_FALSE(cluster.has<Secret>("kube-system/bootstrap-token-bbbbbb"));
}

TEST(BootstrapSigner, IsOffUnlessAskedFor) {
  sim::Cluster cluster(sim::everything(0));
  with_info(cluster);
  cluster.create(bootstrap_secret("aaaaaa", "2026-01-01T00:10:00Z"));
  cluster.advance(1h);
  EXPECT_THAT(signatures(cluster), IsEmpty());
  EXPECT_TRUE(cluster.has<Secret>("kube-system/bootstrap-token-aaaaaa")) << "so is the token cleaner";
}

// -- The cache is late.

TEST(BootstrapSignerStale, WritesBackWhatItReadLive) {
  ConfigMap cached = cluster_info("old");
  cached.mutable_metadata()->set_resource_version("5");
  const Secret secret = bootstrap_secret("aaaaaa", "");
  ScriptedLoop loop("bootstrapsigner");
  loop.start({{"configmaps", {&cached}}, {"secrets", {&secret}}});
  ASSERT_EQ(loop.request(), "GET /api/v1/namespaces/kube-public/configmaps/cluster-info");
  ConfigMap live = cluster_info("new");
  live.mutable_metadata()->set_resource_version("1009");
  (*live.mutable_data())["other"] = "added meanwhile";
  loop.server.answer(live);
  ASSERT_EQ(loop.request(), "PUT /api/v1/namespaces/kube-public/configmaps/cluster-info");
  ConfigMap sent;
  api::decode_protobuf(api::open_envelope(loop.server.expect().body).raw, sent);
  EXPECT_EQ(sent.metadata().resource_version(), "1009");
  EXPECT_EQ(sent.data().at("other"), "added meanwhile");
  EXPECT_EQ(sent.data().at("jws-kubeconfig-aaaaaa"), bootstrap_signer::detached_signature("new", "aaaaaa", "0123456789abcdef"));
}

}  // namespace
}  // namespace ph::controllers
