// Pods made and deleted for an owner: what is asked of the server, and what events tell.
#include "controllers/common/pod_control.h"

#include <gmock/gmock.h>

#include "tests/informers/scripted_server.h"
#include "tests/sim/builders.h"

namespace ph::controllers {
namespace {

using core::v1::Pod;
using informers::Call;
using informers::failure;
using testing::ElementsAre;
using Failed = std::optional<PodControl::Failure>;

class Recording final : public EventRecorder {
 public:
  void record(core::v1::ObjectReference about, std::string_view type, std::string reason, std::string message) override {
    told.push_back(std::string(type) + " " + about.name() + " " + reason + ": " + message);
  }
  std::vector<std::string> told;
};

class PodControlTest : public testing::Test {
 protected:
  PodControlTest() { about_.set_name("web"); }

  // The i-th is `p<i>`.
  Task<Failed> create(int count) {
    return control_.create(count, [](int i) { return sim::make_pod("ns/p" + std::to_string(i)); }, about_);
  }
  void refuse(const meta::v1::Status& status) { server_.answer(status.code(), informers::envelope(status)); }
  // The requests that wait, and none that come of the answers.
  void answer_all() {
    const int asked = server_.requests;
    while (!server_.quiet() && server_.requests == asked) {
      Pod pod;
      api::decode_envelope(server_.expect().body, pod);
      server_.answer(pod);
    }
  }

  sim::SimExecutor executor_;
  informers::ScriptedServer server_{executor_};
  Client client_{server_, "test"};
  Recording events_;
  PodControl control_{client_, events_};
  core::v1::ObjectReference about_;
};

meta::v1::Status ending_namespace() {
  meta::v1::Status status = failure(403, "Forbidden", "it is being terminated");
  status.mutable_details()->add_causes()->set_reason("NamespaceTerminating");
  return status;
}

TEST_F(PodControlTest, MakesPodsInDoublingBatches) {
  Call call(executor_, create(4));
  EXPECT_EQ(server_.requests, 1);
  EXPECT_EQ(server_.expect().method, "POST");
  EXPECT_EQ(server_.expect().target, "/api/v1/namespaces/ns/pods");
  answer_all();
  EXPECT_EQ(server_.requests, 3);
  answer_all();
  EXPECT_EQ(server_.requests, 4);
  answer_all();
  EXPECT_FALSE(call.value());
  EXPECT_THAT(events_.told,
              ElementsAre("Normal web SuccessfulCreate: Created pod: p0", "Normal web SuccessfulCreate: Created pod: p1",
                          "Normal web SuccessfulCreate: Created pod: p2", "Normal web SuccessfulCreate: Created pod: p3"));
}

TEST_F(PodControlTest, TellsWhyAPodWasNotMade) {
  struct Case {
    const char* name;
    meta::v1::Status refusal;  // code 0: the connection breaks
    std::vector<std::string> told;
    std::string failure;  // its message; empty: none
  };
  const Case cases[] = {
      {"a quota", failure(403, "Forbidden", "too many"), {"Warning web FailedCreate: Error creating: too many"}, "too many"},
      {"the name is taken", failure(409, "AlreadyExists", "taken"), {"Warning web FailedCreate: Error creating: taken"}, "taken"},
      {"no namespace", failure(404, "NotFound", "none"), {"Warning web FailedCreate: Error creating: none"}, "none"},
      {"lost", {}, {"Warning web FailedCreate: Error creating: connection lost"}, "connection lost"},
      {"the namespace ends", ending_namespace(), {}, ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    events_.told.clear();
    Call call(executor_, create(5));
    if (c.refusal.code() == 0) server_.lose();
    if (c.refusal.code() != 0) refuse(c.refusal);
    EXPECT_TRUE(server_.quiet()) << "the others would not fare better";
    const Failed failed = call.value();
    EXPECT_EQ(failed ? failed->message : "", c.failure);
    EXPECT_EQ(events_.told, c.told);
    if (failed && c.refusal.code() != 0) EXPECT_THROW(std::rethrow_exception(failed->error), api::ApiError);
  }
}

TEST_F(PodControlTest, OfSeveralFailuresTheFirstIsReported) {
  Call call(executor_, create(20));
  answer_all();
  server_.expect();
  refuse(ending_namespace());
  refuse(failure(403, "Forbidden", "exceeded quota"));
  EXPECT_TRUE(server_.quiet());
  const Failed failed = call.value();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->message, "exceeded quota") << "that the namespace ends is none";
}

TEST_F(PodControlTest, DeletesPodsOfTheirUids) {
  std::vector<Ref<PodView>> pods;
  for (const char* name : {"a", "b", "c", "d"}) {
    PodView pod;
    pod.namespace_name = "ns";
    pod.name = name;
    pod.uid = std::string("uid-") + name;
    pods.push_back(std::make_shared<const PodView>(std::move(pod)));
  }
  Call call(executor_, control_.remove(pods, about_));
  EXPECT_EQ(server_.requests, 4) << "side by side";
  const HttpRequest request = server_.expect();
  EXPECT_EQ(request.method, "DELETE");
  EXPECT_EQ(request.target, "/api/v1/namespaces/ns/pods/a");
  meta::v1::DeleteOptions body;
  api::decode_envelope(request.body, body);
  EXPECT_EQ(body.preconditions().uid(), "uid-a");
  server_.answer(Pod());
  server_.refuse(404, "NotFound");
  server_.refuse(409, "Conflict");
  server_.refuse(403, "Forbidden");
  const Failed failed = call.value();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->message, "no");
  EXPECT_THAT(events_.told,
              ElementsAre("Normal web SuccessfulDelete: Deleted pod: a", "Warning web FailedDelete: Error deleting: no"));
}

TEST(SlowStartTest, DoublesItsBatchesAndStopsAtAFailure) {
  struct Case {
    const char* name;
    int count, fails_at, stops_at;  // -1: never
    int started, succeeded;
  };
  for (const Case& c : {Case{"all", 10, -1, -1, 10, 10}, Case{"none", 0, -1, -1, 0, 0}, Case{"the first", 500, 0, -1, 1, 0},
                        Case{"in the third batch", 500, 4, -1, 7, 6}, Case{"one says no", 500, -1, 4, 7, 6},
                        Case{"one says no, one fails", 500, 1, 2, 3, 1}}) {
    SCOPED_TRACE(c.name);
    sim::SimExecutor executor;
    int started = 0;
    Batches result;
    Scope scope(executor);
    scope.spawn([](const Case& c, int& started, Batches& result) -> Task<void> {
      result = co_await slow_start(c.count, [&started, &c](int i) -> Task<bool> {
        return [](int i, const Case& c, int& started) -> Task<bool> {
          ++started;
          if (i == c.fails_at) throw std::runtime_error("no");
          co_return i != c.stops_at;
        }(i, c, started);
      });
    }(c, started, result));
    executor.drain();
    EXPECT_EQ(started, c.started);
    EXPECT_EQ(result.succeeded, c.succeeded);
    EXPECT_EQ(result.error != nullptr, c.fails_at >= 0);
  }
}

}  // namespace
}  // namespace ph::controllers
