// Admission that writes with the object: counts kept in the transactions of what they count.
#include <gtest/gtest.h>

#include "api/kinds.h"
#include "apiserver/admission/admission.h"
#include "apiserver/registry/resource_rules.h"
#include "tests/apiserver/harness.h"

namespace ph::apiserver::testing {
namespace {

using core::v1::ConfigMap;

const std::string kSecrets = "/api/v1/namespaces/default/secrets";
const std::string kMaps = "/api/v1/namespaces/default/configmaps";

// Counts the objects of a resource in config maps beside them, and lets no more be made than it is told. Each object names the maps
// it counts in, by a label: "a.b".
class Counting final : public AdmissionPlugin {
 public:
  Counting(std::string counted, int limit) : counted_(std::move(counted)), limit_(limit) {}
  std::string_view name() const override { return "Counting"; }

  int committed = 0, undone = 0;

 protected:
  void before_commit(const AdmissionRequest& request, WriteContext& write) override {
    if (!is_for(request, "", counted_)) return;
    if (request.operation != "CREATE" && request.object) return;
    const meta::v1::ObjectMeta& metadata = (request.object ? request.object : request.old_object)->metadata();
    const auto label = metadata.labels().find("counted");
    std::stringstream names(label == metadata.labels().end() ? "count" : label->second);
    for (std::string name; std::getline(names, name, '.');) count(request, write, {request.key.namespace_name, name});
    write.on_success.emplace_back([this] { ++committed; });
    write.on_failure.emplace_back([this] { ++undone; });
  }

 private:
  void count(const AdmissionRequest& request, WriteContext& write, const ObjectKey& key) {
    const api::Resource& maps = *write.reader.resource(api::schema_of<ConfigMap>());
    const EntryRef before = write.reader.cache(maps)->find(key.text());
    std::unique_ptr<ConfigMap> map = before ? write.reader.read<ConfigMap>(key) : std::make_unique<ConfigMap>();
    std::string& text = (*map->mutable_data())["n"];
    const int number = (text.empty() ? 0 : std::stoi(text)) + (request.object ? 1 : -1);
    if (number > limit_) throw refuse(request, "there are enough");
    text = std::to_string(number);
    map->mutable_metadata()->set_namespace_(key.namespace_name);
    map->mutable_metadata()->set_name(key.name);
    write.also_write(maps, key, before.get(), std::move(map));
  }

  const std::string counted_;
  const int limit_;
};

struct Transactions : ::testing::Test {
  Counting* plugin = nullptr;
  std::unique_ptr<Harness> api;

