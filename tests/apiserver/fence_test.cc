// Writes under a fence: made while the lease is in the term they name, and refused, whole and in the same transaction, else.
#include "api/fence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/apiserver/harness.h"
#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

using ::testing::HasSubstr;

constexpr const char* kMaps = "/api/v1/namespaces/default/configmaps";
constexpr const char* kPods = "/api/v1/namespaces/default/pods";
constexpr const char* kLeases = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
constexpr const char* kLease = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/demo";

std::string map(const std::string& name) { return R"({"metadata":{"name":")" + name + R"("},"data":{"a":"1"}})"; }
std::string pod(const std::string& name) {
  return R"({"metadata":{"name":")" + name + R"("},"spec":{"containers":[{"name":"c","image":"i"}]}})";
}
std::string lease(const std::string& holder, int transitions) {
  return R"({"metadata":{"name":"demo"},"spec":{"holderIdentity":")" + holder +
         R"(","leaseDurationSeconds":15,"leaseTransitions":)" + std::to_string(transitions) + "}}";
}

// A cluster with the lease held by `a` for the third time, and the fence of that term.
struct Fenced : Harness {
  explicit Fenced(MemoryOptions memory = {}) : Harness(quiet_options(), {}, std::move(memory)) {
    const Answer made = post(kLeases, lease("a", 3));
    EXPECT_EQ(made.status, 201) << made.body;
    fence = {{"kube-system", "demo"}, made.json()["metadata"]["uid"], "a", 3};
  }

  Answer fenced(HttpRequest request) { return fenced(std::move(request), api::fence_text(fence)); }
  Answer fenced(HttpRequest request, const std::string& text) {
    request.headers.add("pilothouse-fence", text);
    return send(std::move(request));
  }
  void change(const std::string& holder, int transitions) { ASSERT_EQ(patch(kLease, lease(holder, transitions)).status, 200); }
  void take_over() { change("b", 4); }
  void renew() {
    ASSERT_EQ(patch(kLease, R"({"spec":{"renewTime":"2026-01-01T00:00:0)" + std::to_string(++renewals) + R"(.000000Z"}})").status,
              200);
  }

  api::Fence fence;
  int renewals = 0;
};

void expect_refused(const Answer& answer) {
  EXPECT_EQ(answer.status, 409) << answer.body;
  EXPECT_EQ(answer.reason(), "Conflict");
  EXPECT_THAT(answer.message(), HasSubstr("the write was made under a fence that does not hold"));
  EXPECT_EQ(answer.json()["details"]["kind"], "leases");
  EXPECT_EQ(answer.json()["details"]["name"], "demo");
  EXPECT_EQ(answer.json()["details"]["causes"][0]["reason"], "FenceDoesNotHold");
}

// Every way of changing something, each on its own objects.
struct Write {
  const char* name;
  HttpRequest request;
  int status;
};

std::vector<Write> every_write() {
  const auto json = [](const char* method, const std::string& target, const std::string& body,
                       const char* type = "application/json") { return Harness::request(method, target, body, type, {}); };
  const std::string maps = kMaps, pods = kPods;
  return {
      {"create", json("POST", maps, map("new")), 201},
      {"create with a generated name", json("POST", maps, R"({"metadata":{"generateName":"x-"}})"), 201},
      {"update", json("PUT", maps + "/update", map("update")), 200},
      {"an update that changes nothing", json("PATCH", maps + "/same", R"({"data":{"a":"1"}})", "application/merge-patch+json"),
       200},
      {"patch", json("PATCH", maps + "/patch", R"({"data":{"a":"2"}})", "application/merge-patch+json"), 200},
      {"status", json("PATCH", pods + "/bound/status", R"({"status":{"phase":"Running"}})", "application/merge-patch+json"), 200},
      {"delete", json("DELETE", maps + "/delete", ""), 200},
      {"deletecollection", json("DELETE", maps + "?labelSelector=many", ""), 200},
      {"binding", json("POST", pods + "/bind/binding", R"({"metadata":{"name":"bind"},"target":{"kind":"Node","name":"n"}})"),
       201},
      {"eviction", json("POST", pods + "/evict/eviction", R"({"metadata":{"name":"evict"}})"), 201},
      {"finalize", json("PUT", "/api/v1/namespaces/space/finalize", R"({"metadata":{"name":"space"},"spec":{"finalizers":[]}})"),
       200},
      {"dry run", json("POST", maps + "?dryRun=All", map("dry")), 201},
      {"dry run of a delete", json("DELETE", maps + "/update?dryRun=All", ""), 200},
  };
}

