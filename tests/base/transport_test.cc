#include "base/transport.h"

#include <gtest/gtest.h>

#include <atomic>

#include "base/sync.h"
#include "tests/base/blocking.h"

namespace ph {
namespace {

using testing::call_on;
using testing::run_on;

TEST(Headers, NamesAreComparedWithoutCase) {
  Headers headers{{"Accept", "a"}, {"accept", "b"}};
  EXPECT_EQ(headers.get("ACCEPT"), "a");
  EXPECT_FALSE(headers.has("accept-encoding"));
  headers.set("aCCept", "c");
  EXPECT_EQ(headers.size(), 1u);
  EXPECT_EQ(headers.get("accept"), "c");
}

TEST(HttpRequest, SplitsItsTarget) {
  HttpRequest request{.target = "/api?watch=1&x=?"};
  EXPECT_EQ(request.path(), "/api");
  EXPECT_EQ(request.query(), "watch=1&x=?");
  request.target = "/api";
  EXPECT_EQ(request.query(), "");
}

// Counts what lives, and checks that it lives and dies on the server's thread.
struct Ledger {
  Executor* server = nullptr;
  std::atomic<int> alive = 0;
  std::atomic<bool> strayed = false;
};
class Lives {
 public:
  explicit Lives(Ledger* ledger) : ledger_(ledger) {
    ++ledger_->alive;
    check();
  }
  ~Lives() {
    check();
    --ledger_->alive;
  }
  Lives(const Lives&) = delete;

 private:
  void check() {
    if (Executor::current() != ledger_->server) ledger_->strayed = true;
  }
  Ledger* ledger_;
};

class Counter final : public BodyStream {
 public:
  Counter(Ledger* ledger, int count, std::atomic<int>* made = nullptr, bool breaks = false)
      : ledger_(ledger), lives_(ledger), left_(count), made_(made), breaks_(breaks) {}
  Task<std::optional<SharedBytes>> next() override {
    const Lives lives(ledger_);
    co_await yield();
    if (left_ < 0) co_await never_.wait();
    if (left_ == 0 && breaks_) throw std::runtime_error("broken");
    if (left_ == 0) co_return std::nullopt;
    if (made_) ++*made_;
    co_return share(std::to_string(left_--));
  }

 private:
  Ledger* ledger_;
  Lives lives_;
  int left_;
  std::atomic<int>* made_;
  bool breaks_;
  Event never_;
};

class Handler final : public HttpHandler {
 public:
  Ledger ledger;
  std::atomic<int> made = 0;  // pieces of /long

  Task<HttpResponse> handle(HttpRequest request) override {
    const Lives lives(&ledger);
    co_await yield();
    HttpResponse response;
    if (request.path() == "/whoami") response.body.push_back(share(request.peer.identity->name));
    if (request.path() == "/render") response.render = [] { return std::vector{share("ren"), share("dered")}; };
    if (request.path() == "/count") response.stream = std::make_unique<Counter>(&ledger, 3);
    if (request.path() == "/long") response.stream = std::make_unique<Counter>(&ledger, 1000, &made);
    if (request.path() == "/breaks") response.stream = std::make_unique<Counter>(&ledger, 2, nullptr, true);
    if (request.path() == "/endless") response.stream = std::make_unique<Counter>(&ledger, -1);
    if (request.path() == "/throw") throw std::runtime_error("handler failed");
    if (request.path() == "/hang") {
      Event never;
      co_await never.wait();
    }
    co_return response;
  }
};

Task<std::string> fetch(Transport* transport, std::string target, bool stream) {
  HttpResponse response = co_await transport->send({.method = "GET", .target = target}, stream);
  std::string text;
  for (const auto& piece : response.body) text += *piece;
  if (response.stream) {
    text += "|";
    while (const auto piece = co_await response.stream->next()) text += **piece;
  }
  co_return text;
}

struct InProcess : ::testing::Test {
  InProcess() {
    handler.ledger.server = &server;
    transport = in_process_transport(handler, server, Identity{.name = "loop"});
  }
  ~InProcess() override {
    settle();
    EXPECT_EQ(handler.ledger.alive, 0);
    EXPECT_FALSE(handler.ledger.strayed) << "made or destroyed off the server's thread";
  }
  // What was posted to and fro has run.
  void settle() {
    for (int i = 0; i < 5; ++i) {
      call_on(client, [] {});
      call_on(server, [] {});
    }
  }

  // … and a source that takes a turn for each piece has come as far as it may.
  void settle_long() {
    for (int i = 0; i < 200; ++i) call_on(server, [] {});
  }