  void serve(int limit, MemoryOptions memory = {}, std::string counted = "secrets") {
    auto counting = std::make_unique<Counting>(std::move(counted), limit);
    plugin = counting.get();
    Extensions extensions;
    extensions.admission.push_back(std::move(counting));
    api = std::make_unique<Harness>(quiet_options(), std::move(extensions), std::move(memory));
  }
  static std::string secret(const std::string& name, const std::string& counted = "count", const std::string& more = {}) {
    return R"({"metadata":{"name":")" + name + R"(","labels":{"counted":")" + counted + R"("})" + more + "}}";
  }
  int count(const std::string& name = "count") {
    const Answer answer = api->get(kMaps + "/" + name);
    return answer.status == 404 ? 0 : std::stoi(answer.json()["data"]["n"].get<std::string>());
  }
  std::string revision(const std::string& target) { return api->get(target).json()["metadata"]["resourceVersion"]; }
};

TEST_F(Transactions, TheCountIsWrittenWithWhatItCounts) {
  serve(2);
  ASSERT_EQ(api->post(kSecrets, secret("a")).status, 201);
  EXPECT_EQ(count(), 1);
  EXPECT_EQ(revision(kSecrets + "/a"), revision(kMaps + "/count"));
  EXPECT_EQ(api->post(kSecrets + "?dryRun=All", secret("b")).status, 201);
  EXPECT_EQ(count(), 1);
  ASSERT_EQ(api->post(kSecrets, secret("b", "count", R"(,"finalizers":["a.b/c"])")).status, 201);
  EXPECT_EQ(count(), 2);
  for (const char* query : {"", "?dryRun=All"}) {
    const Answer refused = api->post(kSecrets + query, secret("c"));
    EXPECT_EQ(refused.status, 403);
    EXPECT_EQ(refused.message(), "secrets \"c\" is forbidden: there are enough");
  }
  EXPECT_EQ(api->get(kSecrets + "/c").status, 404);
  EXPECT_EQ(api->patch(kSecrets + "/a", R"({"metadata":{"labels":{"x":"y"}}})").status, 200) << "an update counts nothing";

  EXPECT_EQ(api->remove(kSecrets + "/b").status, 200);
  EXPECT_EQ(count(), 2) << "it is marked";
  EXPECT_EQ(api->patch(kSecrets + "/b", R"({"metadata":{"finalizers":null}})").status, 200);
  EXPECT_EQ(api->get(kSecrets + "/b").status, 404);
  EXPECT_EQ(count(), 1) << "removed by an update";
  EXPECT_EQ(api->remove(kSecrets + "/a?dryRun=All").status, 200);
  EXPECT_EQ(api->remove(kSecrets + "/a").status, 200);
  EXPECT_EQ(count(), 0);
  EXPECT_EQ(plugin->committed, 4);
  EXPECT_EQ(plugin->undone, 2) << "the dry runs";
}

// Whoever loses counts again, from what the other has written.
TEST_F(Transactions, TwoAtOnceAreBothCounted) {
  serve(10);
  std::vector<std::shared_ptr<std::optional<Answer>>> answers;
  for (const char* name : {"a", "b"})
    answers.push_back(api->start(Harness::request("POST", kSecrets, secret(name), "application/json")));
  api->executor.drain();
  for (const auto& answer : answers) EXPECT_EQ(answer->value_or(Answer{}).status, 201);
  EXPECT_EQ(count(), 2);
  EXPECT_EQ(plugin->committed, 2);
  EXPECT_GE(plugin->undone, 1);
}

// What comes from the API never breaks the store's rule that a transaction names a key once.
TEST_F(Transactions, AWriteOfTheCountItselfIsRefused) {
  serve(10, {}, "configmaps");
  const Answer answer = api->post(kMaps, R"({"metadata":{"name":"count"}})");
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.message(), "Internal error occurred: one write cannot change /registry/configmaps/default/count twice");
  ASSERT_EQ(api->post(kMaps, R"({"metadata":{"name":"a"}})").status, 201);
  EXPECT_EQ(count(), 1);
  EXPECT_EQ(api->remove(kMaps + "/count").status, 500);
}

// -- Many at once

// A disk whose every answer takes another time, and that now and then loses one.
struct Disk {
  SeededRng rng;
  Duration delay_max = 5ms;
  int loses_one_of = 0;  // 0: none
  int commits = 0;

  explicit Disk(std::uint64_t seed) : rng(seed) {}
  MemoryOptions options() {
    MemoryOptions out;
    out.fault = [this](const Transaction&, MemoryOptions::Moment moment) { return act(this, moment); };
    return out;
  }
  static Task<void> act(Disk* disk, MemoryOptions::Moment moment) {
    if (moment == MemoryOptions::Moment::BeforeWrite) ++disk->commits;
    co_await sleep_for(Duration(disk->rng.below(disk->delay_max.count() + 1)));
    if (disk->loses_one_of > 0 && disk->rng.below(disk->loses_one_of) == 0) throw std::runtime_error("the disk has gone");
  }
};

struct ManyAtOnce : Transactions, ::testing::WithParamInterface<std::uint64_t> {
  static constexpr int kMany = 64;
  Disk disk{GetParam()};
  std::vector<std::shared_ptr<std::optional<Answer>>> answers;

