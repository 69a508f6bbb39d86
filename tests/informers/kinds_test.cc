// Kinds as discovery names them, against a server that is a script.
#include "informers/kinds.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/informers/scripted_server.h"

namespace ph::informers {
namespace {

using testing::ElementsAre, testing::IsEmpty;

// A group with one version of one resource.
std::string group(const std::string& name, const std::string& version, const std::string& plural, const std::string& kind,
                  const char* freshness = "Current", const char* verbs = R"("delete","list","watch")") {
  return fmt::format(R"({{"metadata":{{"name":"{}"}},"versions":[{{"version":"{}","freshness":"{}","resources":[
    {{"resource":"{}","responseKind":{{"group":"","version":"","kind":"{}"}},"scope":"Namespaced","singularResource":"","verbs":[{}]}}]}}]}})",
                     name, version, freshness, plural, kind, verbs);
}
std::string document(const std::string& groups) {
  return R"({"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","metadata":{},"items":[)" + groups + "]}";
}

class KindsTest : public testing::Test {
 protected:
  ~KindsTest() override { informers_.stop(); }

  void answer_at(const std::string& path, const std::string& groups) {
    EXPECT_EQ(server_.expect().target, path);
    server_.answer(200, document(groups),
                   {{"Content-Type", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}});
  }
  // Answers one look: the core group has pods, and `groups` are the others.
  void answer(const std::string& groups) {
    answer_at("/api", group("", "v1", "pods", "Pod"));
    answer_at("/apis", groups);
  }
  // Accepts the watch that is asked for next, and makes the copy complete.
  ScriptedServer::Watch follow(const std::string& path) {
    EXPECT_EQ(server_.expect().path(), path);
    auto watch = server_.accept_watch();
    watch.send("ADDED", object_of<meta::v1::PartialObjectMetadata>("a/x", 5));
    watch.send("BOOKMARK", bookmark<meta::v1::PartialObjectMetadata>(6, true));
    executor_.drain();
    return watch;
  }
  std::vector<std::string> told() {
    std::vector<std::string> out;
    for (const KindRef& kind : kinds_.list())
      out.push_back(fmt::format("{} {}/{}", kind->number, kind->resource->kind.api_version(), kind->resource->plural));
    return out;
  }

  sim::SimExecutor executor_;
  ScriptedServer server_{executor_};
  Client client_{server_, "test"};
  SeededRng rng_{1};
  Informers informers_{executor_, client_, rng_, Log()};
  Kinds& kinds_ = informers_.kinds();
};

const std::string kCarts = group("shop.example.com", "v1", "carts", "Cart");

TEST_F(KindsTest, ComeAndGo) {
  kinds_.want(is_collectable);
  answer(kCarts + "," + group("read.example.com", "v1", "books", "Book", "Current", R"("list","watch")"));
  EXPECT_THAT(told(), ElementsAre("0 v1/pods", "1 shop.example.com/v1/carts"));
  EXPECT_FALSE(kinds_.settled(1h));
  auto pods = follow("/api/v1/pods");
  auto carts = follow("/apis/shop.example.com/v1/carts");
  EXPECT_TRUE(kinds_.settled(1h));
  const KindRef cart = kinds_.of_name("shop.example.com/v1", "Cart");
  ASSERT_TRUE(cart);
  EXPECT_EQ(kinds_.of_number(1), cart);
  EXPECT_FALSE(kinds_.of_name("read.example.com/v1", "Book"));

  // Gone: it is followed no more, and whoever holds it may still read.
  executor_.advance(30s);
  answer("");
  EXPECT_THAT(told(), ElementsAre("0 v1/pods"));
  EXPECT_TRUE(carts.dropped());
  EXPECT_FALSE(pods.dropped());
  EXPECT_FALSE(kinds_.of_number(1));
  EXPECT_FALSE(kinds_.of_name("shop.example.com/v1", "Cart"));
  EXPECT_TRUE(cart->metadata->find({"a", "x"}));

  // Back, in another version: another object of the same number.
  executor_.advance(30s);
  answer(group("shop.example.com", "v2", "carts", "Cart"));
  EXPECT_THAT(told(), ElementsAre("0 v1/pods", "1 shop.example.com/v2/carts"));
  follow("/apis/shop.example.com/v2/carts");
  EXPECT_NE(kinds_.of_number(1), cart);
}

TEST_F(KindsTest, AGroupThatDoesNotAnswerKeepsItsKinds) {
  kinds_.want(is_collectable);
  answer(kCarts);
  follow("/api/v1/pods");
  auto carts = follow("/apis/shop.example.com/v1/carts");
  const std::uint64_t version = kinds_.version();
  executor_.advance(30s);
  answer(group("shop.example.com", "v1", "carts", "Cart", "Stale"));
  EXPECT_THAT(told(), ElementsAre("0 v1/pods", "1 shop.example.com/v1/carts"));
  EXPECT_TRUE(kinds_.of_name("shop.example.com/v1", "Cart"));
  EXPECT_FALSE(carts.dropped());
  EXPECT_EQ(kinds_.version(), version) << "nothing has changed";
}

TEST_F(KindsTest, ASilentServerTakesNothingAway) {
  kinds_.want(is_collectable);
  answer(kCarts);
  follow("/api/v1/pods");
  auto carts = follow("/apis/shop.example.com/v1/carts");
  executor_.advance(30s);
  server_.lose();
  EXPECT_EQ(told().size(), 2u);
  executor_.advance(2s);
  EXPECT_EQ(server_.expect().target, "/api") << "it is asked again, sooner";
}

Task<bool> refreshed(Kinds& kinds) {
  co_await kinds.refresh();
  co_return true;
}

TEST_F(KindsTest, ARefreshIsALookThatBeginsAfterIt) {
  kinds_.want(is_collectable);
  server_.expect();  // a look is on its way
  Call<bool> one(executor_, refreshed(kinds_)), two(executor_, refreshed(kinds_));
  answer("");
  EXPECT_FALSE(one.done());
  answer_at("/api", group("", "v1", "pods", "Pod"));
  follow("/api/v1/pods");
  answer_at("/apis", kCarts);
  EXPECT_TRUE(one.done());
  EXPECT_TRUE(two.done()) << "they share it";
  EXPECT_EQ(told().size(), 2u);
  follow("/apis/shop.example.com/v1/carts");
  EXPECT_TRUE(server_.quiet());

  Call<bool> failed(executor_, refreshed(kinds_));
  server_.lose();
  EXPECT_THROW(failed.value(), TransportError);
}

}  // namespace
}  // namespace ph::informers
