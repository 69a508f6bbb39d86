// Encryption by a key management service: what it is asked and when, what becomes of objects while it is away, and its keys as they
// change. Against a service of the test, and over a unix socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include <fmt/format.h>

#include "api/errors.h"
#include "api/wire_records.h"
#include "apiserver/storage/encryption/encrypted_store.h"
#include "apiserver/storage/encryption/reload.h"
#include "apiserver/storage/memory.h"
#include "base/aes.h"
#include "tests/apiserver/shared_store.h"
#include "tests/base/blocking.h"
#include "tests/net/grpc_server.h"
#include "tests/sim/executor.h"

namespace ph::apiserver::testing {
namespace {

using namespace encryption;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kKms[] =
    "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\n"
    "resources: [{resources: [secrets], providers: [{kms: {apiVersion: v2, name: vault, endpoint: 'unix:///s'}}]}]\n";
const std::string kKey = "/registry/secrets/default/a";
const std::string kObject = std::string("k8s\0", 4) + "hunter2";

// What the service is, whoever is connected to it.
struct Service {
  std::string key_id = "key-1", healthz = "ok", version = "v2";
  std::string encrypts_with;  // when not by `key_id`
  Annotations annotations;
  std::optional<net::GrpcError> failure;
  int statuses = 0, encryptions = 0, decryptions = 0;
};

class FakePlugin final : public KmsPlugin {
 public:
  explicit FakePlugin(Service& service) : service_(service) {}
  Answer<KmsStatus> status() override {
    ++service_.statuses;
    if (service_.failure) co_return std::unexpected(*service_.failure);
    co_return KmsStatus{service_.version, service_.healthz, service_.key_id};
  }
  Answer<Wrapped> encrypt(std::string plain, std::string) override {
    ++service_.encryptions;
    if (service_.failure) co_return std::unexpected(*service_.failure);
    const std::string key = service_.encrypts_with.empty() ? service_.key_id : service_.encrypts_with;
    co_return Wrapped{"<" + key + ">" + std::string(plain.rbegin(), plain.rend()), key, service_.annotations};
  }
  Answer<std::string> decrypt(Wrapped wrapped, std::string) override {
    ++service_.decryptions;
    co_await yield();
    if (service_.failure) co_return std::unexpected(*service_.failure);
    const std::string head = "<" + wrapped.key_id + ">";
    if (!wrapped.bytes.starts_with(head) || wrapped.annotations != service_.annotations)
      co_return std::unexpected(net::GrpcError{net::GrpcCode::InvalidArgument, "not mine"});
    co_return std::string(wrapped.bytes.rbegin(), wrapped.bytes.rend() - static_cast<std::ptrdiff_t>(head.size()));
  }

 private:
  Service& service_;
};

class World {
 public:
  World() : raw_(memory_store(executor_, executor_.clock())) { start(); }
  ~World() {
    scope_.cancel();
    kms_.clear();
    executor_.clear();
  }

  // Another server over the same bytes.
  void start(const std::string& config = kKms) {
    kms_.clear();
    Configuration configuration = open(config, kms_);
    for (const auto& kms : kms_) scope_.spawn(kms->prime());
    executor_.drain();
    stores_.push_back(encrypted_store(std::make_unique<Shared>(*raw_), std::move(configuration), rng_, Log()));
  }
  Configuration open(const std::string& config, std::vector<std::shared_ptr<Kms>>& out) {
    Configuration configuration = read_configuration(config);
    out = configuration.open_kms([this](const KmsOptions& options) {
      return std::make_shared<Kms>(options, std::make_unique<FakePlugin>(service), executor_, rng_, Log());
    });
    return configuration;
  }

