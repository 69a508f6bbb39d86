// Objects that are stored encrypted: which, with what, and what becomes of them when keys change or are missing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "api/json_text.h"
#include "apiserver/storage/encryption/encrypted_store.h"
#include "tests/apiserver/harness.h"
#include "tests/apiserver/shared_store.h"

namespace ph::apiserver::testing {
namespace {

using namespace encryption;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kSecrets = "/api/v1/namespaces/default/secrets";
const std::string kMaps = "/api/v1/namespaces/default/configmaps";

std::string key_text(const std::string& name, char fill, std::size_t size = 32) {
  std::string secret;
  api::append_base64(std::string(size, fill), secret);
  return fmt::format("{{name: {}, secret: {}}}", name, secret);
}

// Of secrets; `providers`: the items of a list.
std::string config_text(const std::string& providers, const std::string& resources = "secrets") {
  return fmt::format(
      "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources: [{{resources: [{}], providers: "
      "[{}]}}]\n",
      resources, providers);
}
std::string aes(const char* kind, const std::string& keys) { return fmt::format("{{{}: {{keys: [{}]}}}}", kind, keys); }

class Cluster {
 public:
  explicit Cluster(const std::string& config) : raw_(memory_store(executor_, executor_.clock())) { start(config); }
  ~Cluster() {
    scope_.cancel();
    server_.reset();
    executor_.clear();
  }

  // Another server with other keys over the same bytes. Empty: none.
  void start(const std::string& config) {
    scope_.cancel();
    server_.reset();
    executor_.drain();
    stores_.push_back(encrypted_store(std::make_unique<Shared>(*raw_),
                                      config.empty() ? Configuration() : read_configuration(config), rng_, Log()));
    server_ = std::make_unique<ApiServer>(executor_, rng_, *stores_.back(), Log(), quiet_options());
    server_->install({});
    scope_.spawn(server_->start());
    executor_.drain();
  }

  Answer send(std::string method, std::string target, std::string body = {}) {
    auto answer = std::make_shared<std::optional<Answer>>();
    scope_.spawn(exchange(server_.get(),
                          Harness::request(std::move(method), std::move(target), std::move(body), "application/json"), answer));
    executor_.drain();
    for (int i = 0; i < 100 && !*answer; ++i) executor_.advance(100ms);
    return answer->value_or(Answer{});
  }

  std::string stored(const std::string& key) {
    std::string out;
    scope_.spawn(read(*raw_, key, out));
    executor_.drain();
    return out;
  }

 private:
  static Task<void> exchange(ApiServer* server, HttpRequest request, std::shared_ptr<std::optional<Answer>> out) {
    HttpResponse response = co_await server->handle(std::move(request));
    Answer answer;
    answer.status = response.status;
    answer.body = body_text(response);
    *out = std::move(answer);
  }
  static Task<void> read(Store& store, std::string key, std::string& out) {
    const auto found = co_await store.get(std::move(key));
    if (found) out = *found->value;
  }

