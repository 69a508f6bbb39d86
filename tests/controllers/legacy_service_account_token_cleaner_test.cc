#include <gtest/gtest.h>

#include "api/times.h"
#include "controllers/legacy_service_account_token_cleaner/plan.h"
#include "controllers/runtime/options.h"
#include "tests/controllers/scripted_loop.h"
#include "tests/controllers/token_secrets.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using core::v1::Secret;
using core::v1::ServiceAccount;
namespace cleaner = legacy_service_account_token_cleaner;

// -- The plan. Now is noon of 2026-01-31.

const Time kNow = *api::parse_rfc3339("2026-01-31T12:00:00Z");
constexpr Duration kPeriod = std::chrono::days(10);

Secret aged(Duration age, const std::map<std::string, std::string>& labels) {
  Secret out = make_token_secret("default/t", "bob", labels);
  api::set_time(out.mutable_metadata()->mutable_creation_timestamp(), kNow - age);
  return out;
}

TEST(LegacyTokenCleanerPlan, SinceWhenUsesAreNoted) {
  struct Case {
    const char* since;
    std::optional<const char*> from;
  };
  const Case cases[] = {{"2026-01-01", "2026-01-02T00:00:00Z"},
                        {"2026-02-28", "2026-03-01T00:00:00Z"},
                        {"", {}},
                        {"2026-1-1", {}},
                        {"2026-01-01T00:00:00Z", {}},
                        {"yesterday!", {}}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.since);
    core::v1::ConfigMap tracking;
    (*tracking.mutable_data())["since"] = c.since;
    const auto since = cleaner::tracked_since(tracking);
    ASSERT_EQ(since.has_value(), c.from.has_value());
    if (since) EXPECT_EQ(api::rfc3339(*since), *c.from);
  }
  EXPECT_FALSE(cleaner::tracked_since({}));
}

