#include "informers/client.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "informers/metrics.h"
#include "tests/informers/scripted_server.h"

namespace ph::informers {
namespace {

using core::v1::ConfigMap, core::v1::ConfigMapList, core::v1::Node, core::v1::Pod;

class ClientTest : public testing::Test {
 protected:
  sim::SimExecutor executor_;
  ScriptedServer server_{executor_};
  Client client_{server_, "kube-scheduler/v1.36 (test)"};
};

TEST_F(ClientTest, AsksInProtobuf) {
  Call call(executor_, client_.get<ConfigMap>({"a b", "c/d"}));
  const HttpRequest request = server_.expect();
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.target, "/api/v1/namespaces/a%20b/configmaps/c%2Fd");
  EXPECT_EQ(request.headers.get("Accept"), "application/vnd.kubernetes.protobuf");
  EXPECT_EQ(request.headers.get("User-Agent"), "kube-scheduler/v1.36 (test)");
  server_.answer(config_map("a/c", 7));
  EXPECT_EQ(call.value().metadata().resource_version(), "7");
}

TEST_F(ClientTest, PathsOfGroupsAndScopes) {
  Call deployment(executor_, client_.find<apps::v1::Deployment>({"ns", "d"}));
  EXPECT_EQ(server_.expect().target, "/apis/apps/v1/namespaces/ns/deployments/d");
  server_.refuse(404, "NotFound");
  EXPECT_EQ(deployment.value(), std::nullopt);
  Call node(executor_, client_.find<Node>({{}, "n"}));
  EXPECT_EQ(server_.expect().target, "/api/v1/nodes/n");
  server_.refuse(404, "NotFound");
}

TEST_F(ClientTest, GetThrowsTheStatus) {
  Call call(executor_, client_.get<ConfigMap>({"a", "b"}));
  server_.refuse(404, "NotFound");
  try {
    call.value();
    FAIL();
  } catch (const api::ApiError& error) {
    EXPECT_EQ(error.code(), 404);
    EXPECT_EQ(error.reason(), "NotFound");
    EXPECT_STREQ(error.what(), "no");
  }
}

TEST_F(ClientTest, AStatusIsMadeForAnswersWithoutOne) {
  struct Case {
    const char* name;
    int code;
    std::string body;
    const char* reason;
    std::string message;
  };
  const Case cases[] = {
      {"a proxy's page", 502, "<html>bad gateway", "InternalError", "the server answered 502: <html>bad gateway"},
      {"no body", 403, "", "Forbidden", "the server answered 403"},
      {"a status in JSON", 403, R"({"kind":"Status","status":"Failure","reason":"Forbidden","message":"m","code":403})",
       "Forbidden", "m"},
      {"an object instead", 500, envelope(config_map("a/b", 1)), "InternalError", ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const meta::v1::Status status = status_of_answer(c.code, c.body);
    EXPECT_EQ(status.code(), c.code);
    EXPECT_EQ(status.reason(), c.reason);
    if (!c.message.empty()) EXPECT_EQ(status.message(), c.message);
  }
}

TEST_F(ClientTest, ListsWithSelectors) {
  ListOptions options;
  options.namespace_name = "ns";
  options.label_selector = "a=b,c";
  options.limit = 2;
  Call call(executor_, client_.list<ConfigMap>(std::move(options)));
  EXPECT_EQ(server_.expect().target, "/api/v1/namespaces/ns/configmaps?labelSelector=a%3Db%2Cc&limit=2");
  ConfigMapList list;
  list.mutable_metadata()->set_resource_version("40");
  list.mutable_metadata()->set_continue_("more");
  *list.add_items() = config_map("ns/a", 3);
  *list.add_items() = config_map("ns/b", 4);
  server_.answer(list);
  const auto& listed = call.value();
  ASSERT_EQ(listed.items.size(), 2u);
  EXPECT_EQ(listed.items[1].metadata().name(), "b");
  EXPECT_EQ(listed.revision, Revision{40});
  EXPECT_EQ(listed.continue_token, "more");
}

TEST_F(ClientTest, RetriesWhenTheServerSaysWhen) {
  Call call(executor_, client_.get<ConfigMap>({"a", "b"}));
  server_.expect();
  server_.answer(429, envelope(failure(429, "TooManyRequests")), {{"Retry-After", "2"}});
  executor_.advance(1999ms);
  EXPECT_TRUE(server_.quiet());
  executor_.advance(1ms);
  server_.expect();
  server_.answer(503, "", {{"Retry-After", "1"}});
  executor_.advance(1s);
  server_.expect();
  server_.answer(config_map("a/b", 7));
  EXPECT_EQ(call.value().metadata().name(), "b");
}

TEST_F(ClientTest, GivesUpAfterTenRetries) {
  Call call(executor_, client_.get<ConfigMap>({"a", "b"}));
  for (int i = 0; i <= 10; ++i) {
    server_.expect();
    server_.answer(429, "", {{"Retry-After", "1"}});
    executor_.advance(1s);
  }
  EXPECT_TRUE(server_.quiet());
  EXPECT_EQ(server_.requests, 11);
  EXPECT_THROW(call.value(), api::ApiError);
}

TEST_F(ClientTest, DoesNotRetryOnItsOwn) {
  Call call(executor_, client_.get<ConfigMap>({"a", "b"}));
  server_.refuse(500, "InternalError");
  EXPECT_TRUE(server_.quiet());
  EXPECT_THROW(call.value(), api::ApiError);
  Call lost(executor_, client_.get<ConfigMap>({"a", "b"}));
  server_.lose();
  EXPECT_THROW(lost.value(), TransportError);
}

TEST_F(ClientTest, RemoveTellsWhatBecameOfIt) {
  struct Case {
    const char* name;
    int code;
    const char* reason;
    Removed removed;
  };
  const Case cases[] = {{"done", 200, "", Removed::Yes},
                        {"was not there", 404, "NotFound", Removed::Gone},
                        {"another UID", 409, "Conflict", Removed::Changed}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Call call(executor_, client_.remove<Pod>({"ns", "p"}, DeleteOptions::foreground("u1")));
    const HttpRequest request = server_.expect();
    EXPECT_EQ(request.method, "DELETE");
    meta::v1::DeleteOptions body;
    api::decode_envelope(request.body, body);
    EXPECT_EQ(body.propagation_policy(), "Foreground");
    EXPECT_EQ(body.preconditions().uid(), "u1");
    EXPECT_FALSE(body.has_grace_period_seconds());
    if (c.code == 200) server_.answer(Pod());
    if (c.code != 200) server_.refuse(c.code, c.reason);
    EXPECT_EQ(call.value(), c.removed);
  }
  Call refused(executor_, client_.remove<Pod>({"ns", "p"}));
  server_.refuse(409, "Conflict");
  EXPECT_THROW(refused.value(), api::ApiError) << "there was no precondition to fail";
}

meta::v1::Status ending_namespace() {
  meta::v1::Status status = failure(403, "Forbidden", "it is being terminated");
  status.mutable_details()->add_causes()->set_reason("NamespaceTerminating");
  return status;
}

TEST_F(ClientTest, TryCreateTellsWhatBecameOfIt) {
  struct Case {
    const char* name;
    meta::v1::Status refusal;  // code 0: none
    Made made;
  };
  const Case cases[] = {{"done", {}, Made::Yes},
                        {"there is one", failure(409, "AlreadyExists"), Made::Exists},
                        {"a conflict", failure(409, "Conflict"), Made::Refused},
                        {"the namespace ends", ending_namespace(), Made::NamespaceEnding},
                        {"a quota", failure(403, "Forbidden"), Made::Refused},
                        {"no such namespace", failure(404, "NotFound"), Made::Refused},
                        {"the server failed", failure(500, "InternalError"), Made::Refused}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Call call(executor_, client_.try_create<ConfigMap>(config_map("ns/a", 0)));
    EXPECT_EQ(server_.expect().method, "POST");
    if (c.refusal.code() == 0) server_.answer(config_map("ns/a", 9));
    if (c.refusal.code() != 0) server_.answer(c.refusal.code(), envelope(c.refusal));
    const auto& created = call.value();
    EXPECT_EQ(created.made, c.made);
    EXPECT_EQ(created.object.metadata().resource_version(), c.made == Made::Yes ? "9" : "0");
    EXPECT_EQ(created.refusal.has_value(), c.made != Made::Yes);
    if (created.refusal) EXPECT_EQ(created.refusal->status().message(), c.refusal.message());
  }
  Call lost(executor_, client_.try_create<ConfigMap>(config_map("ns/a", 0)));
  server_.lose();
  EXPECT_THROW(lost.value(), TransportError);
}

TEST_F(ClientTest, TryUpdateAndTryPatchTellWhatBecameOfIt) {
  struct Case {
    const char* name;
    int code;
    const char* reason;
    bool pinned;
    std::optional<Patched> patched;  // nothing: it throws
  };
  const Case cases[] = {{"done", 200, "", false, Patched::Yes},
                        {"was not there", 404, "NotFound", false, Patched::Gone},
                        {"was not there, pinned", 404, "NotFound", true, Patched::Gone},
                        {"another has the name", 422, "Invalid", true, Patched::Changed},
                        {"invalid", 422, "Invalid", false, std::nullopt},
                        {"a conflict", 409, "Conflict", true, std::nullopt},
                        {"refused", 403, "Forbidden", true, std::nullopt}};
  const api::Resource& maps = *api::Scheme::builtin().resource(api::schema_of<ConfigMap>());
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Patch patch = Patch::strategic("{}");
    patch.pinned = c.pinned;
    const auto expect = [&](Task<Patched> write, const char* method, const char* target) {
      Call call(executor_, std::move(write));
      EXPECT_EQ(server_.expect().method, method);
      EXPECT_EQ(server_.expect().target, target);
      if (c.code == 200) server_.answer(config_map("ns/a", 9));
      if (c.code != 200) server_.refuse(c.code, c.reason);
      if (c.patched) EXPECT_EQ(call.value(), *c.patched);
      if (!c.patched) EXPECT_THROW(call.value(), api::ApiError);
    };
    expect(client_.try_patch<ConfigMap>({"ns", "a"}, patch, "status"), "PATCH", "/api/v1/namespaces/ns/configmaps/a/status");
    expect(client_.try_patch_metadata(maps, {"ns", "a"}, patch), "PATCH", "/api/v1/namespaces/ns/configmaps/a");
    if (c.pinned) continue;  // an update is of the revision it names
    expect(client_.try_update<ConfigMap>(config_map("ns/a", 7)), "PUT", "/api/v1/namespaces/ns/configmaps/a");
    expect(client_.try_update_status<ConfigMap>(config_map("ns/a", 7)), "PUT", "/api/v1/namespaces/ns/configmaps/a/status");
  }
}

TEST_F(ClientTest, WritesCarryTheObject) {
  Call create(executor_, client_.create<ConfigMap>(config_map("ns/a", 0)));
  HttpRequest request = server_.expect();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/api/v1/namespaces/ns/configmaps");
  EXPECT_EQ(request.headers.get("content-type"), "application/vnd.kubernetes.protobuf");
  ConfigMap sent;
  api::decode_envelope(request.body, sent);
  EXPECT_EQ(sent.metadata().name(), "a");
  server_.answer(config_map("ns/a", 9));
  EXPECT_EQ(create.value().metadata().resource_version(), "9");

  Call status(executor_, client_.update_status<Pod>(Pod()));
  EXPECT_EQ(server_.expect().method, "PUT");
  server_.answer(Pod());

  Call patch(executor_, client_.patch<Pod>({"ns", "p"}, Patch::strategic("{}"), "status"));
  request = server_.expect();
  EXPECT_EQ(request.method, "PATCH");
  EXPECT_EQ(request.target, "/api/v1/namespaces/ns/pods/p/status");
  EXPECT_EQ(request.headers.get("content-type"), "application/strategic-merge-patch+json");
  server_.answer(Pod());
}

TEST_F(ClientTest, BindingsAreAnsweredWithAStatusOrABinding) {
  core::v1::Binding binding;
  binding.mutable_target()->set_name("n1");
  Call call(executor_, client_.post_subresource<Pod, core::v1::Binding, meta::v1::Status>({"ns", "p"}, "binding", binding));
  EXPECT_EQ(server_.expect().target, "/api/v1/namespaces/ns/pods/p/binding");
  meta::v1::Status success;
  success.set_status("Success");
  server_.answer(201, envelope(success));
  EXPECT_EQ(call.value().status(), "Success");
}

class Recording final : public WriteObserver {
 public:
  void answered(const Write& write, std::string_view object) override {
    log.push_back(fmt::format("answered {} at {}", write.key.text(), revision_of(object).value));
  }
  void refused(const Write& write, const api::ApiError& error) override {
    log.push_back(fmt::format("refused {} {}", write.key.text(), error.code()));
  }
  void unknown(const Write& write) override { log.push_back(fmt::format("unknown {}", write.key.text())); }
  std::vector<std::string> log;
};

TEST_F(ClientTest, ObserversSeeEveryOutcome) {
  Recording seen;
  client_.observe_writes(&seen);
  Call answered(executor_, client_.create<ConfigMap>(config_map("ns/a", 0)));
  server_.answer(config_map("ns/a", 9));
  Call refused(executor_, client_.update<ConfigMap>(config_map("ns/b", 0)));
  server_.refuse(409, "Conflict");
  Call failed(executor_, client_.update<ConfigMap>(config_map("ns/c", 0)));
  server_.refuse(504, "Timeout");
  Call lost(executor_, client_.remove<ConfigMap>({"ns", "d"}));
  server_.lose();
  Call gone(executor_, client_.remove<ConfigMap>({"ns", "e"}));
  meta::v1::Status success;
  success.set_status("Success");
  server_.answer(success);
  Call read(executor_, client_.find<ConfigMap>({"ns", "f"}));
  server_.refuse(404, "NotFound");
  EXPECT_THAT(seen.log, testing::ElementsAre("answered ns/a at 9", "refused ns/b 409", "unknown ns/c", "unknown ns/d",
                                             "answered ns/e at 0"));
}

// -- Watch frames

TEST(WatchFramesTest, SurvivesEveryCut) {
  const std::string bytes = frame("ADDED", config_map("a/b", 5)) + frame("BOOKMARK", bookmark(9));
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    SCOPED_TRACE(cut);
    WatchFrames frames;
    std::vector<std::string> types;
    for (const auto& piece : {bytes.substr(0, cut), bytes.substr(cut)}) {
      frames.feed(piece);
      while (const auto event = frames.next()) types.push_back(event->type);
    }
    EXPECT_THAT(types, testing::ElementsAre("ADDED", "BOOKMARK"));
    EXPECT_FALSE(frames.in_the_middle());
  }
}

