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
  for (const char* name : {"a", "b"}) answers.push_back(api->start(Harness::request("POST", kSecrets, secret(name), "application/json")));
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

}  // namespace
}  // namespace ph::apiserver::testing
