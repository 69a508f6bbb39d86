#include "base/sync.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <thread>

#include "tests/base/blocking.h"
#include "tests/base/manual_executor.h"

namespace ph {
namespace {

using testing::ManualClock;
using testing::ManualExecutor;
using testing::run_on;

using Trace = std::vector<std::string>;

struct Sync : ::testing::Test {
  ManualClock clock;
  ManualExecutor executor{clock};
  Trace trace;
  Scope scope{executor};
};

// Notes that its frame was destroyed.
struct Mark {
  Trace* trace;
  const char* text;
  ~Mark() { trace->push_back(text); }
};

Task<void> note_after(Event* event, Trace* trace, const char* text) {
  co_await event->wait();
  trace->push_back(text);
}

Task<void> hold(Event* event, Trace* trace, const char* text) {
  const Mark mark{trace, text};
  co_await event->wait();
  trace->push_back("resumed");
}

// --- Event ---

using EventTest = Sync;

TEST_F(EventTest, WakesAllInOrderAndLetsLatecomersPass) {
  Event event;
  scope.spawn(note_after(&event, &trace, "a"));
  scope.spawn(note_after(&event, &trace, "b"));
  executor.drain();
  EXPECT_TRUE(trace.empty());
  event.set();
  EXPECT_TRUE(trace.empty()) << "resumed inline";
  executor.drain();
  scope.spawn(note_after(&event, &trace, "late"));
  executor.drain();
  EXPECT_EQ(trace, (Trace{"a", "b", "late"}));
  event.reset();
  scope.spawn(note_after(&event, &trace, "after reset"));
  executor.drain();
  EXPECT_EQ(trace.size(), 3u);
}

TEST_F(EventTest, AWaitThatWasDroppedIsNotResumed) {
  Event event;
  auto dropped = std::make_unique<Scope>(executor);
  dropped->spawn(hold(&event, &trace, "gone"));
  scope.spawn(note_after(&event, &trace, "stays"));
  executor.drain();
  event.set();  // both resumptions are on their way
  dropped.reset();
  executor.drain();
  EXPECT_EQ(trace, (Trace{"gone", "stays"}));
}

TEST_F(EventTest, ManyDroppedWaitsLeaveTheOthersAlone) {
  Event event;
  scope.spawn(note_after(&event, &trace, "stays"));
  executor.drain();
  for (int i = 0; i < 100; ++i) {
    Scope brief(executor);
    brief.spawn(note_after(&event, &trace, "never"));
    executor.drain();
  }
  event.set();
  executor.drain();
  EXPECT_EQ(trace, (Trace{"stays"}));
}

// --- Channel ---

Task<void> collect(Channel<int>* channel, std::vector<int>* out, bool* ended) {
  while (const auto item = co_await channel->next()) out->push_back(*item);
  *ended = true;
}

TEST_F(Sync, ChannelHandsOutInOrderAndEndsAfterTheLast) {
  Channel<int> channel;
  std::vector<int> seen;
  bool ended = false;
  channel.push(1);
  scope.spawn(collect(&channel, &seen, &ended));
  executor.drain();
  channel.push(2);
  channel.push(3);
  channel.close();
  EXPECT_EQ(channel.size(), 2u);
  executor.drain();
  EXPECT_EQ(seen, (std::vector{1, 2, 3}));
  EXPECT_TRUE(ended);
}

TEST_F(Sync, ChannelServesSeveralReaders) {
  Channel<int> channel;
  std::vector<int> seen;
  bool ended[3] = {};
  for (bool& e : ended) scope.spawn(collect(&channel, &seen, &e));
  executor.drain();
  for (int i = 0; i < 10; ++i) channel.push(i);
  executor.drain();
  EXPECT_EQ(seen.size(), 10u);
  channel.close();
  executor.drain();
  for (const bool e : ended) EXPECT_TRUE(e);
}

// --- Sleep, Yield ---

Task<void> nap(Duration delay, Trace* trace, const char* text) {
  const Mark mark{trace, "end"};
  co_await sleep_for(delay);
  trace->push_back(text);
}

TEST_F(Sync, SleepWakesAtItsTimeAndNotBefore) {
  scope.spawn(nap(2s, &trace, "two"));
  scope.spawn(nap(1s, &trace, "one"));
  scope.spawn(nap(0s, &trace, "zero"));
  executor.drain();
  EXPECT_EQ(trace, (Trace{"zero", "end"}));
  clock.advance(1s);
  executor.drain();
  clock.advance(1s - 1ns);
  executor.drain();
  EXPECT_EQ(trace, (Trace{"zero", "end", "one", "end"}));
  clock.advance(1ns);
  executor.drain();
  EXPECT_EQ(trace.back(), "end");
  EXPECT_EQ(trace.size(), 6u);
}

TEST_F(Sync, ASleeperThatIsDroppedTakesItsTimerAlong) {
  scope.spawn(nap(1s, &trace, "never"));
  executor.drain();
  EXPECT_EQ(executor.timers(), 1u);
  scope.cancel();
  EXPECT_EQ(executor.timers(), 0u);
  clock.advance(2s);
  executor.drain();
  EXPECT_EQ(trace, (Trace{"end"}));
}

Task<void> take_turns(Trace* trace, const char* text) {
  for (int i = 0; i < 2; ++i) {
    trace->push_back(text);
    co_await yield();
  }
}

TEST_F(Sync, YieldLetsOthersHaveTheirTurn) {
  scope.spawn(take_turns(&trace, "a"));
  scope.spawn(take_turns(&trace, "b"));
  executor.drain();
  EXPECT_EQ(trace, (Trace{"a", "b", "a", "b"}));
}

// --- Stop ---

TEST_F(Sync, StopCallsBackOnceUnlessTheRegistrationIsGone) {
  Stop stop;
  auto kept = stop.on_request([&] { trace.push_back("kept"); });
  {
    auto dropped = stop.on_request([&] { trace.push_back("dropped"); });
  }
  stop.request();
  stop.request();
  auto late = stop.on_request([&] { trace.push_back("late"); });
  EXPECT_EQ(trace, (Trace{"kept", "late"}));
}

TEST_F(Sync, AStopCallbackMayDropTheRegistrationOfAnother) {
  Stop stop;
  std::optional<Stop::Registration> second;
  auto first = stop.on_request([&] { second.reset(); });
  second = stop.on_request([&] { trace.push_back("dropped"); });
  stop.request();
  EXPECT_TRUE(trace.empty());
}

// --- Completion ---

Task<int> await_completion(Completion<int> completion) { co_return co_await completion.get(); }

Task<void> note_completion(Completion<int> completion, Trace* trace) {
  const Mark mark{trace, "end"};
  trace->push_back(std::to_string(co_await completion.get()));
}

TEST_F(Sync, CompletionMayBeSetBeforeOrAfterTheWait) {
  Completion<int> before, after;
  before.set(1);
  scope.spawn(note_completion(before, &trace));
  scope.spawn(note_completion(after, &trace));
  executor.drain();
  EXPECT_EQ(trace, (Trace{"1", "end"}));
  after.set(2);
  executor.drain();
  EXPECT_EQ(trace, (Trace{"1", "end", "2", "end"}));
}

TEST_F(Sync, CompletionSetAfterTheWaiterWasDropped) {
  Completion<int> completion;
  scope.spawn(note_completion(completion, &trace));
  executor.drain();
  scope.cancel();
  completion.set(1);
  executor.drain();
  EXPECT_EQ(trace, (Trace{"end"}));
}

// The executor of a dropped wait may be gone by then: nothing is posted to it.
TEST_F(Sync, CompletionLeavesTheExecutorOfADroppedWaiterAlone) {
  const Completion<int> completion;
  auto gone = std::make_unique<ManualExecutor>(clock);
  auto waiter = std::make_unique<Scope>(*gone);
  waiter->spawn(note_completion(completion, &trace));
  gone->drain();
  waiter.reset();
  completion.set(1);
  EXPECT_EQ(gone->drain(), 0) << "something was posted";
  gone.reset();
  EXPECT_EQ(trace, (Trace{"end"}));
}

TEST(Completion, CarriesValuesAndErrorsAcrossThreads) {
  SystemClock clock;
  ThreadExecutor here("here", clock), there("there", clock);
  for (int i = 0; i < 500; ++i) {
    Completion<int> good, bad;
    there.post([good, i] { good.set(i); });
    there.post([bad] { bad.fail(std::make_exception_ptr(std::runtime_error("no"))); });
    EXPECT_EQ(run_on(here, await_completion(good)), i);
    EXPECT_THROW(run_on(here, await_completion(bad)), std::runtime_error);
  }
}

TEST(Completion, DroppingTheWaiterRacesWithTheResult) {
  SystemClock clock;
  ThreadExecutor here("here", clock), there("there", clock);
  for (int i = 0; i < 500; ++i) {
    Completion<int> completion;
    auto trace = std::make_unique<Trace>();
    auto scope = std::make_unique<Scope>(here);
    here.post([&] { scope->spawn(note_completion(completion, trace.get())); });
    there.post([completion] { completion.set(1); });
    testing::call_on(here, [&] { scope.reset(); });
    testing::call_on(there, [] {});
    testing::call_on(here, [] {});  // a late resumption would run before this
    EXPECT_TRUE(trace->empty() || trace->back() == "end");
  }
}

// --- Scope ---

Task<void> join_then(Scope* scope, Trace* trace) {
  co_await scope->join();
  trace->push_back("joined");
}

TEST_F(Sync, ScopeJoinWaitsForAll) {
  Event event;
  Scope work(executor);
  work.spawn(note_after(&event, &trace, "a"));
  work.spawn(note_after(&event, &trace, "b"));
  scope.spawn(join_then(&work, &trace));
  executor.drain();
  EXPECT_EQ(work.size(), 2u);
  event.set();
  executor.drain();
  EXPECT_EQ(trace, (Trace{"a", "b", "joined"}));
  EXPECT_EQ(work.size(), 0u);
}

TEST_F(Sync, ScopeCancelDestroysStartedAndUnstartedTasks) {
  Event event;
  Scope work(executor);
  work.spawn(hold(&event, &trace, "started"));
  executor.drain();
  work.spawn(hold(&event, &trace, "unstarted"));
  scope.spawn(join_then(&work, &trace));
  work.cancel();
  EXPECT_EQ(trace, (Trace{"started"})) << "an unstarted task has no frame to unwind";
  event.set();
  executor.drain();
  EXPECT_EQ(trace, (Trace{"started", "joined"}));
  work.spawn(note_after(&event, &trace, "again"));
  executor.drain();
  EXPECT_EQ(trace.back(), "again");
}

TEST_F(Sync, AScopeMayGoBeforeItsJoinersTurn) {
  Event event;
  auto work = std::make_unique<Scope>(executor);
  work->spawn(note_after(&event, &trace, "never"));
  scope.spawn(join_then(work.get(), &trace));
  executor.drain();
  work.reset();
  executor.drain();
  EXPECT_EQ(trace, (Trace{"joined"}));
}

struct SpawnsWhenDestroyed {
  Scope* scope;
  Event* event;
  Trace* trace;
  ~SpawnsWhenDestroyed() { scope->spawn(note_after(event, trace, "after all")); }
};
Task<void> spawn_at_end(Scope* scope, Event* event, Trace* trace) {
  const SpawnsWhenDestroyed last{scope, event, trace};
  co_await event->wait();
}

TEST_F(Sync, ATaskMaySpawnAnotherWhileItIsCancelled) {
  Event event;
  Scope work(executor);
  work.spawn(spawn_at_end(&work, &event, &trace));
  executor.drain();
  work.cancel();
  scope.spawn(join_then(&work, &trace));
  executor.drain();
  EXPECT_TRUE(trace.empty()) << "joined a scope that is not empty";
  event.set();
  executor.drain();
  EXPECT_EQ(trace, (Trace{"after all", "joined"}));
}

Task<void> fail_with(const char* text) {
  co_await yield();
  throw std::runtime_error(text);
}

TEST_F(Sync, ScopeHandsErrorsToItsHandler) {
  Scope work(executor, [&](std::exception_ptr error) {
    try {
      std::rethrow_exception(error);
    } catch (const std::runtime_error& e) {
      trace.push_back(e.what());
    }
  });
  work.spawn(fail_with("one"));
  work.spawn(fail_with("two"));
  executor.drain();
  EXPECT_EQ(trace, (Trace{"one", "two"}));
  EXPECT_EQ(work.size(), 0u);
}

// --- all ---

Task<int> number(int value, Duration delay) {
  co_await sleep_for(delay);
  if (value < 0) throw std::runtime_error("negative");
  co_return value;
}
Task<void> run_all(std::vector<Task<int>> tasks, std::vector<Outcome_<int>>* out) { *out = co_await all(std::move(tasks)); }

TEST_F(Sync, AllKeepsTheOrderOfTheTasks) {
  std::vector<Task<int>> tasks;
  tasks.push_back(number(1, 3s));
  tasks.push_back(number(-1, 1s));
  tasks.push_back(number(3, 2s));
  std::vector<Outcome_<int>> results;
  scope.spawn(run_all(std::move(tasks), &results));
  for (int i = 0; i < 3; ++i) {
    executor.drain();
    EXPECT_TRUE(results.empty());
    clock.advance(1s);
  }
  executor.drain();
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[0].value, 1);
  EXPECT_TRUE(results[1].error);
  EXPECT_EQ(results[2].value, 3);
}

}  // namespace
}  // namespace ph