void fill(Fenced& api) {
  for (const char* name : {"update", "patch", "same", "delete"}) ASSERT_EQ(api.post(kMaps, map(name)).status, 201);
  ASSERT_EQ(api.post(kMaps, R"({"metadata":{"name":"many","labels":{"many":"x"}}})").status, 201);
  for (const char* name : {"bound", "bind", "evict"}) ASSERT_EQ(api.post(kPods, pod(name)).status, 201);
  ASSERT_EQ(api.post("/api/v1/namespaces", R"({"metadata":{"name":"space"}})").status, 201);
}

TEST(Fence, PassesEveryWriteWhileItHolds) {
  Fenced api;
  fill(api);
  api.renew();  // the term is the same
  for (const Write& write : every_write()) {
    SCOPED_TRACE(write.name);
    const Answer answer = api.fenced(write.request);
    EXPECT_EQ(answer.status, write.status) << answer.body;
  }
}

TEST(Fence, RefusesEveryWriteOfATermThatIsOver) {
  Fenced api;
  fill(api);
  api.take_over();
  const Revision before = api.store->revision();
  for (const Write& write : every_write()) {
    SCOPED_TRACE(write.name);
    expect_refused(api.fenced(write.request));
    EXPECT_EQ(api.store->revision(), before);
  }
}

TEST(Fence, ComparesUidHolderAndTransitions) {
  struct Case {
    const char* name;
    std::function<void(Fenced&)> change;
    bool passes;
  };
  const Case kCases[] = {
      {"as it was", [](Fenced&) {}, true},
      {"renewed", [](Fenced& api) { api.renew(); }, true},
      {"labelled", [](Fenced& api) { api.patch(kLease, R"({"metadata":{"labels":{"a":"b"}}})"); }, true},
      {"another holder, uncounted", [](Fenced& api) { api.change("b", 3); }, false},
      {"the same holder again", [](Fenced& api) { api.change("a", 4); }, false},
      {"released", [](Fenced& api) { api.change("", 3); }, false},
      {"deleted", [](Fenced& api) { api.remove(kLease); }, false},
      {"made anew, with the same term",
       [](Fenced& api) {
         api.remove(kLease);
         api.post(kLeases, lease("a", 3));
       },
       false},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    Fenced api;
    c.change(api);
    const Answer answer = api.fenced(Harness::request("POST", kMaps, map("x"), "application/json"));
    if (c.passes) {
      EXPECT_EQ(answer.status, 201) << answer.body;
    } else {
      expect_refused(answer);
      EXPECT_EQ(api.get(std::string(kMaps) + "/x").status, 404);
    }
  }
}

// What happens to the lease while a write is on its way to the disk.
struct InBetween {
  std::shared_ptr<std::function<void()>> next = std::make_shared<std::function<void()>>();
  MemoryOptions memory() const {
    MemoryOptions options;
    options.fault = [next = next](const Transaction& transaction, MemoryOptions::Moment moment) {
      return disturb(next.get(), moment == MemoryOptions::Moment::BeforeWrite &&
                                     !transaction.mutations.front().key.starts_with("/registry/leases/"));
    };
    return options;
  }
  static Task<void> disturb(std::function<void()>* next, bool now) {
    if (now && *next) std::exchange(*next, {})();
    co_await sleep_for(now ? 1ms : 0ms);  // what was begun is carried out first
  }
};

TEST(Fence, IsJudgedInTheTransactionOfTheWrite) {
  const InBetween between;
  Fenced api(between.memory());
  *between.next = [&] { api.start(Harness::request("PATCH", kLease, lease("b", 4), "application/merge-patch+json")); };
  const Answer answer = api.fenced(Harness::request("POST", kMaps, map("late"), "application/json"));
  EXPECT_EQ(api.get(kLease).json()["spec"]["holderIdentity"], "b");
  expect_refused(answer);
  EXPECT_EQ(api.get(std::string(kMaps) + "/late").status, 404);
}

