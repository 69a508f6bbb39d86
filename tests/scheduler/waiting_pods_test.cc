// Pods that permit plugins hold back.
#include "scheduler/framework/waiting_pods.h"

#include <gtest/gtest.h>

#include "tests/sim/executor.h"

namespace ph::scheduler::test {
namespace {

Task<void> wait(WaitingPods& pods, std::optional<Verdict>& out) { out = co_await pods.wait("u"); }

struct Case {
  const char* name;
  void (*act)(WaitingPods& pods, sim::SimExecutor& executor);
  const char* code;  // empty: still waiting
  const char* message;
};

TEST(WaitingPods, Outcomes) {
  // clang-format off
  const Case kCases[] = {
      {"nothing happens", [](WaitingPods&, sim::SimExecutor&) {}, "", ""},
      {"one of two allows", [](WaitingPods& p, sim::SimExecutor&) { p.allow("u", "A"); }, "", ""},
      {"both allow", [](WaitingPods& p, sim::SimExecutor&) { p.allow("u", "A"), p.allow("u", "B"); }, "Success", ""},
      {"one rejects", [](WaitingPods& p, sim::SimExecutor&) { p.allow("u", "A"), p.reject("u", "B", "no"); }, "Unschedulable", "no"},
      {"the first answer stands", [](WaitingPods& p, sim::SimExecutor&) { p.reject("u", "A", "no"), p.allow("u", "A"), p.allow("u", "B"); },
       "Unschedulable", "no"},
      {"another pod", [](WaitingPods& p, sim::SimExecutor&) { p.reject("v", "A", "no"); }, "", ""},
      {"just in time", [](WaitingPods&, sim::SimExecutor& e) { e.advance(9999ms); }, "", ""},
      {"too late", [](WaitingPods&, sim::SimExecutor& e) { e.advance(10s); }, "Unschedulable",
       "rejected due to timeout after waiting 10s at plugin B"},
      {"deleted", [](WaitingPods& p, sim::SimExecutor&) { p.remove("u"); }, "Unschedulable", "pod deleted"},
  };
  // clang-format on
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    sim::SimExecutor executor;
    WaitingPods pods(executor);
    pods.add("u", {{"A", 20s}, {"B", 10s}});
    std::optional<Verdict> verdict;
    Scope scope(executor);
    scope.spawn(wait(pods, verdict));
    executor.drain();
    c.act(pods, executor);
    executor.drain();
    EXPECT_EQ(verdict ? to_string(verdict->code()) : "", c.code);
    EXPECT_EQ(verdict ? verdict->message() : "", c.message);
    EXPECT_EQ(pods.list().empty(), verdict.has_value());
  }
}

TEST(WaitingPods, AnAnswerBeforeTheWaitCounts) {
  sim::SimExecutor executor;
  WaitingPods pods(executor);
  pods.add("u", {{"A", 20s}});
  pods.allow("u", "A");
  std::optional<Verdict> verdict;
  Scope scope(executor);
  scope.spawn(wait(pods, verdict));
  executor.drain();
  ASSERT_TRUE(verdict);
  EXPECT_TRUE(verdict->success());
}

}  // namespace
}  // namespace ph::scheduler::test
