// Groups that somebody else serves: they are in discovery, and their requests are handed on when their sender may ask.
#include <gmock/gmock.h>

#include "api/errors.h"
#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;

// Answers with what it was asked, by whom.
class Echo final : public ForeignGroup {
 public:
  Echo() {
    api::Resource resource;
    resource.kind = {.group = "echo.example.com", .version = "v1", .kind = "Sound"};
    resource.plural = "sounds";
    resource.namespaced = true;
    resource.verbs = {"get", "list"};
    resources_.push_back(std::move(resource));
  }
  std::span<const api::Resource> resources() const override { return resources_; }
  Task<HttpResponse> handle(const HttpRequest& request, const RequestInfo& info, const Identity& user) override {
    if (info.resource != "sounds") throw api::page_not_found();
    HttpResponse out;
    out.headers.add("Content-Type", "application/json");
    out.body.push_back(share(json{{"target", request.target}, {"verb", info.verb}, {"user", user.name}}.dump()));
    co_return out;
  }

 private:
  std::vector<api::Resource> resources_;
};

StandardOptions with_echo() {
  StandardOptions out;
  out.foreign["echo.example.com/v1"] = std::make_shared<Echo>();
  return out;
}

TEST(ForeignGroup, IsInDiscovery) {
  StandardWorld world(with_echo());
  const json groups = world.get("/apis").json()["groups"];
  EXPECT_EQ(groups.back()["name"], "echo.example.com") << "after those of the server itself";
  EXPECT_EQ(world.get("/apis/echo.example.com").json()["preferredVersion"]["version"], "v1");
  const json list = world.get("/apis/echo.example.com/v1").json();
  ASSERT_EQ(list["resources"].size(), 1u);
  EXPECT_EQ(list["resources"][0]["name"], "sounds");
  EXPECT_EQ(list["resources"][0]["verbs"], json::array({"get", "list"}));
  const json aggregated = world.get_as("/apis", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList").json();
  EXPECT_EQ(aggregated["items"].back()["metadata"]["name"], "echo.example.com");
}

TEST(ForeignGroup, RequestsAreHandedOn) {
  StandardWorld world(with_echo());
  const Reply reply = world.get("/apis/echo.example.com/v1/namespaces/a/sounds?labelSelector=b");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.json(), json::parse(R"({"target":"/apis/echo.example.com/v1/namespaces/a/sounds?labelSelector=b",
    "verb":"list","user":"admin"})"));
  EXPECT_EQ(world.get("/apis/echo.example.com/v1/namespaces/a/sounds/s").json()["verb"], "get");
  EXPECT_EQ(world.get("/apis/echo.example.com/v1/smells").status, 404) << "that is the group's affair";
  EXPECT_EQ(world.get("/apis/echo.example.com/v2/sounds").status, 404) << "another version is nobody's";
}

TEST(ForeignGroup, NotEverybodyMayAsk) {
  StandardWorld world(with_echo());
  const Reply reply = world.get("/apis/echo.example.com/v1/namespaces/a/sounds", StandardWorld::user("nobody"));
  EXPECT_EQ(reply.status, 403);
  EXPECT_THAT(reply.message(),
              ::testing::HasSubstr("cannot list resource \"sounds\" in API group \"echo.example.com\" in the namespace \"a\""));
}

}  // namespace
}  // namespace ph::apiserver::testing
