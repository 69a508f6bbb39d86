// A server's life: binding, draining, ending, and the clients it must not wait for. The clients are plain sockets.
#include "net/server.h"

#include "tests/net/fixture.h"
#include "tests/net/raw_client.h"

namespace ph::net {
namespace {

using namespace testing;

class Server : public NetTest {
 public:
  std::string bind_error(ServerOptions options) {
    try {
      HttpsServer other(io, handler, handler_thread, options);
    } catch (const std::runtime_error& e) {
      return e.what();
    }
    return "";
  }
};

TEST_F(Server, SaysWhyItCannotBind) {
  serve(Mode::Plain);
  EXPECT_EQ(bind_error({.bind_address = "127.0.0.1", .port = port}),
            fmt::format("cannot listen on 127.0.0.1:{}: the address is already in use", port));
  EXPECT_EQ(bind_error({.bind_address = "localhost"}), "cannot listen on \"localhost\": not an IP address");
  EXPECT_EQ(bind_error({.bind_address = "192.0.2.1"}), "cannot listen on 192.0.2.1:0: this machine has no such address");
}

TEST_F(Server, ListensOnAllAddressesOfBothFamilies) {
  server = std::make_unique<HttpsServer>(io, handler, handler_thread, ServerOptions{.bind_address = "::"});
  port = server->port();
  connect(client_options(Mode::Plain));
  EXPECT_EQ(get("/target").status, 200);
}

TEST_F(Server, ServesPipelinedRequestsAndHalfRequests) {
  serve(Mode::Plain);
  RawClient client(port);
  client.say("GET /target?1 HTTP/1.1\r\nHost: a\r\n\r\nGET /target?2 HTTP/1.1\r\nHo");
  EXPECT_NE(client.hear("/target?1").find("/target?1"), std::string::npos);
  client.say("st: a\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(client.hear().ends_with("/target?2"));
}

TEST_F(Server, AClientThatGoesAwayTakesItsRequestAlong) {
  serve(Mode::Plain);
  for (const char* target : {"/hang", "/endless"}) {
    auto client = std::make_unique<RawClient>(port);
    client->say(fmt::format("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", target));
    until([&] { return handler.ledger.handlers + handler.ledger.streams > 0; });
    client.reset();
    until([&] { return handler.ledger.handlers + handler.ledger.streams == 0 && server->connections() == 0; });
  }
}

TEST_F(Server, DoesNotWaitForSlowClients) {
  serve(Mode::Plain, {.request_timeout = 100ms, .idle_timeout = 200ms, .write_timeout = 100ms});
  EXPECT_EQ(RawClient(port).hear(), "") << "one that says nothing";
  RawClient half(port);
  half.say("GET / HT");
  EXPECT_EQ(half.hear(), "") << "one that never ends its request";
  RawClient idle(port);
  idle.say("GET /target HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(idle.hear().ends_with("/target")) << "one that keeps its connection and asks nothing";
  RawClient deaf(port);
  deaf.say("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
  until([&] { return handler.ledger.streams == 1; });
  until([&] { return handler.ledger.streams == 0; });
  until([&] { return server->connections() == 0; });
}

TEST_F(Server, TimeoutsOfTheTlsHandshake) {
  serve(Mode::H2, {.request_timeout = 100ms});
  EXPECT_EQ(RawClient(port).hear(), "");
}

TEST_F(Server, AnswersToWholeRequestsAreNotHurried) {
  start(Mode::Plain, {.request_timeout = 10ms, .write_timeout = 10ms});
  EXPECT_EQ(get("/slow").status, 200);
}

TEST_F(Server, DrainLetsWhatIsUnderWayEnd) {
  for (const Mode mode : {Mode::H2, Mode::H1}) {
    SCOPED_TRACE(name_of(mode));
    handler.feed = std::make_shared<Channel<std::string>>();
    start(mode);
    std::promise<Answered> promise;
    auto answer = promise.get_future();
    auto scope = std::make_unique<Scope>(client_thread);
    call_on(client_thread, [&] {
      scope->spawn(ph::testing::detail::fulfil(fetch_stream(transport.get(), {.method = "GET", .target = "/feed"}), &promise));
    });
    until([&] { return handler.ledger.streams == 1; });
    const auto drained = std::make_shared<std::promise<void>>();
    server->drain(1h, [drained] { drained->set_value(); });
    const auto newcomer = https_transport(io, client_thread, client_options(mode));
    EXPECT_THROW(run_on(client_thread, fetch(newcomer.get(), {.method = "GET", .target = "/target"})), TransportError);
    call_on(handler_thread, [&] {
      handler.feed->push("the last");
      handler.feed->close();
    });
    EXPECT_EQ(answer.get().body, "the last");
    drained->get_future().wait();
    EXPECT_EQ(server->connections(), 0u);
    call_on(client_thread, [&] { scope.reset(); });
    server.reset();
  }
}

TEST_F(Server, StopCutsWhatDoesNotEnd) {
  start(Mode::H2);
  std::promise<Answered> promise;
  auto answer = promise.get_future();
  auto scope = std::make_unique<Scope>(client_thread);
  call_on(client_thread, [&] {
    scope->spawn(ph::testing::detail::fulfil(fetch(transport.get(), {.method = "GET", .target = "/hang"}), &promise));
  });
  until([&] { return handler.ledger.handlers == 1; });
  server->stop(50ms);
  EXPECT_THROW(answer.get(), TransportError);
  EXPECT_EQ(server->connections(), 0u);
  call_on(client_thread, [&] { scope.reset(); });
}

TEST_F(Server, MayBeDestroyedOnTheHandlersThreadOrAfterIt) {
  start(Mode::H2);
  auto scope = std::make_unique<Scope>(client_thread);
  std::promise<Answered> one, two;
  const auto hang = [&](std::promise<Answered>& promise) {
    call_on(client_thread, [&] {
      scope->spawn(ph::testing::detail::fulfil(fetch(transport.get(), {.method = "GET", .target = "/hang"}), &promise));
    });
    until([&] { return handler.ledger.handlers == 1; });
  };
  hang(one);
  call_on(handler_thread, [&] { server.reset(); });
  EXPECT_EQ(handler.ledger.handlers, 0);
  serve(Mode::H2, {.port = port});
  hang(two);
  handler_thread.stop();
  server.reset();
  EXPECT_EQ(handler.ledger.handlers, 0);
  handler.ledger.strayed = false;  // there is no handler's thread any more
  call_on(client_thread, [&] { scope.reset(); });
}

// --- what a client does about a server ---

class Client : public NetTest {};

TEST_F(Client, GivesUpAServerThatAnswersNothing) {
  serve(Mode::Plain);  // only for its port: the listener below takes its place
  server.reset();
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  const int yes = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 10), 0);
  ClientOptions options = client_options(Mode::H2);
  options.connect_timeout = 50ms;
  connect(options);
  EXPECT_THROW(get("/target"), TransportError);
  ::close(listener);
}

TEST_F(Client, PingsFindADeadConnection) {
  // The server's one io thread is held up by `render`: its machine has, as far as the client can tell, gone.
  IoThreads server_io(1);
  server = std::make_unique<HttpsServer>(server_io, handler, handler_thread,
                                         ServerOptions{.bind_address = "127.0.0.1", .tls = server_tls()});
  port = server->port();
  ClientOptions client = client_options(Mode::H2);
  client.ping_after = 50ms;
  client.ping_timeout = 50ms;
  connect(client);
  EXPECT_EQ(get("/target").status, 200);
  try {
    get("/stall");
    ADD_FAILURE() << "an answer from nobody";
  } catch (const TransportError& e) {
    EXPECT_NE(std::string(e.what()).find("did not answer a ping"), std::string::npos) << e.what();
  }
  handler.stall.set_value();
  until([&] { return server->connections() == 0; });
  EXPECT_EQ(get("/target").status, 200);
  server.reset();
}

TEST_F(Client, AnIdleConnectionIsKeptAliveByPings) {
  serve(Mode::H2);
  ClientOptions client = client_options(Mode::H2);
  client.ping_after = 5ms;
  client.ping_timeout = 1h;
  connect(client);
  EXPECT_EQ(get("/target").status, 200);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(get("/slow").status, 200);
  EXPECT_EQ(server->connections(), 1u);
}

TEST_F(Client, RequestsThatAServerTurnsAwayAreSentAnew) {
  start(Mode::H2, {.idle_timeout = 1ms});
  // The server says goodbye after every answer; sooner or later a request crosses with it.
  for (int i = 0; i < 200; ++i) {
    try {
      EXPECT_EQ(get("/target").status, 200);
    } catch (const TransportError& e) {
      // Only a connection that ended without a word may fail a request.
      EXPECT_NE(std::string(e.what()).find("lost"), std::string::npos) << e.what();
    }
  }
}

}  // namespace
}  // namespace ph::net
