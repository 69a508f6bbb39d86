#include <gtest/gtest.h>

#include "api/times.h"
#include "controllers/common/bootstrap_tokens.h"
#include "tests/controllers/bootstrap_secrets.h"
#include "tests/controllers/scripted_loop.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using core::v1::Secret;

TEST(BootstrapTokenTest, Expiry) {
  struct Case {
    const char* name;
    const char* expiration;
    std::optional<Time> expiry;
  };
  const Case cases[] = {
      {"none", "", {}},
      {"a moment", "2026-01-01T00:10:00Z", sim::SimClock::kStart + 10min},
      {"of another zone", "2026-01-01T01:10:00+01:00", sim::SimClock::kStart + 10min},
      {"with a fraction", "2026-01-01T00:00:00.25Z", sim::SimClock::kStart + 250ms},
      {"beyond our clock", "9999-12-31T23:59:59Z", {}},
      {"before our clock", "0001-01-01T00:00:00Z", Time::min()},
      {"not a time", "tomorrow", Time::min()},
      {"no zone", "2026-01-01T00:10:00", Time::min()},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    BootstrapToken token;
    token.expiration = c.expiration;
    EXPECT_EQ(expiry(token), c.expiry);
  }
}

TEST(TokenCleaner, DeletesAtTheMomentOfExpiry) {
  sim::Cluster cluster(sim::loops("tokencleaner"));
  cluster.create(bootstrap_secret("aaaaaa", "2026-01-01T00:10:00Z"));
  cluster.create(bootstrap_secret("bbbbbb", ""));
  cluster.create(bootstrap_secret("cccccc", "9999-12-31T23:59:59Z"));
  Secret other = bootstrap_secret("dddddd", "2026-01-01T00:10:00Z");
  other.set_type("Opaque");
  cluster.create(other);
  Secret elsewhere = bootstrap_secret("eeeeee", "2026-01-01T00:10:00Z");
  elsewhere.mutable_metadata()->set_namespace_("default");
  cluster.create(elsewhere);
  cluster.create(bootstrap_secret("ffffff", "2025-12-31T23:59:59Z"));
  cluster.create(bootstrap_secret("gggggg", "soon"));

  cluster.advance(10min - (cluster.now() - sim::SimClock::kStart) - 1ms);
  EXPECT_TRUE(cluster.has<Secret>("kube-system/bootstrap-token-aaaaaa"));
  EXPECT_FALSE(cluster.has<Secret>("kube-system/bootstrap-token-ffffff")) << "it had expired before";
  EXPECT_FALSE(cluster.has<Secret>("kube-system/bootstrap-token-gggggg")) << "unreadable is expired";
  cluster.advance(1ms);
  EXPECT_FALSE(cluster.has<Secret>("kube-system/bootstrap-token-aaaaaa"));
  cluster.advance(24h);
  EXPECT_TRUE(cluster.has<Secret>("kube-system/bootstrap-token-bbbbbb"));
  EXPECT_TRUE(cluster.has<Secret>("kube-system/bootstrap-token-cccccc"));
  EXPECT_TRUE(cluster.has<Secret>("kube-system/bootstrap-token-dddddd"));
  EXPECT_TRUE(cluster.has<Secret>("default/bootstrap-token-eeeeee"));
}

TEST(TokenCleaner, AProlongedTokenStaysAndAFreshStartForgetsNothing) {
  sim::Cluster cluster(sim::loops("tokencleaner"));
  cluster.create(bootstrap_secret("aaaaaa", "2026-01-01T00:10:00Z"));
  cluster.advance(9min);
  cluster.edit<Secret>("kube-system/bootstrap-token-aaaaaa",
                       [](Secret& secret) { (*secret.mutable_data())["expiration"] = "2026-01-01T00:20:00Z"; });
  cluster.advance(5min);
  cluster.restart_loops();
  cluster.advance(5min);
  EXPECT_TRUE(cluster.has<Secret>("kube-system/bootstrap-token-aaaaaa"));
  cluster.advance(1min + 1s);
  EXPECT_FALSE(cluster.has<Secret>("kube-system/bootstrap-token-aaaaaa"));
}

TEST(TokenCleaner, MayDoSoInARealCluster) {
  sim::Cluster cluster(sim::loops("*,tokencleaner").nodes(3).scheduler().access());
  cluster.create(bootstrap_secret("aaaaaa", "2026-01-01T00:10:00Z"));
  cluster.advance(9min);
  EXPECT_TRUE(cluster.has<Secret>("kube-system/bootstrap-token-aaaaaa"));
  EXPECT_TRUE(cluster.run_until([&] { return !cluster.has<Secret>("kube-system/bootstrap-token-aaaaaa"); }, 70s));
}

TEST(TokenCleaner, WhatTheCacheDoesNotShowIsNotDeleted) {
  Secret expired = bootstrap_secret("aaaaaa", "2025-01-01T00:00:00Z");
  expired.mutable_metadata()->set_uid("u1");
  expired.mutable_metadata()->set_resource_version("5");
  ScriptedLoop loop("tokencleaner");
  loop.start({{"secrets", {&expired}}});
  ASSERT_EQ(loop.request(), "DELETE /api/v1/namespaces/kube-system/secrets/bootstrap-token-aaaaaa");
  EXPECT_EQ(loop.delete_options().preconditions().uid(), "u1");
  EXPECT_EQ(loop.delete_options().preconditions().resource_version(), "5");
  loop.server.refuse(409, "Conflict");
  loop.executor.advance(1s);
  ASSERT_EQ(loop.request(), "GET /api/v1/namespaces/kube-system/secrets") << "what became of it";
  Secret prolonged = expired;
  prolonged.mutable_metadata()->set_resource_version("1005");
  (*prolonged.mutable_data())["expiration"] = "2026-06-01T00:00:00Z";
  meta::v1::PartialObjectMetadataList list;
  *list.add_items()->mutable_metadata() = prolonged.metadata();
  loop.server.answer(list);
  EXPECT_EQ(loop.request(), "") << "not before the cache shows it";
  loop.tell("secrets", "MODIFIED", prolonged);
  loop.executor.advance(1h);
  EXPECT_EQ(loop.request(), "");
}

}  // namespace
}  // namespace ph::controllers