  // "", or why not.
  std::string put(const std::string& key, const std::string& value = kObject) {
    std::string out;
    bool done = false;
    scope_.spawn([](Store& store, std::string key, std::string value, std::string& out, bool& done) -> Task<void> {
      try {
        Transaction transaction;
        transaction.mutations.push_back({.key = std::move(key), .value = std::move(value)});
        (void)co_await store.commit(std::move(transaction));
      } catch (const api::ApiError& error) {
        out = error.status().message();
      }
      done = true;
    }(*stores_.back(), key, value, out, done));
    executor_.drain();
    return done ? out : "it waits";
  }
  void put_raw(const std::string& key, const std::string& value) {
    Transaction transaction;
    transaction.mutations.push_back({.key = key, .value = value});
    scope_.spawn([](Store& store, Transaction transaction) -> Task<void> { (void)co_await store.commit(std::move(transaction)); }(
                                                               *raw_, std::move(transaction)));
    executor_.drain();
  }
  // All of secrets that can be read; nothing as long as it is waited for.
  std::shared_ptr<std::optional<std::vector<Stored>>> list() {
    auto out = std::make_shared<std::optional<std::vector<Stored>>>();
    scope_.spawn([](Store& store, std::shared_ptr<std::optional<std::vector<Stored>>> out) -> Task<void> {
      *out = co_await store.range("/registry/secrets/", "/registry/secrets0", 0);
    }(*stores_.back(), out));
    executor_.drain();
    return out;
  }
  std::string get(const std::string& key, Store* store = nullptr) {
    std::string out = "nothing";
    scope_.spawn([](Store& store, std::string key, std::string& out) -> Task<void> {
      const auto found = co_await store.get(std::move(key));
      if (found) out = *found->value;
    }(store ? *store : *stores_.back(), key, out));
    executor_.drain();
    return out;
  }
  std::string raw(const std::string& key) { return get(key, raw_.get()); }
  bool is_stale(const std::string& key) {
    bool out = false;
    scope_.spawn([](Store& store, std::string key, bool& out) -> Task<void> { out = co_await store.is_stale(std::move(key)); }(
                                                                  *stores_.back(), key, out));
    executor_.drain();
    return out;
  }
  EncryptedStore& store() { return *stores_.back(); }
  Kms& kms() { return *kms_.front(); }
  void spawn(Task<void> task) { scope_.spawn(std::move(task)); }
  void advance(Duration by) { executor_.advance(by); }

  Service service;