TEST(WatchFramesTest, RefusesDamage) {
  WatchFrames long_frame;
  long_frame.feed("\xff\xff\xff\xff");
  EXPECT_THROW(long_frame.next(), api::DecodeError);
  WatchFrames no_envelope;
  no_envelope.feed(std::string("\0\0\0\x07\x12\x05\x0a\x03zzz", 11));
  EXPECT_THROW(no_envelope.next(), api::DecodeError);
}

TEST_F(ClientTest, RequestsAreCounted) {
  Metrics metrics;
  ClientMetrics counted(&metrics, "127.0.0.1:6443");
  client_.measure(&counted);
  Call found(executor_, client_.get<ConfigMap>({"a", "b"}));
  server_.expect();
  executor_.advance(2s);
  server_.answer(config_map("a/b", 7));
  Call refused(executor_, client_.get<ConfigMap>({"a", "b"}));
  server_.refuse(404, "NotFound");
  EXPECT_ANY_THROW(refused.value());
  Call broken(executor_, client_.get<ConfigMap>({"a", "b"}));
  server_.lose();
  EXPECT_ANY_THROW(broken.value());
  const std::string text = metrics.render();
  EXPECT_THAT(text, testing::HasSubstr(R"(rest_client_requests_total{code="200",host="127.0.0.1:6443",method="GET"} 1)"));
  EXPECT_THAT(text, testing::HasSubstr(R"(rest_client_requests_total{code="404",host="127.0.0.1:6443",method="GET"} 1)"));
  EXPECT_THAT(text, testing::HasSubstr(R"(rest_client_requests_total{code="<error>",host="127.0.0.1:6443",method="GET"} 1)"));
  EXPECT_THAT(text, testing::HasSubstr(R"(rest_client_request_duration_seconds_sum{host="127.0.0.1:6443",verb="GET"} 2)"));
}