TEST(Fence, IsNotLostToARenewal) {
  const InBetween between;
  Fenced api(between.memory());
  int renewals = 0;
  const std::function<void()> renew = [&] {
    if (++renewals == 8) return;  // more often than a lost race would be tried again
    api.start(Harness::request("PATCH", kLease,
                               R"({"spec":{"renewTime":"2026-01-01T00:00:0)" + std::to_string(renewals) + R"(.000000Z"}})",
                               "application/merge-patch+json"));
    *between.next = renew;
  };
  *between.next = renew;
  const Answer answer = api.fenced(Harness::request("POST", kMaps, map("lucky"), "application/json"));
  EXPECT_EQ(answer.status, 201) << answer.body;
  EXPECT_EQ(renewals, 8);
}

TEST(Fence, ReadsAreNoneOfItsBusiness) {
  Fenced api;
  api.take_over();
  EXPECT_EQ(api.fenced(Harness::request("GET", kMaps)).status, 200);
}

TEST(Fence, ThatCannotBeReadIsABadRequest) {
  Fenced api;
  for (const char* text :
       {"", "demo", "kube-system/demo", "kube-system/demo; uid=u; holder=a", "kube-system/demo; uid=; holder=a; transitions=3",
        "kube-system/demo; uid=u; holder=a; transitions=-1", "kube-system/demo; uid=u; holder=a; transitions=3; uid=v",
        "kube-system/demo; uid=u; holder=a b; transitions=3", "/demo; uid=u; holder=a; transitions=3",
        "kube-system/demo; uid=u; holder=; transitions=3", "kube-system/demo; uid=u; holder=a%4; transitions=3"}) {
    SCOPED_TRACE(text);
    const Answer answer = api.fenced(Harness::request("POST", kMaps, map("x"), "application/json"), text);
    EXPECT_EQ(answer.status, 400) << answer.body;
    EXPECT_EQ(answer.reason(), "BadRequest");
    EXPECT_THAT(answer.message(), HasSubstr("Pilothouse-Fence"));
  }
}

TEST(Fence, HasOneText) {
  const api::Fence fence{{"kube-system", "demo"}, "4f0c", "host a/b;%_é", 7};
  EXPECT_EQ(api::fence_text(fence), "kube-system/demo; uid=4f0c; holder=host%20a%2Fb%3B%25_%C3%A9; transitions=7");
  EXPECT_EQ(api::parse_fence(api::fence_text(fence)), fence);
}

// It is no right: neither to write, nor to learn from the answer what a lease holds.
TEST(Fence, GivesNoRights) {
  StandardWorld world;
  const std::string leases = kLeases;
  const Reply made = world.post(leases, lease("a", 3));
  ASSERT_EQ(made.status, 201) << made.body;
  const auto as_nobody = [&](const api::Fence& fence) {
    HttpRequest request = StandardWorld::request("POST", kMaps, map("x"), StandardWorld::user("eve"));
    request.headers.add("Pilothouse-Fence", api::fence_text(fence));
    return world.send(std::move(request));
  };
  const std::string uid = made.json()["metadata"]["uid"];
  const Reply right = as_nobody({{"kube-system", "demo"}, uid, "a", 3});
  EXPECT_EQ(right.status, 403) << right.body;
  const Reply wrong = as_nobody({{"kube-system", "demo"}, uid, "b", 3});
  EXPECT_EQ(wrong.status, 403) << wrong.body;

  // With the right to write, whatever is wrong has the same words.
  const auto words = [&](const api::Fence& fence) {
    HttpRequest request = StandardWorld::request("POST", kMaps, map("x"));
    request.headers.add("Pilothouse-Fence", api::fence_text(fence));
    return world.send(std::move(request)).body;
  };
  const std::string other_uid = words({{"kube-system", "demo"}, "guess", "a", 3});
  EXPECT_THAT(other_uid, HasSubstr("FenceDoesNotHold"));
  EXPECT_EQ(words({{"kube-system", "demo"}, uid, "b", 3}), other_uid);
  EXPECT_EQ(words({{"kube-system", "demo"}, uid, "a", 4}), other_uid);
  world.send(StandardWorld::request("DELETE", kLease));
  EXPECT_EQ(words({{"kube-system", "demo"}, uid, "a", 3}), other_uid);
}

}  // namespace
}  // namespace ph::apiserver::testing