  void start(const std::string& method, const std::string& target, const std::string& body) {
    const char* type = method == "PATCH" ? "application/merge-patch+json" : "application/json";
    answers.push_back(api->start(Harness::request(method, target, body, type)));
  }
  void create_many(const std::function<std::string(int)>& counted) {
    for (int i = 0; i < kMany; ++i) {
      start("POST", kSecrets, secret("s" + std::to_string(i), counted(i)));
      // Some come when the others have begun.
      if (i % 8 == 7) api->executor.advance(2ms);
    }
  }
  // How many were answered how, once all are.
  std::map<int, int> statuses() {
    for (int i = 0; i < 1000 && !std::ranges::all_of(answers, [](const auto& answer) { return answer->has_value(); }); ++i) {
      api->executor.advance(10ms);
    }
    std::map<int, int> out;
    for (const auto& answer : answers) ++out[answer->value_or(Answer{}).status];
    return out;
  }
};

TEST_P(ManyAtOnce, AllAreCounted) {
  serve(kMany, disk.options());
  create_many([](int) { return "count"; });
  EXPECT_EQ(statuses(), (std::map<int, int>{{201, kMany}}));
  EXPECT_EQ(count(), kMany);
  EXPECT_EQ(plugin->committed, kMany);
  EXPECT_LE(disk.commits, 2 * kMany + 8) << "each loses at most once";
  const int before = disk.commits;
  api->remove(kSecrets + "/s0");
  EXPECT_EQ(disk.commits, before + 1);
}

TEST_P(ManyAtOnce, TheRuleRefusesWhoIsTooMany) {
  serve(40, disk.options());
  create_many([](int) { return "count"; });
  EXPECT_EQ(statuses(), (std::map<int, int>{{201, 40}, {403, 24}}));
  EXPECT_EQ(count(), 40);
  EXPECT_EQ(api->names(kSecrets).size(), 40u);
}

TEST_P(ManyAtOnce, SeveralCountsInAnyOrder) {
  serve(kMany, disk.options());
  create_many([](int i) { return i % 3 == 0 ? "b.a" : i % 3 == 1 ? "a.c.b" : "c.a"; });
  EXPECT_EQ(statuses(), (std::map<int, int>{{201, kMany}}));
  EXPECT_EQ(count("a"), 64);
  EXPECT_EQ(count("b"), 43);
  EXPECT_EQ(count("c"), 42);
}

// Whoever changes the counted object itself stands in the same line.
TEST_P(ManyAtOnce, TheCountIsAlsoWrittenByItself) {
  serve(kMany, disk.options());
  ASSERT_EQ(api->post(kSecrets, secret("first")).status, 201);
  ASSERT_EQ(api->remove(kSecrets + "/first").status, 200);
  create_many([](int) { return "count"; });
  for (int i = 0; i < 16; ++i) {
    start("PATCH", kMaps + "/count", R"({"data":{"k)" + std::to_string(i) + R"(":"v"}})");
    start("DELETE", kSecrets + "/s" + std::to_string(i), {});
  }
  std::map<int, int> answered = statuses();
  EXPECT_EQ(answered[201], kMany);
  const int removed = kMany - static_cast<int>(api->names(kSecrets).size());
  EXPECT_EQ(answered[200], 16 + removed);
  EXPECT_EQ(answered[404], 16 - removed) << "it was not there yet";
  EXPECT_EQ(count(), kMany - removed);
  EXPECT_EQ(api->get(kMaps + "/count").json()["data"].size(), 17u);
}

TEST_P(ManyAtOnce, LostAnswersHoldUpNobody) {
  disk.loses_one_of = 10;
  serve(kMany, disk.options());
  create_many([](int) { return "count"; });
  std::map<int, int> answered = statuses();
  EXPECT_EQ(answered[201] + answered[500], kMany);
  EXPECT_GT(answered[201], kMany / 3);
  disk.loses_one_of = 0;
  EXPECT_EQ(api->names(kSecrets).size(), static_cast<std::size_t>(count()));
}

TEST_P(ManyAtOnce, ClientsWhoGoAndServersThatEndLeaveNothingBehind) {
  serve(kMany, disk.options());
  {
    Scope clients(api->executor);
    const auto ask = [](ApiServer* server, HttpRequest request) -> Task<void> { co_await server->handle(std::move(request)); };
    for (int i = 0; i < kMany; ++i) {
      clients.spawn(
          ask(api->server.get(), Harness::request("POST", kSecrets, secret("s" + std::to_string(i)), "application/json")));
    }
    api->executor.advance(20ms);
  }
  EXPECT_EQ(api->post(kSecrets, secret("own")).status, 403)
      << "a write goes on without its client: all of them were before this one";
  EXPECT_EQ(count(), kMany);
  for (int i = 0; i < kMany; ++i) start("DELETE", kSecrets + "/s" + std::to_string(i), {});
  api->executor.advance(20ms);
  api.reset();
}

// Others are not held up, however long the line stands.
TEST_P(ManyAtOnce, OnlyThoseWhoChangeTheKeyWait) {
  disk.delay_max = 1s;
  serve(kMany, disk.options());
  create_many([](int) { return "count"; });
  api->executor.advance(2s);
  const auto waiting = answers;
  answers.clear();
  start("POST", kSecrets, secret("other", "another"));
  start("POST", kMaps, R"({"metadata":{"name":"plain"}})");
  api->executor.advance(2s);
  for (const auto& answer : answers) EXPECT_EQ(answer->value_or(Answer{}).status, 201);
  EXPECT_TRUE(std::ranges::any_of(waiting, [](const auto& answer) { return !answer->has_value(); }));
}

INSTANTIATE_TEST_SUITE_P(Seeds, ManyAtOnce, ::testing::Range<std::uint64_t>(1, 11));

}  // namespace
}  // namespace ph::apiserver::testing
