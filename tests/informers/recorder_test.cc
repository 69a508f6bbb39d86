#include "informers/recorder.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "informers/correlator.h"
#include "tests/informers/scripted_server.h"

namespace ph::informers {
namespace {

using core::v1::Event;

Event event(std::string reason, std::string message, std::string object = "web") {
  Event out;
  out.mutable_metadata()->set_name(object + ".1");
  out.mutable_involved_object()->set_name(std::move(object));
  out.mutable_source()->set_component("test-controller");
  out.set_reason(std::move(reason));
  out.set_message(std::move(message));
  out.set_type("Normal");
  return out;
}

Time at(Duration since) { return Time(since + 1h); }

TEST(CorrelatorTest, CountsEqualEventsUp) {
  EventCorrelator correlator;
  EXPECT_FALSE(correlator.correlate(event("A", "m"), at(0s)).counts_up);
  const Correlated second = correlator.correlate(event("A", "m"), at(1s));
  EXPECT_TRUE(second.counts_up);
  EXPECT_EQ(second.event.count(), 2);
  EXPECT_FALSE(correlator.correlate(event("A", "another"), at(1s)).counts_up);
  EXPECT_FALSE(correlator.correlate(event("B", "m"), at(1s)).counts_up);
  EXPECT_FALSE(correlator.correlate(event("A", "m", "other"), at(1s)).counts_up);
}

TEST(CorrelatorTest, CombinesTheTenthSimilarOne) {
  EventCorrelator correlator;
  for (int i = 1; i < 10; ++i) {
    EXPECT_EQ(correlator.correlate(event("A", "m" + std::to_string(i)), at(0s)).event.message(), "m" + std::to_string(i));
  }
  const Correlated tenth = correlator.correlate(event("A", "m10"), at(0s));
  EXPECT_EQ(tenth.event.message(), "(combined from similar events): m10");
  EXPECT_FALSE(tenth.counts_up);
  const Correlated eleventh = correlator.correlate(event("A", "m11"), at(0s));
  EXPECT_TRUE(eleventh.counts_up);
  EXPECT_EQ(eleventh.event.message(), "(combined from similar events): m11");
  EXPECT_EQ(correlator.correlate(event("A", "later"), at(11min)).event.message(), "later");
}

TEST(CorrelatorTest, LimitsOneSourceAndObject) {
  EventCorrelator correlator;
  for (int i = 0; i < 25; ++i) EXPECT_FALSE(correlator.correlate(event("A", "m"), at(0s)).suppressed) << i;
  EXPECT_TRUE(correlator.correlate(event("B", "n"), at(1s)).suppressed);
  EXPECT_FALSE(correlator.correlate(event("A", "m", "other"), at(1s)).suppressed);
  EXPECT_FALSE(correlator.correlate(event("A", "m"), at(5min + 1s)).suppressed);
  EXPECT_TRUE(correlator.correlate(event("A", "m"), at(5min + 2s)).suppressed);
}

class RecorderTest : public testing::Test {
 protected:
  static core::v1::ObjectReference about() {
    core::v1::ObjectReference out;
    out.set_kind("ReplicaSet");
    out.set_namespace_("shop");
    out.set_name("web");
    return out;
  }
  Event sent() {
    Event out;
    api::decode_envelope(server_.expect().body, out);
    return out;
  }

  sim::SimExecutor executor_;
  ScriptedServer server_{executor_};
  Client client_{server_, "test"};
  SeededRng rng_{1};
  std::unique_ptr<EventRecorder> recorder_ = event_recorder(executor_, client_, rng_, "replicaset-controller", "", Log());
};

TEST_F(RecorderTest, WritesThenCountsUp) {
  recorder_->normal(about(), "SuccessfulCreate", "Created pod: web-1");
  EXPECT_EQ(server_.expect().target, "/api/v1/namespaces/shop/events");
  const Event first = sent();
  EXPECT_THAT(first.metadata().name(), testing::MatchesRegex("web\\.[0-9a-f]+"));
  EXPECT_EQ(first.source().component(), "replicaset-controller");
  EXPECT_EQ(first.reporting_component(), "replicaset-controller");
  EXPECT_EQ(first.count(), 1);
  EXPECT_EQ(first.first_timestamp().seconds(), 1767225600);
  server_.answer(first);

  executor_.advance(5s);
  recorder_->normal(about(), "SuccessfulCreate", "Created pod: web-1");
  const HttpRequest patch = server_.expect();
  EXPECT_EQ(patch.method, "PATCH");
  EXPECT_EQ(patch.target, "/api/v1/namespaces/shop/events/" + first.metadata().name());
  const auto body = nlohmann::json::parse(patch.body);
  EXPECT_EQ(body.at("count"), 2);
  EXPECT_EQ(body.at("lastTimestamp"), "2026-01-01T00:00:05Z");

  // It has expired meanwhile: it is written again, with its count.
  server_.refuse(404, "NotFound");
  EXPECT_EQ(sent().count(), 2);
}

TEST_F(RecorderTest, NamesOfOneInstantDiffer) {
  recorder_->normal(about(), "A", "m");
  recorder_->normal(about(), "B", "m");
  const std::string first = sent().metadata().name();
  server_.answer(sent());
  EXPECT_NE(sent().metadata().name(), first);
}

TEST_F(RecorderTest, TriesAgainWhenTheServerIsAwayAndGivesUpWhenRefused) {
  recorder_->warning(about(), "A", "m");
  server_.lose();
  EXPECT_TRUE(server_.quiet());
  executor_.advance(10s);
  server_.expect();
  server_.refuse(403, "Forbidden");
  executor_.advance(1min);
  EXPECT_TRUE(server_.quiet());
  EXPECT_EQ(server_.requests, 2);
}

TEST_F(RecorderTest, NeverHoldsMoreThanAThousand) {
  for (int i = 0; i < 3000; ++i) {
    core::v1::ObjectReference object = about();
    object.set_name("web-" + std::to_string(i));
    recorder_->normal(std::move(object), "A", "m");
  }
  int written = 0;
  while (!server_.quiet()) {
    server_.refuse(403, "Forbidden");
    ++written;
  }
  EXPECT_LE(written, 1001);
  EXPECT_GE(written, 1000);
}

}  // namespace
}  // namespace ph::informers