 private:
  sim::SimExecutor executor_;
  SeededRng rng_{1};
  std::unique_ptr<Store> raw_;
  std::vector<std::unique_ptr<EncryptedStore>> stores_;  // followers cannot be taken back
  std::vector<std::shared_ptr<Kms>> kms_;
  Scope scope_{executor_};
};

const net::GrpcError kDead{net::GrpcCode::Unavailable, "nobody there"};

TEST(Kms, WritesAskNobodyAndReadsAfterARestartAskOnce) {
  World world;
  EXPECT_EQ(world.service.encryptions, 1);
  for (int i = 0; i < 500; ++i) ASSERT_EQ(world.put(fmt::format("/registry/secrets/default/s{}", i)), "");
  EXPECT_EQ(world.service.encryptions, 1);
  EXPECT_EQ(world.service.statuses, 1);
  const std::string one = world.raw("/registry/secrets/default/s1"), two = world.raw("/registry/secrets/default/s2");
  EXPECT_THAT(one, StartsWith("k8s:enc:kms:v2:vault:"));
  EXPECT_THAT(one, Not(HasSubstr("hunter2")));
  EXPECT_THAT(one, HasSubstr("key-1"));
  EXPECT_NE(one, two);
  world.start();
  const auto all = world.list();
  ASSERT_TRUE(*all);
  EXPECT_EQ((*all)->size(), 500);
  for (const Stored& stored : **all) ASSERT_EQ(*stored.value, kObject);
  EXPECT_EQ(world.service.decryptions, 1);
  EXPECT_TRUE(world.store().unreadable().empty());
}

TEST(Kms, TheMessageThatIsStoredIsUpstreams) {
  World world;
  world.service.annotations = {{"b.example.com", "2"}, {"a.example.com", std::string("\0\1", 2)}};
  world.start();
  ASSERT_EQ(world.put(kKey), "");
  const std::string raw = world.raw(kKey);
  const std::string_view message = std::string_view(raw).substr(std::string_view("k8s:enc:kms:v2:vault:").size());
  EXPECT_EQ(api::wire::member_of(message, 1).size(), 32 + 12 + kObject.size() + 16);
  EXPECT_EQ(api::wire::member_of(message, 2), "key-1");
  EXPECT_THAT(std::string(api::wire::member_of(message, 3)), StartsWith("<key-1>"));
  std::uint64_t kind = 0;
  int annotations = 0;
  for (api::wire::Records in(message); in.next();) {
    if (in.field() == 5) kind = in.number();
    annotations += in.field() == 4;
  }
  EXPECT_EQ(kind, 1);
  EXPECT_EQ(annotations, 2);
  EXPECT_EQ(world.get(kKey), kObject);
  world.start();
  EXPECT_EQ(world.get(kKey), kObject);
}

// RFC 5869, A.1; the first block.
TEST(Kms, KeysAreDerivedByHkdf) {
  const auto bytes = [](std::string_view hex) {
    std::string out;
    for (std::size_t i = 0; i < hex.size(); i += 2)
      out.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
    return out;
  };
  EXPECT_EQ(derived_key(bytes("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"), bytes("f0f1f2f3f4f5f6f7f8f9")),
            bytes("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"));
}

TEST(Kms, OldEnvelopesWithAPlainKeyAreRead) {
  World world;
  const std::string secret(32, 'k');
  Envelope envelope{.sealed = {}, .source = {"<key-1>" + secret, "key-1", {}}, .kind = Envelope::Kind::Key};
  const std::string nonce(12, 'n');
  const std::string sealed = nonce + aes_gcm_seal(secret, nonce, kKey, kObject);
  envelope.sealed = sealed;
  world.put_raw(kKey, "k8s:enc:kms:v2:vault:" + write_envelope(envelope));
  EXPECT_EQ(world.get(kKey), kObject);
  EXPECT_TRUE(world.is_stale(kKey));
}

TEST(Kms, KeysRotate) {
  World world;
  ASSERT_EQ(world.put(kKey), "");
  EXPECT_FALSE(world.is_stale(kKey));
  world.service.key_id = "key-2";
  world.advance(61s);
  EXPECT_EQ(world.service.encryptions, 2);
  EXPECT_EQ(world.get(kKey), kObject);
  EXPECT_TRUE(world.is_stale(kKey));
  ASSERT_EQ(world.put(kKey + "b"), "");
  EXPECT_THAT(world.raw(kKey + "b"), HasSubstr("key-2"));
  EXPECT_FALSE(world.is_stale(kKey + "b"));
  EXPECT_EQ(world.service.decryptions, 0) << "its own seeds are known";
  world.start();
  ASSERT_TRUE(*world.list());
  EXPECT_EQ((*world.list())->size(), 2);
  EXPECT_EQ(world.service.decryptions, 2) << "one a seed";
}

struct Ill {
  const char* name;
  std::function<void(Service&)> make;
  const char* problem;
};

TEST(Kms, WhatIsWrongWithAServiceIsSaid) {
  const Ill rows[] = {
      {"dead", [](Service& s) { s.failure = kDead; },
       "failed to perform status check: rpc error: code = Unavailable desc = nobody there"},
      {"ill", [](Service& s) { s.healthz = "sealed"; }, "expected KMSv2 healthz status ok, got sealed"},
      {"old", [](Service& s) { s.version = "v1beta1"; }, "expected KMSv2 API version v2, got v1beta1"},
      {"without a key", [](Service& s) { s.key_id = ""; }, "keyID is empty"},
      {"with a long key", [](Service& s) { s.key_id = std::string(1025, 'k'); },
       "keyID is 1025 bytes, which exceeds the max size of 1024"},
      {"of two minds", [](Service& s) { s.encrypts_with = "other"; }, "failed to rotate DEK"},
      {"annotations", [](Service& s) { s.annotations = {{"plain", ""}}; }, "should be a domain"},
      {"large annotations", [](Service& s) { s.annotations = {{"a.b", std::string(40'000, 'x')}}; },
       "exceeds the max size of 32768"},
  };
  for (const Ill& row : rows) {
    SCOPED_TRACE(row.name);
    World world;
    row.make(world.service);
    world.start();
    ASSERT_TRUE(world.kms().problem());
    EXPECT_THAT(*world.kms().problem(), HasSubstr(row.problem));
    EXPECT_THAT(world.put(kKey), HasSubstr(row.problem));
    EXPECT_EQ(world.raw(kKey), "nothing");
    world.service = {};
    world.advance(11s);
    EXPECT_FALSE(world.kms().problem());
    EXPECT_EQ(world.put(kKey), "");
  }
}

TEST(Kms, OneThatDiesLaterIsDoneWithoutForThreeMinutes) {
  World world;
  ASSERT_EQ(world.put(kKey), "");
  world.advance(50s);
  world.service.failure = kDead;
  world.advance(60s);
  ASSERT_TRUE(world.kms().problem());
  EXPECT_EQ(world.put(kKey + "b"), "");
  world.advance(2min);
  EXPECT_THAT(world.put(kKey + "c"), HasSubstr("the seed has expired"));
  EXPECT_EQ(world.get(kKey), kObject) << "what is known is read for ever";
  world.service.failure.reset();
  world.advance(11s);
  EXPECT_EQ(world.put(kKey + "c"), "");
  EXPECT_EQ(world.service.encryptions, 1) << "its key is the same";
}

TEST(Kms, ReadsWaitForOneThatIsDeadAtTheStart) {
  World world;
  ASSERT_EQ(world.put(kKey), "");
  ASSERT_EQ(world.put(kKey + "b"), "");
  world.service.failure = kDead;
  world.start();
  const auto first = world.list(), second = world.list();
  world.advance(1min);
  EXPECT_FALSE(*first);
  EXPECT_TRUE(world.store().unreadable().empty());
  EXPECT_LT(world.service.decryptions, 65) << "all who wait ask together";
  world.service.failure.reset();
  world.advance(2s);
  ASSERT_TRUE(*first && *second);
  EXPECT_EQ((*first)->size(), 2);
  EXPECT_TRUE(world.store().unreadable().empty());
}

TEST(Kms, HistoryDoesNotWait) {
  World world;
  ASSERT_EQ(world.put(kKey), "");
  world.service.failure = kDead;
  world.start();
  bool asked = false, kept = true;
  world.spawn([](Store& store, bool& asked, bool& kept) -> Task<void> {
    kept = (co_await store.history("/registry/secrets/", Revision{1})).has_value();
    asked = true;
  }(world.store(), asked, kept));
  world.advance(1ms);
  EXPECT_TRUE(asked);
  EXPECT_FALSE(kept);
}

TEST(Kms, WhatWasTamperedWithIsUnreadable) {
  World world;
  ASSERT_EQ(world.put(kKey), "");
  const std::string raw = world.raw(kKey);
  const std::string prefix = "k8s:enc:kms:v2:vault:";
  const auto envelope = read_envelope(std::string_view(raw).substr(prefix.size()));
  ASSERT_TRUE(envelope);
  const auto with = [&](const std::function<void(Envelope&, std::string&)>& change) {
    Envelope other = *envelope;
    std::string sealed(envelope->sealed);
    change(other, sealed);
    other.sealed = sealed;
    return prefix + write_envelope(other);
  };
  struct Row {
    const char* name;
    std::string bytes;
    const char* why;
  };
  const Row rows[] = {
      {"a bit of the object", with([](auto&, auto& sealed) { sealed.back() ^= 1; }), "message authentication failed"},
      {"a bit of what its key is made of", with([](auto&, auto& sealed) { sealed.front() ^= 1; }),
       "message authentication failed"},
      {"cut off", with([](auto&, auto& sealed) { sealed.resize(40); }), "message authentication failed"},
      {"nothing of it", with([](auto&, auto& sealed) { sealed.clear(); }), "encrypted data is empty"},
      {"another seed", with([](auto& e, auto&) { e.source.bytes.back() ^= 1; }), "message authentication failed"},
      {"a seed of nobody", with([](auto& e, auto&) { e.source.bytes = "x"; }), "code = InvalidArgument desc = not mine"},
      {"a short seed", with([](auto& e, auto&) { e.source.bytes = "<key-1>x"; }), "the plugin tells no key"},
      {"no key", with([](auto& e, auto&) { e.source.key_id.clear(); }), "keyID is empty"},
      {"no message", prefix + "\xff\xff", "failed to decode EncryptedObject"},
      {"another's", "k8s:enc:kms:v2:other:" + raw.substr(prefix.size()), "no matching prefix found"},
      {"v1", "k8s:enc:kms:v1:vault:x", "no matching prefix found"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    world.start();
    world.put_raw(kKey, row.bytes);
    EXPECT_EQ(world.get(kKey), "nothing");
    ASSERT_TRUE(world.store().unreadable().contains(kKey));
    EXPECT_THAT(world.store().unreadable().at(kKey), HasSubstr(row.why));
  }
  world.start();
  world.put_raw(kKey + "b", raw);
  EXPECT_EQ(world.get(kKey + "b"), "nothing") << "it is bound to its key";
}

TEST(Kms, AConfigurationThatIsReadAnew) {
  World world;
  ASSERT_EQ(world.put(kKey), "");
  std::optional<std::string> file = kKms;
  std::vector<bool> told;
  std::vector<std::shared_ptr<Kms>> held;
  Reload reload{.text = kKms, .read = {}, .use = {}, .told = [&](bool good) { told.push_back(good); }, .every = 10s};
  reload.read = [&]() -> Task<std::optional<std::string>> { co_return file; };
  reload.use = [&](Configuration) -> Task<std::optional<std::string>> {
    std::vector<std::shared_ptr<Kms>> opened;
    Configuration next = world.open(*file, opened);
    for (const auto& kms : opened) co_await kms->prime();
    for (const auto& kms : opened) {
      if (kms->problem()) co_return *kms->problem();
    }
    world.store().use(std::move(next));
    held = std::move(opened);
    co_return std::nullopt;
  };
  world.spawn(follow_configuration(std::move(reload), Log()));
  world.advance(30s);
  EXPECT_TRUE(told.empty()) << "nothing has changed";
  for (const std::optional<std::string>& bad :
       {std::optional<std::string>(), std::optional<std::string>("{"), std::optional<std::string>("kind: Pod")}) {
    file = bad;
    world.advance(30s);
    ASSERT_EQ(world.put(kKey), "");
    EXPECT_THAT(world.raw(kKey), StartsWith("k8s:enc:kms:v2:vault:"));
  }
  EXPECT_EQ(told, std::vector<bool>(2, false)) << "what is wrong is said once";
  std::string plain = kKms;
  plain.replace(plain.find("{kms"), 0, "{identity: {}}, ");
  world.service.failure = kDead;
  file = plain;
  world.advance(11s);
  ASSERT_EQ(world.put(kKey), "");
  EXPECT_THAT(world.raw(kKey), StartsWith("k8s:enc:kms")) << "its plugin is not well";
  world.service.failure.reset();
  world.advance(11s);
  EXPECT_TRUE(told.back());
  EXPECT_EQ(world.get(kKey), kObject);
  EXPECT_TRUE(world.is_stale(kKey));
  ASSERT_EQ(world.put(kKey), "");
  EXPECT_EQ(world.raw(kKey), kObject);
}

// The messages as they go over a socket.
TEST(Kms, OverAUnixSocket) {
  using namespace net::testing;
  namespace wire = api::wire;
  SystemRng rng;
  const std::string path = std::filesystem::temp_directory_path() / ("kms-" + rng.uuid().substr(0, 8));
  GrpcServer server(path, [](const GrpcServer::Call& call) {
    const std::string& method = call.headers.at(":path");
    std::string out;
    if (method == "/v2.KeyManagementService/Status") {
      wire::append_bytes(1, "v2", out);
      wire::append_bytes(2, "ok", out);
      wire::append_bytes(3, "k", out);
    } else if (method == "/v2.KeyManagementService/Encrypt") {
      if (wire::member_of(call.message, 2).size() != 36) return grpc_failure(3, "no uid");
      std::string entry;
      wire::append_bytes(1, "a.b", entry);
      wire::append_bytes(2, "c", entry);
      wire::append_bytes(1, "wrapped " + std::string(wire::member_of(call.message, 1)), out);
      wire::append_bytes(2, "k", out);
      wire::append_bytes(3, entry, out);
    } else if (method == "/v2.KeyManagementService/Decrypt") {
      if (wire::text_entry(wire::member_of(call.message, 4)) != std::pair<std::string_view, std::string_view>("a.b", "c") ||
          wire::member_of(call.message, 3) != "k" || wire::member_of(call.message, 2).size() != 36) {
        return grpc_failure(3, "not%20mine");
      }
      wire::append_bytes(1, wire::member_of(call.message, 1).substr(8), out);
    } else {
      return grpc_failure(12, "unknown");
    }
    return grpc_message(out);
  });
  SystemClock clock;
  net::IoThreads io(1);
  ThreadExecutor executor("kms", clock, nullptr);
  std::unique_ptr<KmsPlugin> plugin;
  ph::testing::call_on(executor, [&] { plugin = grpc_kms_plugin(net::grpc_over_unix(io, executor, path), 10s); });
  const auto status = ph::testing::run_on(executor, plugin->status());
  ASSERT_TRUE(status) << status.error().text();
  EXPECT_EQ(status->version, "v2");
  EXPECT_EQ(status->healthz, "ok");
  EXPECT_EQ(status->key_id, "k");
  const auto wrapped = ph::testing::run_on(executor, plugin->encrypt("secret", rng.uuid()));
  ASSERT_TRUE(wrapped) << wrapped.error().text();
  EXPECT_EQ(wrapped->bytes, "wrapped secret");
  EXPECT_EQ(wrapped->annotations, (Annotations{{"a.b", "c"}}));
  const auto secret = ph::testing::run_on(executor, plugin->decrypt(*wrapped, rng.uuid()));
  ASSERT_TRUE(secret) << secret.error().text();
  EXPECT_EQ(*secret, "secret");
  const auto refused = ph::testing::run_on(executor, plugin->decrypt({"wrapped x", "other", {}}, rng.uuid()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text(), "rpc error: code = InvalidArgument desc = not mine");
  EXPECT_EQ(server.connections, 1);
  ph::testing::call_on(executor, [&] { plugin.reset(); });
}

}  // namespace
}  // namespace ph::apiserver::testing