// A custom kind's objects have no protobuf form, and another server may not read it at all.
TEST_F(ClientTest, DeletionsOfKindsWithoutASchemaAreAskedForInJson) {
  Recording seen;
  client_.observe_writes(&seen);
  api::Resource widgets;
  widgets.kind = {"shop.example.com", "v1", "Widget"};
  widgets.plural = "widgets";
  widgets.namespaced = true;
  DeleteOptions options = DeleteOptions::background("u");
  Call<Removed> held(executor_, client_.remove_object(widgets, {"ns", "w"}, options));
  const HttpRequest request = server_.expect();
  EXPECT_EQ(request.target, "/apis/shop.example.com/v1/namespaces/ns/widgets/w");
  EXPECT_EQ(request.headers.get("accept"),
            "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json");
  EXPECT_EQ(request.headers.get("content-type"), "application/json");
  EXPECT_EQ(request.body,
            R"({"kind":"DeleteOptions","apiVersion":"v1","preconditions":{"uid":"u"},"propagationPolicy":"Background"})");
  server_.answer(
      200,
      R"({"apiVersion":"shop.example.com/v1","kind":"Widget","metadata":{"name":"w","resourceVersion":"8"},"spec":{"n":1}})");
  EXPECT_EQ(held.value(), Removed::Yes);
  Call<Removed> gone(executor_, client_.remove_object(widgets, {"ns", "w"}, options));
  server_.answer(200, R"({"kind":"Status","apiVersion":"v1","status":"Success"})");
  EXPECT_EQ(gone.value(), Removed::Yes);
  EXPECT_THAT(seen.log, testing::ElementsAre("answered ns/w at 8", "answered ns/w at 0"));
}

TEST_F(ClientTest, RequestsThatAreSentAgainAreCounted) {
  Metrics metrics;
  ClientMetrics counted(&metrics, "h");
  client_.measure(&counted);
  Call call(executor_, client_.get<ConfigMap>({"a", "b"}));
  server_.answer(429, {}, {{"Retry-After", "1"}});
  executor_.advance(1s);
  server_.answer(config_map("a/b", 7));
  call.value();
  const std::string text = metrics.render();
  EXPECT_THAT(text, testing::HasSubstr(R"(rest_client_request_retries_total{code="429",host="h",verb="GET"} 1)"));
  EXPECT_THAT(text, testing::HasSubstr(R"(rest_client_requests_total{code="429",host="h",method="GET"} 1)"));
}

}  // namespace
}  // namespace ph::informers