  sim::SimExecutor executor_;
  SeededRng rng_{1};
  std::unique_ptr<Store> raw_;
  std::vector<std::unique_ptr<Store>> stores_;  // followers cannot be taken back
  std::unique_ptr<ApiServer> server_;
  Scope scope_{executor_};
};

std::string secret(const std::string& name, const std::string& value = "aHVudGVyMg==") {
  return fmt::format(R"({{"metadata":{{"name":"{}"}},"data":{{"password":"{}"}}}})", name, value);
}

TEST(Encryption, HidesWhatItIsAskedToAndNothingElse) {
  for (const char* kind : {"aescbc", "aesgcm", "secretbox"}) {
    Cluster cluster(config_text(aes(kind, key_text("key1", 'a')) + ", {identity: {}}"));
    ASSERT_EQ(cluster.send("POST", kSecrets, secret("s")).status, 201);
    ASSERT_EQ(cluster.send("POST", kMaps, R"({"metadata":{"name":"m"},"data":{"k":"plain"}})").status, 201);
    EXPECT_THAT(cluster.stored("/registry/secrets/default/s"), StartsWith(fmt::format("k8s:enc:{}:v1:key1:", kind)));
    EXPECT_THAT(cluster.stored("/registry/secrets/default/s"), Not(HasSubstr("hunter2")));
    EXPECT_THAT(cluster.stored("/registry/configmaps/default/m"), HasSubstr("plain"));
    EXPECT_EQ(cluster.send("GET", kSecrets + "/s").json()["data"]["password"], "aHVudGVyMg==");
    EXPECT_EQ(cluster.send("GET", kSecrets).json()["items"].size(), 1);
    EXPECT_EQ(cluster.send("DELETE", kSecrets + "/s").status, 200);
    EXPECT_EQ(cluster.send("GET", kSecrets + "/s").status, 404);
  }
}

TEST(Encryption, KeysRotate) {
  const std::string one = key_text("key1", 'a'), two = key_text("key2", 'b');
  Cluster cluster("");
  ASSERT_EQ(cluster.send("POST", kSecrets, secret("s")).status, 201);
  EXPECT_THAT(cluster.stored("/registry/secrets/default/s"), HasSubstr("hunter2"));
  const std::string kPlain("k8s\0", 4);
  struct Step {
    std::string config;
    std::string begins;  // after an update that changes nothing
  };
  const Step steps[] = {
      {config_text("{identity: {}}, " + aes("aescbc", one)), kPlain},
      {config_text(aes("aescbc", one) + ", {identity: {}}"), "k8s:enc:aescbc:v1:key1:"},
      {config_text(aes("aescbc", one + ", " + two)), "k8s:enc:aescbc:v1:key1:"},
      {config_text(aes("aescbc", two + ", " + one)), "k8s:enc:aescbc:v1:key2:"},
      {config_text(aes("aesgcm", one) + ", " + aes("aescbc", two)), "k8s:enc:aesgcm:v1:key1:"},
      {config_text(aes("secretbox", two) + ", " + aes("aesgcm", one)), "k8s:enc:secretbox:v1:key2:"},
      {config_text("{identity: {}}, " + aes("secretbox", two)), kPlain},
      {"", kPlain},
  };
  for (const Step& step : steps) {
    cluster.start(step.config);
    const Answer before = cluster.send("GET", kSecrets + "/s");
    ASSERT_EQ(before.status, 200) << step.config << before.body;
    ASSERT_EQ(cluster.send("PUT", kSecrets + "/s", before.body).status, 200) << step.config;
    EXPECT_THAT(cluster.stored("/registry/secrets/default/s"), StartsWith(step.begins)) << step.config;
    EXPECT_EQ(cluster.send("GET", kSecrets + "/s").json()["data"]["password"], "aHVudGVyMg==");
  }
}

TEST(Encryption, AnUpdateThatChangesNothingIsNoneUnlessItIsStoredOtherwise) {
  Cluster cluster(config_text(aes("aescbc", key_text("key1", 'a'))));
  ASSERT_EQ(cluster.send("POST", kSecrets, secret("s")).status, 201);
  const Answer first = cluster.send("GET", kSecrets + "/s");
  EXPECT_EQ(cluster.send("PUT", kSecrets + "/s", first.body).json()["metadata"], first.json()["metadata"]);
  cluster.start(config_text(aes("aescbc", key_text("key2", 'b') + ", " + key_text("key1", 'a'))));
  const Answer second = cluster.send("PUT", kSecrets + "/s", first.body);
  EXPECT_NE(second.json()["metadata"]["resourceVersion"], first.json()["metadata"]["resourceVersion"]);
}

TEST(Encryption, WhatCannotBeReadIsNotServed) {
  const std::string mine = config_text(aes("aesgcm", key_text("key1", 'a')));
  struct Case {
    std::string config;
    const char* why;
  };
  const Case cases[] = {
      {"", "identity transformer tried to read encrypted data"},
      {config_text("{identity: {}}"), "identity transformer tried to read encrypted data"},
      {config_text(aes("aescbc", key_text("key1", 'a'))), "no matching prefix found"},
      {config_text(aes("aesgcm", key_text("key2", 'a'))), "no matching key was found for the provided AES transformer"},
      {config_text(aes("aesgcm", key_text("key1", 'b'))), "cipher: message authentication failed"},
  };
  Cluster cluster(mine);
  ASSERT_EQ(cluster.send("POST", kSecrets, secret("s")).status, 201);
  ASSERT_EQ(cluster.send("POST", kMaps, R"({"metadata":{"name":"m"}})").status, 201);
  for (const Case& c : cases) {
    cluster.start(c.config);
    for (const std::string& target : {kSecrets, kSecrets + "/s", std::string("/api/v1/secrets?watch=1")}) {
      const Answer answer = cluster.send("GET", target);
      EXPECT_EQ(answer.status, 500) << target;
      EXPECT_EQ(answer.message(),
                fmt::format("Internal error occurred: unable to transform key \"/registry/secrets/default/s\": {}", c.why));
    }
    EXPECT_EQ(cluster.send("POST", kSecrets, secret("other")).status, 500);
    EXPECT_EQ(cluster.send("GET", kMaps + "/m").status, 200) << "others are";
  }
  cluster.start(mine);
  EXPECT_EQ(cluster.send("GET", kSecrets + "/s").status, 200);
}

// Whatever the wrong key makes of the padding, it is not taken for an object.
TEST(Encryption, NoWrongKeyOfCbcMakesAnObject) {
  Cluster cluster(config_text(aes("aescbc", key_text("key1", 'a'))));
  for (int i = 0; i < 600; ++i) ASSERT_EQ(cluster.send("POST", kSecrets, secret(fmt::format("s{}", i))).status, 201);
  cluster.start(config_text(aes("aescbc", key_text("key1", 'b'))));
  EXPECT_EQ(cluster.send("GET", kSecrets).status, 500);
}

TEST(Encryption, GcmIsBoundToItsKey) {
  const std::vector<Provider> list{{Provider::Kind::AesGcm, {{"k", std::string(32, 'a')}}}};
  const Providers providers(list);
  SeededRng rng(1);
  const std::string sealed = providers.seal("/registry/a", "value", rng);
  EXPECT_NE(providers.seal("/registry/a", "value", rng), sealed) << "no nonce is used twice";
  EXPECT_EQ(providers.open("/registry/a", sealed)->bytes, "value");
  EXPECT_FALSE(providers.open("/registry/b", sealed));
  EXPECT_FALSE(providers.open("/registry/a", "k8s:enc:aesgcm:v1:k:"));
}

TEST(EncryptionConfiguration, TheMostPreciseNameDecides) {
  const auto is_encrypted = [](const std::string& resources, std::string_view group, std::string_view plural) {
    SeededRng rng(1);
    const Configuration config = read_configuration(config_text(aes("aescbc", key_text("k", 'a')), resources));
    return config.of(group, plural).seal("key", "v", rng) != "v";
  };
  struct Case {
    const char *resources, *group, *plural;
    bool encrypted;
  };
  const Case cases[] = {
      {"secrets", "", "secrets", true},
      {"secrets", "", "configmaps", false},
      {"secrets", "example.com", "secrets", false},
      {"deployments.apps", "apps", "deployments", true},
      {"'*.apps'", "apps", "deployments", true},
      {"'*.apps'", "", "secrets", false},
      {"'*.'", "", "secrets", true},
      {"'*.'", "apps", "deployments", false},
      {"'*.*'", "example.com", "pandas", true},
  };
  for (const Case& c : cases)
    EXPECT_EQ(is_encrypted(c.resources, c.group, c.plural), c.encrypted) << c.resources << " " << c.plural;
}

TEST(EncryptionConfiguration, KeysOfTheStoreAreKnownByTheirResource) {
  const auto is_encrypted = [](const std::string& resources, std::string_view key) {
    SeededRng rng(1);
    const Configuration config = read_configuration(config_text(aes("aescbc", key_text("k", 'a')), resources));
    return config.of_key(key).seal(key, "v", rng) != "v";
  };
  EXPECT_TRUE(is_encrypted("secrets", "/registry/secrets/default/a"));
  EXPECT_FALSE(is_encrypted("secrets", "/registry/configmaps/secrets/a"));
  EXPECT_TRUE(is_encrypted("deployments.apps", "/registry/deployments/default/a"));
  EXPECT_TRUE(is_encrypted("services", "/registry/services/specs/default/a"));
  EXPECT_FALSE(is_encrypted("services", "/registry/services/endpoints/default/a"));
  EXPECT_TRUE(is_encrypted("pandas.example.com", "/registry/example.com/pandas/default/a"));
  EXPECT_FALSE(is_encrypted("pandas.example.com", "/registry/example.com/bears/default/a"));
}

TEST(EncryptionConfiguration, ProblemsAreToldWithTheirPlace) {
  struct Case {
    std::string text;
    const char* problem;
  };
  const std::string good = aes("aescbc", key_text("k", 'a'));
  const Case cases[] = {
      {"{}", "it is no EncryptionConfiguration of apiserver.config.k8s.io/v1"},
      {"apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\n",
       "resources: Required value: at least one resource is required"},
      {config_text(""), "resources[0].providers: Required value: at least one provider is required"},
      {config_text(good, ""), "resources[0].resources: Required value: at least one resource is required"},
      {config_text("{kms: {name: x}}"),
       "resources[0].providers[0].kms.apiVersion: KMSv1 is deprecated and will only receive security updates going forward. Use "
       "KMSv2 instead. It is not supported here"},
      {config_text("{kms: {apiVersion: v3, name: x, endpoint: 'unix:///s'}}"),
       R"(resources[0].providers[0].kms.apiVersion: Invalid value: "v3": unsupported apiVersion apiVersion for KMS provider, only v1 )"
       "and v2 are supported"},
      {config_text("{kms: {apiVersion: v2, name: 'a:b', endpoint: 'unix:///s'}}"),
       R"(resources[0].providers[0].kms.name: Invalid value: "a:b": invalid KMS provider name a:b, must not contain ':')"},
      {config_text("{kms: {apiVersion: v2, name: a, endpoint: 'http://s'}}"),
       R"(resources[0].providers[0].kms.endpoint: Invalid value: "http://s": unsupported scheme "http" for KMS provider, only unix is )"
       "supported"},
      {config_text("{kms: {apiVersion: v2, name: a}}"),
       "resources[0].providers[0].kms.endpoint: Required value: endpoint is a mandatory field for a provider"},
      {config_text("{kms: {apiVersion: v2, name: a, endpoint: 'unix:///s', timeout: 0s}}"),
       R"(resources[0].providers[0].kms.timeout: Invalid value: "0s": timeout should be a positive value)"},
      {config_text("{kms: {apiVersion: v2, name: a, endpoint: 'unix:///s', cachesize: 5}}"),
       "resources[0].providers[0].kms.cachesize: Invalid value: 5: cachesize is not supported in v2"},
      {config_text(
           "{kms: {apiVersion: v2, name: a, endpoint: 'unix:///s'}}, {kms: {apiVersion: v2, name: a, endpoint: 'unix:///t'}}"),
       R"(resources[0].providers[1].kms.name: Invalid value: "a": duplicate KMS provider name a, names must be unique)"},
      {config_text(aes("secretbox", key_text("k", 'a', 16))),
       R"(resources[0].providers[0].secretbox.keys[0].secret: Invalid value: "REDACTED": secret is not of the expected length, got )"
       "16, expected one of [32]"},
      {config_text("{aescbc: {keys: []}}"),
       "resources[0].providers[0].aescbc.keys: Required value: at least one key is required"},
      {config_text(aes("aescbc", "{name: k, secret: '*'}")),
       R"(resources[0].providers[0].aescbc.keys[0].secret: Invalid value: "REDACTED": secrets must be base64 encoded)"},
      {config_text(aes("aesgcm", key_text("k", 'a', 15))),
       R"(resources[0].providers[0].aesgcm.keys[0].secret: Invalid value: "REDACTED": secret is not of the expected length, got 15, )"
       "expected one of [16 24 32]"},
      {config_text(good, "secrets, '*.'"),
       R"(resources[0].resources: Invalid value: ["secrets","*."]: using overlapping resources such as 'secrets' and '*.' or '*.*' in )"
       "the same resource list is not allowed as they will be masked"},
      {config_text(good, "secrets") + "more: 1\n", R"(config: strict decoding error: unknown field "more")"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    try {
      read_configuration(c.text);
      ADD_FAILURE() << "taken";
    } catch (const std::invalid_argument& error) {
      EXPECT_STREQ(error.what(), c.problem);
    }
  }
}

}  // namespace
}  // namespace ph::apiserver::testing
