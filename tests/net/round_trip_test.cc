// Our client and our server over loopback sockets, in every protocol they share.
#include "tests/net/fixture.h"

namespace ph::net {
namespace {

using namespace testing;

class RoundTrip : public NetTest, public ::testing::WithParamInterface<Mode> {
 public:
  RoundTrip() { start(GetParam(), {.too_large_type = "application/json", .too_large_body = "{}"}); }
};
INSTANTIATE_TEST_SUITE_P(Modes, RoundTrip, ::testing::Values(Mode::H2, Mode::H1, Mode::Plain),
                         [](const auto& param) { return name_of(param.param); });

TEST_P(RoundTrip, Get) {
  const auto answer = get("/target?a=b%20c");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "/target?a=b%20c");
  EXPECT_EQ(answer.headers.get("content-length"), "15");
  EXPECT_EQ(answer.headers.get("x-method"), "GET");
  EXPECT_TRUE(answer.headers.get("date").ends_with(" GMT"));
}

TEST_P(RoundTrip, MethodsStatusesAndBodies) {
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE"}) {
    const auto answer = ask({.method = method, .target = "/echo", .body = "hello"});
    EXPECT_EQ(answer.headers.get("x-method"), method);
    EXPECT_EQ(answer.body, "hello");
  }
  for (const int status : {200, 201, 204, 304, 404, 409, 500}) {
    EXPECT_EQ(get("/status?" + std::to_string(status)).status, status);
  }
  EXPECT_EQ(ask({.method = "POST", .target = "/echo"}).body, "");
}

TEST_P(RoundTrip, HeadHasHeadersOnly) {
  const auto head = ask({.method = "HEAD", .target = "/big?3"});
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.get("content-length"), "300000");
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(ask({.method = "HEAD", .target = "/endless"}).status, 200);
  EXPECT_EQ(get("/target").body, "/target");
}

TEST_P(RoundTrip, HeadersTravelBothWays) {
  EXPECT_EQ(ask({.method = "GET", .target = "/header?X-Test", .headers = {{"x-test", "value"}}}).body, "value");
  EXPECT_EQ(get("/header?host").body, "127.0.0.1:" + std::to_string(port));
  EXPECT_EQ(get("/header?user-agent").body, "pilothouse");
  EXPECT_FALSE(get("/split").headers.has("x-injected"));
}

TEST_P(RoundTrip, LargeBodiesBothWays) {
  std::string body(2'500'000, 'x');
  for (std::size_t i = 0; i < body.size(); i += 1000) body[i] = static_cast<char>('a' + i / 1000 % 26);
  EXPECT_TRUE(ask({.method = "POST", .target = "/echo", .body = body}).body == body);
  EXPECT_EQ(get("/big?100").body.size(), 10'000'000u);
  EXPECT_EQ(get("/render").body, "rendered");
}

TEST_P(RoundTrip, BodiesThatAreMadeAsTheyAreSent) {
  std::string whole;
  for (int i = 99; i >= 0; --i) whole += std::string(10'000, static_cast<char>('a' + i % 26));
  EXPECT_TRUE(get("/made?100").body == whole);
  EXPECT_TRUE(stream("/made?100").body == whole);
  EXPECT_EQ(get("/made?0").body, "");
  const auto head = ask({.method = "HEAD", .target = "/made?100"});
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  EXPECT_THROW(get("/made-half?20"), TransportError);
  EXPECT_EQ(get("/target").status, 200);
}

TEST_P(RoundTrip, ABodyThatIsNotWantedIsRefusedByItsHead) {
  const auto answer = ask({.method = "POST", .target = "/forbidden", .body = std::string(2'500'000, 'x')});
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.body, "not you");
  EXPECT_EQ(handler.ledger.judged, 1);
  EXPECT_EQ(get("/target").status, 200);
  EXPECT_EQ(handler.ledger.handlers, 0);
}

TEST_P(RoundTrip, TooLargeABodyIsRefused) {
  const auto answer = ask({.method = "POST", .target = "/echo", .body = std::string(4'000'000, 'x')});
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.headers.get("content-type"), "application/json");
  EXPECT_EQ(answer.body, "{}");
  EXPECT_EQ(get("/target").status, 200);
  EXPECT_EQ(handler.ledger.handlers, 0);
}

TEST_P(RoundTrip, TooManyHeaderBytesAreRefused) {
  HttpRequest request{.method = "GET", .target = "/target"};
  for (int i = 0; i < 20; ++i) request.headers.add("x-" + std::to_string(i), std::string(4000, 'x'));
  EXPECT_EQ(ask(request).status, 431);
  EXPECT_EQ(get("/target").status, 200);
}

TEST_P(RoundTrip, AHandlerThatThrowsIsAnswered500) { EXPECT_EQ(get("/throw").status, 500); }

TEST_P(RoundTrip, Streams) {
  std::string expected;
  for (int i = 0; i < 1000; ++i) expected += Pieces::piece(i, 1000);
  const auto answer = stream("/stream?1000");
  EXPECT_TRUE(answer.body == expected);
  EXPECT_FALSE(answer.headers.has("content-length"));
  EXPECT_TRUE(get("/stream?1000").body == expected) << "a stream that the caller wants whole";
  EXPECT_EQ(stream("/target").body, "/target") << "a body that the caller wants as a stream";
  EXPECT_EQ(stream("/stream?0").body, "");
}

Task<void> feed_and_compare(NetTest* test, int count) {
  HttpResponse response = co_await test->transport->send({.method = "GET", .target = "/feed"}, true);
  for (int i = 0; i < count; ++i) {
    const std::string text = "event " + std::to_string(i);
    test->handler_thread.post([feed = test->handler.feed, text] { feed->push(text); });
    const auto piece = co_await response.stream->next();
    EXPECT_TRUE(piece);
    if (piece) EXPECT_EQ(**piece, text);
  }
  test->handler_thread.post([feed = test->handler.feed] { feed->close(); });
  EXPECT_FALSE(co_await response.stream->next());
}