TEST(LegacyTokenCleanerPlan, WhatIsUnused) {
  struct Case {
    const char* name;
    Duration age;
    const char* last_used;  // null: no label
    bool unused;
  };
  const Case cases[] = {
      {"never used", std::chrono::days(11), nullptr, true},
      {"used long ago", std::chrono::days(40), "2026-01-01", true},
      {"used on the day before", std::chrono::days(40), "2026-01-20", true},
      {"used on the first day that counts", std::chrono::days(40), "2026-01-21", false},
      {"used today", std::chrono::days(40), "2026-01-31", false},
      {"young", std::chrono::days(10), nullptr, false},
      {"just old enough", std::chrono::days(10) + 1s, nullptr, true},
      {"a label that nobody can read", std::chrono::days(40), "long ago", false},
      {"an empty one", std::chrono::days(40), "", false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    std::map<std::string, std::string> labels;
    if (c.last_used) labels[cleaner::kLastUsed] = c.last_used;
    Secret secret = aged(c.age, labels);
    EXPECT_EQ(cleaner::is_unused(secret, kNow, kPeriod), c.unused);
    api::set_time(secret.mutable_metadata()->mutable_deletion_timestamp(), kNow);
    EXPECT_FALSE(cleaner::is_unused(secret, kNow, kPeriod)) << "it goes already";
  }
}

TEST(LegacyTokenCleanerPlan, WhatBecomesOfIt) {
  using enum cleaner::Verdict;
  struct Case {
    const char* name;
    const char* invalid_since;
    cleaner::Verdict verdict;
  };
  const Case cases[] = {
      {"not said to be invalid", "", BecomesInvalid},
      {"a word that nobody can read", "soon", BecomesInvalid},
      {"invalid since today", "2026-01-31", Stays},
      {"for as long as it may be", "2026-01-21", Stays},
      {"for longer", "2026-01-20", Goes},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(cleaner::judge(aged(std::chrono::days(40), {{cleaner::kInvalidSince, c.invalid_since}}), kNow, kPeriod), c.verdict);
  }
}

TEST(LegacyTokenCleanerPlan, WhatWasGenerated) {
  Secret secret = make_token_secret("default/t", "bob");
  ServiceAccount account = make_account("default/bob", {"other", "t"});
  account.mutable_metadata()->set_uid("u1");
  EXPECT_TRUE(cleaner::is_generated(secret, account));
  EXPECT_FALSE(cleaner::is_generated(secret, make_account("default/bob", {"other"}))) << "made by hand";
  EXPECT_FALSE(cleaner::is_generated(secret, make_account("default/eve", {"t"}))) << "of another";
  (*secret.mutable_metadata()->mutable_annotations())[kAccountUid] = "u2";
  EXPECT_FALSE(cleaner::is_generated(secret, account)) << "of an account that was";
}

TEST(LegacyTokenCleanerPlan, APodNamesSecretsInManyPlaces) {
  core::v1::PodSpec pod;
  std::set<std::string> names;
  const auto next = [&] { return *names.insert("s" + std::to_string(names.size())).first; };
  const auto source = [&] { return pod.add_volumes()->mutable_volume_source(); };
  pod.add_image_pull_secrets()->set_name(next());
  source()->mutable_secret()->set_secret_name(next());
  source()->mutable_azure_file()->set_secret_name(next());
  source()->mutable_cephfs()->mutable_secret_ref()->set_name(next());
  source()->mutable_cinder()->mutable_secret_ref()->set_name(next());
  source()->mutable_flex_volume()->mutable_secret_ref()->set_name(next());
  source()->mutable_projected()->add_sources()->mutable_secret()->mutable_local_object_reference()->set_name(next());
  source()->mutable_rbd()->mutable_secret_ref()->set_name(next());
  source()->mutable_scale_io()->mutable_secret_ref()->set_name(next());
  source()->mutable_iscsi()->mutable_secret_ref()->set_name(next());
  source()->mutable_storageos()->mutable_secret_ref()->set_name(next());
  source()->mutable_csi()->mutable_node_publish_secret_ref()->set_name(next());
  const auto add = [&](auto* container) {
    container->add_env_from()->mutable_secret_ref()->mutable_local_object_reference()->set_name(next());
    container->add_env()->mutable_value_from()->mutable_secret_key_ref()->mutable_local_object_reference()->set_name(next());
    container->add_env()->set_value("plain");
  };
  add(pod.add_containers());
  add(pod.add_init_containers());
  add(pod.add_ephemeral_containers()->mutable_ephemeral_container_common());
  source()->mutable_config_map()->mutable_local_object_reference()->set_name("no secret");
  EXPECT_EQ(cleaner::secrets_of(pod), names);
}

// -- In a cluster

constexpr Duration kUnusedFor = std::chrono::days(30);

sim::Setup token_cleaner() {
  Options options;
  options.legacy_service_account_token_clean_up_period = kUnusedFor;
  return sim::loops("legacy-service-account-token-cleaner").access().without_admission({"ServiceAccount"}).options(options);
}

std::string invalid_since(sim::Cluster& cluster, const std::string& key) {
  return text_at(cluster.get<Secret>(key).metadata().labels(), cleaner::kInvalidSince);
}

TEST(LegacyTokenCleaner, AnUnusedTokenBecomesInvalidAndThenGoes) {
  sim::Cluster cluster(token_cleaner());
  cluster.create(make_account("default/bob", {"unused", "mounted", "used"}));
  for (const char* key : {"default/unused", "default/mounted", "default/by-hand"}) cluster.create(make_token_secret(key, "bob"));
  cluster.create(make_token_secret("default/used", "bob", {{cleaner::kLastUsed, "2026-01-20"}}));
  core::v1::Pod pod = sim::make_pod("default/pod", "node-0");
  auto& volume = *pod.mutable_spec()->add_volumes();
  volume.set_name("v");
  volume.mutable_volume_source()->mutable_secret()->set_secret_name("mounted");
  cluster.create(pod);
  // Uses have been noted since the end of the first day.
  cluster.advance(kUnusedFor);
  EXPECT_EQ(invalid_since(cluster, "default/unused"), "");
  cluster.advance(48h);
  const std::string said = invalid_since(cluster, "default/unused");
  EXPECT_TRUE(said == "2026-02-01" || said == "2026-02-02") << said;
  for (const char* key : {"default/mounted", "default/by-hand", "default/used"})
    EXPECT_EQ(invalid_since(cluster, key), "") << key;
  cluster.advance(kUnusedFor - 24h);
  EXPECT_TRUE(cluster.has<Secret>("default/unused"));
  EXPECT_NE(invalid_since(cluster, "default/used"), "") << "by now nobody has used it for long";
  cluster.advance(96h);
  EXPECT_FALSE(cluster.has<Secret>("default/unused"));
  for (const char* key : {"default/mounted", "default/by-hand"}) EXPECT_TRUE(cluster.has<Secret>(key)) << key;
}

TEST(LegacyTokenCleaner, WhileNobodyHasNotedUsesNothingIsUnused) {
  sim::Cluster cluster(token_cleaner());
  cluster.create(make_account("default/bob", {"t"}));
  cluster.create(make_token_secret("default/t", "bob"));
  cluster.remove<core::v1::ConfigMap>("kube-system/kube-apiserver-legacy-service-account-token-tracking");
  cluster.advance(4 * kUnusedFor);
  EXPECT_EQ(invalid_since(cluster, "default/t"), "");
}

TEST(LegacyTokenCleaner, OneThatIsUsedMeanwhileIsLetBe) {
  Secret secret = make_token_secret("default/t", "bob");
  secret.mutable_metadata()->set_uid("u1");
  secret.mutable_metadata()->set_resource_version("5");
  api::set_time(secret.mutable_metadata()->mutable_creation_timestamp(), sim::SimClock::kStart - 1000 * 24h);
  ServiceAccount account = make_account("default/bob", {"t"});
  account.mutable_metadata()->set_resource_version("6");
  ScriptedLoop loop("legacy-service-account-token-cleaner");
  loop.start({{"secrets", {&secret}}, {"serviceaccounts", {&account}}});
  ASSERT_EQ(loop.request(), "GET /api/v1/namespaces/kube-system/configmaps/kube-apiserver-legacy-service-account-token-tracking");
  core::v1::ConfigMap tracking;
  (*tracking.mutable_data())["since"] = "2020-01-01";
  loop.server.answer(tracking);
  auto pods = loop.server.accept_watch();
  pods.send("BOOKMARK", informers::bookmark(1000, true));
  loop.executor.drain();
  ASSERT_EQ(loop.request(), "GET /api/v1/pods") << "what may mount it is asked for live";
  meta::v1::PartialObjectMetadataList none;
  none.mutable_metadata()->set_resource_version("1000");
  loop.server.answer(none);
  ASSERT_EQ(loop.request(), "PATCH /api/v1/namespaces/default/secrets/t");
  const auto patch = nlohmann::json::parse(loop.server.expect().body);
  EXPECT_EQ(patch["metadata"]["uid"], "u1");
  EXPECT_EQ(patch["metadata"]["resourceVersion"], "5");
  EXPECT_EQ(patch["metadata"]["labels"][cleaner::kInvalidSince], "2026-01-01");
}

}  // namespace
}  // namespace ph::controllers