  SystemClock clock;
  Handler handler;
  ThreadExecutor server{"server", clock};
  ThreadExecutor client{"client", clock};
  std::unique_ptr<Transport> transport;
};

TEST_F(InProcess, CarriesRequestsAndAnswers) {
  EXPECT_EQ(run_on(client, fetch(transport.get(), "/whoami", false)), "loop");
  EXPECT_EQ(run_on(client, fetch(transport.get(), "/render", false)), "rendered");
  EXPECT_EQ(run_on(client, fetch(transport.get(), "/count", true)), "|321");
  EXPECT_EQ(run_on(client, fetch(transport.get(), "/count", false)), "321");
  EXPECT_THROW(run_on(client, fetch(transport.get(), "/throw", false)), std::runtime_error);
}

Task<std::unique_ptr<BodyStream>> open(Transport* transport, std::string target) {
  HttpResponse response = co_await transport->send({.method = "GET", .target = target}, true);
  co_return std::move(response.stream);
}
Task<std::string> read(BodyStream* stream, int pieces) {
  std::string text;
  for (int i = 0; i < pieces; ++i) {
    const auto piece = co_await stream->next();
    text += piece ? **piece + " " : "end ";
  }
  co_return text;
}

// Pieces come ahead, as many as fit, in their order; the source waits until there is room.
TEST_F(InProcess, StreamsAreFetchedAheadWithinBounds) {
  auto stream = run_on(client, open(transport.get(), "/long"));
  EXPECT_EQ(handler.made, 0) << "nothing is fetched before the first is asked for";
  EXPECT_EQ(run_on(client, read(stream.get(), 1)), "1000 ");
  settle_long();
  const int ahead = handler.made;
  EXPECT_GT(ahead, 10);
  EXPECT_LT(ahead, 100);
  std::string expected;
  for (int i = 999; i > 0; --i) expected += std::to_string(i) + " ";
  EXPECT_EQ(run_on(client, read(stream.get(), 1001)), expected + "end end ");
  EXPECT_EQ(handler.made, 1000);
  call_on(client, [&] { stream.reset(); });
}

TEST_F(InProcess, StreamsMayBreakOrBeDroppedWhileTheSourceWaits) {
  auto broken = run_on(client, open(transport.get(), "/breaks"));
  EXPECT_EQ(run_on(client, read(broken.get(), 2)), "2 1 ");
  EXPECT_THROW(run_on(client, read(broken.get(), 1)), std::runtime_error);
  call_on(client, [&] { broken.reset(); });
  auto dropped = run_on(client, open(transport.get(), "/long"));
  EXPECT_EQ(run_on(client, read(dropped.get(), 1)), "1000 ");
  settle_long();
  call_on(client, [&] { dropped.reset(); });
}

TEST_F(InProcess, WorksWithinOneExecutor) {
  EXPECT_EQ(run_on(server, fetch(transport.get(), "/whoami", false)), "loop");
  EXPECT_EQ(run_on(server, fetch(transport.get(), "/count", true)), "|321");
}

TEST_F(InProcess, DroppingTheTaskDropsTheHandlers) {
  for (const char* target : {"/hang", "/endless"}) {
    SCOPED_TRACE(target);
    auto scope = std::make_unique<Scope>(client);
    std::promise<std::string> never;
    client.post([&] { scope->spawn(testing::detail::fulfil(fetch(transport.get(), target, true), &never)); });
    while (handler.ledger.alive == 0) call_on(server, [] {});
    call_on(client, [&] { scope.reset(); });
    settle();
    EXPECT_EQ(handler.ledger.alive, 0);
  }
}

TEST_F(InProcess, CancelAtAnyMoment) {
  for (int turns = 0; turns < 200; ++turns) {
    auto scope = std::make_unique<Scope>(client);
    std::promise<std::string> done;
    client.post([&] { scope->spawn(testing::detail::fulfil(fetch(transport.get(), "/count", true), &done)); });
    for (int i = 0; i < turns % 20; ++i) call_on(server, [] {});
    call_on(client, [&] { scope.reset(); });
  }
}

// As over one connection: the rest waits with the client.
TEST_F(InProcess, SoManyAtATime) {
  std::vector<std::promise<std::string>> never(251);
  std::promise<std::string> last;
  auto hanging = std::make_unique<Scope>(client), one = std::make_unique<Scope>(client);
  call_on(client, [&] {
    for (int i = 0; i < 249; ++i) hanging->spawn(testing::detail::fulfil(fetch(transport.get(), "/hang", false), &never[i]));
  });
  while (handler.ledger.alive < 249) call_on(server, [] {});
  call_on(client, [&] { one->spawn(testing::detail::fulfil(fetch(transport.get(), "/hang", false), &never[249])); });
  while (handler.ledger.alive < 250) call_on(server, [] {});
  call_on(client, [&] {
    one->spawn(testing::detail::fulfil(fetch(transport.get(), "/hang", false), &never[250]));
    hanging->spawn(testing::detail::fulfil(fetch(transport.get(), "/whoami", false), &last));
  });
  settle();
  EXPECT_EQ(handler.ledger.alive, 250);
  // One gives up that has a place, and one that waits for one.
  call_on(client, [&] { one.reset(); });
  EXPECT_EQ(last.get_future().get(), "loop");
  call_on(client, [&] { hanging.reset(); });
}

TEST_F(InProcess, ManyAtOnce) {
  std::vector<std::future<std::string>> results;
  std::vector<std::promise<std::string>> promises(200);
  auto scope = std::make_unique<Scope>(client);
  call_on(client, [&] {
    for (auto& promise : promises) {
      results.push_back(promise.get_future());
      scope->spawn(testing::detail::fulfil(fetch(transport.get(), "/count", true), &promise));
    }
  });
  for (auto& result : results) EXPECT_EQ(result.get(), "|321");
  call_on(client, [&] { scope.reset(); });
}

}  // namespace
}  // namespace ph