TEST_P(RoundTrip, EachPieceArrivesBeforeTheNextIsMade) { run_on(client_thread, feed_and_compare(this, 200)); }

Task<std::string> read_until_broken(NetTest* test) {
  HttpResponse response = co_await test->transport->send({.method = "GET", .target = "/feed"}, true);
  std::string text;
  try {
    while (const auto piece = co_await response.stream->next()) text += **piece;
  } catch (const TransportError&) {
    co_return text + "|broken";
  }
  co_return text + "|ended";
}

TEST_P(RoundTrip, AStreamThatBreaksOffIsNotTakenForItsEnd) {
  call_on(handler_thread, [&] {
    handler.feed->push("some");
    handler.feed->push("throw");
  });
  EXPECT_EQ(run_on(client_thread, read_until_broken(this)), "some|broken");
  EXPECT_EQ(get("/target").status, 200);
}

Task<void> hold_stream(Transport* transport, std::string target, std::atomic<int>* begun) {
  HttpResponse response = co_await transport->send({.method = "GET", .target = std::move(target)}, true);
  ++*begun;
  Event never;
  co_await never.wait();
}

TEST_P(RoundTrip, ASlowReaderHoldsItsSourceUp) {
  std::atomic<int> begun = 0;
  auto scope = std::make_unique<Scope>(client_thread);
  call_on(client_thread, [&] { scope->spawn(hold_stream(transport.get(), "/endless", &begun)); });
  until([&] { return begun == 1; });
  // The socket's and TLS's buffers fill; then nothing is pulled any more, though others are served.
  int pulled = 0;
  for (int quiet = 0; quiet < 20;) {
    EXPECT_EQ(get("/target").status, 200);
    quiet = handler.ledger.pulled == pulled ? quiet + 1 : 0;
    pulled = handler.ledger.pulled;
  }
  EXPECT_LT(pulled, 20'000) << "kB buffered for a reader that reads nothing";
  EXPECT_EQ(handler.ledger.streams, 1);
  call_on(client_thread, [&] { scope.reset(); });
  until([&] { return handler.ledger.streams == 0; });
  EXPECT_EQ(get("/target").status, 200);
}

Task<void> ask_and_forget(Transport* transport, std::string target) {
  co_await transport->send({.method = "GET", .target = std::move(target)}, false);
}

TEST_P(RoundTrip, DroppingATaskDestroysTheHandlers) {
  auto scope = std::make_unique<Scope>(client_thread);
  call_on(client_thread, [&] { scope->spawn(ask_and_forget(transport.get(), "/hang")); });
  until([&] { return handler.ledger.handlers == 1; });
  call_on(client_thread, [&] { scope.reset(); });
  until([&] { return handler.ledger.handlers == 0; });
  EXPECT_EQ(get("/target").status, 200);
}

TEST_P(RoundTrip, ManyAtOnce) {
  constexpr int kCount = 100;
  std::vector<std::promise<Answered>> promises(kCount);
  std::vector<std::future<Answered>> answers;
  auto scope = std::make_unique<Scope>(client_thread);
  call_on(client_thread, [&] {
    for (int i = 0; i < kCount; ++i) {
      answers.push_back(promises[i].get_future());
      HttpRequest request{.method = "POST", .target = i % 3 == 0 ? "/slow" : "/echo", .body = std::to_string(i)};
      scope->spawn(ph::testing::detail::fulfil(fetch(transport.get(), std::move(request)), &promises[i]));
    }
  });
  for (int i = 0; i < kCount; ++i) {
    const Answered answer = answers[i].get();
    EXPECT_EQ(answer.status, 200);
    if (i % 3 != 0) EXPECT_EQ(answer.body, std::to_string(i));
  }
  if (GetParam() == Mode::H2) EXPECT_EQ(server->connections(), 1u);
  call_on(client_thread, [&] { scope.reset(); });
}

TEST_P(RoundTrip, CancelAtAnyMoment) {
  for (int i = 0; i < 150; ++i) {
    auto scope = std::make_unique<Scope>(client_thread);
    call_on(client_thread, [&] {
      scope->spawn(ask_and_forget(transport.get(), "/stream?20"));
      scope->spawn(ask_and_forget(transport.get(), "/slow"));
    });
    for (int turn = 0; turn < i % 15; ++turn) call_on(handler_thread, [] {});
    call_on(client_thread, [&] { scope.reset(); });
  }
  until([&] { return handler.ledger.handlers == 0 && handler.ledger.streams == 0; });
  EXPECT_EQ(get("/target").status, 200);
}

TEST_P(RoundTrip, AServerThatGoesFailsWhatIsUnderWay) {
  std::promise<Answered> hanging;
  auto answer = hanging.get_future();
  auto scope = std::make_unique<Scope>(client_thread);
  call_on(client_thread, [&] {
    scope->spawn(ph::testing::detail::fulfil(fetch(transport.get(), {.method = "GET", .target = "/hang"}), &hanging));
  });
  until([&] { return handler.ledger.handlers == 1; });
  server.reset();
  EXPECT_EQ(handler.ledger.handlers, 0) << "nothing of the handler lives when the server has gone";
  EXPECT_THROW(answer.get(), TransportError);
  EXPECT_THROW(get("/target"), TransportError) << "nobody listens";
  serve(GetParam(), {.port = port});
  EXPECT_EQ(get("/target").status, 200) << "connects anew";
  call_on(client_thread, [&] { scope.reset(); });
}

}  // namespace
}  // namespace ph::net
