// Requests that are answered, or begun, on the threads of their connections; and streams that are pushed.
#include "tests/net/fixture.h"
#include "tests/net/raw_client.h"

namespace ph::net {
namespace {

using namespace testing;

class AtOnce : public NetTest, public ::testing::WithParamInterface<Mode> {};
INSTANTIATE_TEST_SUITE_P(Modes, AtOnce, ::testing::Values(Mode::H2, Mode::H1, Mode::Plain),
                         [](const auto& param) { return name_of(param.param); });

TEST_P(AtOnce, AnsweredWithoutTheHandlersThread) {
  start(GetParam());
  std::promise<void> go_on;
  handler_thread.post([&] { go_on.get_future().wait(); });
  EXPECT_EQ(get("/at-once?1").body, "/at-once?1");
  EXPECT_EQ(get("/at-once-rendered").body, "rendered /at-once-rendered");
  EXPECT_EQ(get("/at-once-made?20").body.size(), 200'000u);
  const auto head = ask({.method = "HEAD", .target = "/at-once?1"});
  EXPECT_EQ(head.headers.get("content-length"), "10");
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(ask({.method = "POST", .target = "/at-once?2", .body = std::string(1'000, 'b')}).status, 200);
  go_on.set_value();
  EXPECT_EQ(get("/target").body, "/target");
}

TEST_P(AtOnce, WhatWasBegunComesWithTheRequest) {
  start(GetParam());
  EXPECT_EQ(get("/begun?x").body, "begun: /begun?x");
}

TEST_P(AtOnce, BesideOthers) {
  start(GetParam());
  const auto both = [](Transport* transport) -> Task<std::vector<Outcome_<Answered>>> {
    std::vector<Task<Answered>> tasks;
    for (int i = 0; i < 50; ++i) {
      tasks.push_back(fetch(transport, {.method = "GET", .target = fmt::format("{}?{}", i % 2 ? "/at-once" : "/target", i)}));
    }
    co_return co_await all(std::move(tasks));
  };
  const auto answers = run_on(client_thread, both(transport.get()));
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(answers[i].value.has_value());
    EXPECT_EQ(answers[i].value->body, fmt::format("{}?{}", i % 2 ? "/at-once" : "/target", i));
  }
}

TEST_P(AtOnce, PushedPiecesArriveInTheirOrder) {
  start(GetParam());
  constexpr int kPieces = 1000;
  const auto read = [](Transport* transport, std::size_t size, std::string* out) -> Task<void> {
    HttpResponse response = co_await transport->send({.method = "GET", .target = "/pushed"}, true);
    while (out->size() < size) *out += **co_await response.stream->next();
  };
  std::string got, wanted;
  for (int i = 0; i < kPieces; ++i) wanted += Pieces::piece(i, 100);
  Scope scope(client_thread);
  std::promise<void> done;
  call_on(client_thread, [&] {
    const auto reading = [](Task<void> task, std::promise<void>* end) -> Task<void> {
      co_await task;
      end->set_value();
    };
    scope.spawn(reading(read(transport.get(), wanted.size(), &got), &done));
  });
  int next = 0;
  while (next < kPieces) {
    call_on(handler_thread, [&] {
      PieceSink* const sink = *handler.sink;
      while (sink && sink->has_room() && next < kPieces) sink->put(share(Pieces::piece(next++, 100)));
    });
  }
  done.get_future().wait();
  EXPECT_TRUE(got == wanted);
  call_on(client_thread, [&] { scope.cancel(); });
}

TEST(AtOncePipelined, OneBehindTheOther) {
  class Fixture : public NetTest {
    void TestBody() override {}
  } net;
  net.serve(Mode::Plain);
  RawClient client(net.port);
  std::string all;
  for (int i = 0; i < 100; ++i) all += fmt::format("GET /at-once?{} HTTP/1.1\r\nHost: a\r\n\r\n", i);
  client.say(all + "GET /target?last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const std::string heard = client.hear();
  std::size_t at = 0;
  for (int i = 0; i < 100; ++i) {
    at = heard.find(fmt::format("/at-once?{}", i), at);
    ASSERT_NE(at, std::string::npos) << i;
  }
  EXPECT_TRUE(heard.ends_with("/target?last"));
}

}  // namespace
}  // namespace ph::net
