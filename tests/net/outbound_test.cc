// Outbound calls: against our own server, and against servers that are slow, dead, lying or huge.
#include "net/outbound.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "tests/net/fixture.h"
#include "tests/net/raw_server.h"

namespace ph::net {
namespace {

using namespace testing;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Outbound : public NetTest {
 public:
  OutboundOptions options_to(Mode mode, const std::string& prefix = {}) const {
    OutboundOptions options;
    options.url = (mode == Mode::Plain ? "http://127.0.0.1:" : "https://127.0.0.1:") + std::to_string(port) + prefix;
    options.tls.ca_pem = Certificates::get().ca.cert_pem;
    return options;
  }
  void open(OutboundOptions options) {
    call_on(client_thread, [&] { transport = outbound_transport(io, client_thread, std::move(options)); });
  }
  void open(const std::string& url, std::size_t most = 16 << 20) {
    OutboundOptions options;
    options.url = url;
    options.response_bytes_max = most;
    open(std::move(options));
  }
  std::string error_of(HttpRequest request = {.method = "POST", .target = "/target"}) {
    try {
      ask(std::move(request));
    } catch (const TransportError& error) {
      return error.what();
    }
    return "";
  }
};

class OutboundModes : public Outbound, public ::testing::WithParamInterface<Mode> {};
INSTANTIATE_TEST_SUITE_P(Modes, OutboundModes, ::testing::Values(Mode::H1, Mode::Plain),
                         [](const auto& param) { return name_of(param.param); });

TEST_P(OutboundModes, RoundTrip) {
  serve(GetParam());
  open(options_to(GetParam()));
  const auto answer =
      ask({.method = "POST", .target = "/echo", .headers = {{"Content-Type", "application/json"}}, .body = "{\"a\":1}"});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "{\"a\":1}");
  EXPECT_EQ(answer.headers.get("x-method"), "POST");
  EXPECT_EQ(get("/target?a=b%20c").body, "/target?a=b%20c");
  for (const int status : {201, 204, 304, 404, 500}) EXPECT_EQ(get("/status?" + std::to_string(status)).status, status);
  EXPECT_EQ(ask({.method = "POST", .target = "/echo"}).body, "");
}

TEST_P(OutboundModes, Headers) {
  serve(GetParam());
  open(options_to(GetParam()));
  EXPECT_EQ(get("/header?host").body, "127.0.0.1:" + std::to_string(port));
  EXPECT_EQ(get("/header?user-agent").body, "pilothouse");
  EXPECT_EQ(
      ask({.method = "POST", .target = "/header?content-type", .headers = {{"Content-Type", "application/json"}}, .body = "1"})
          .body,
      "application/json");
  EXPECT_EQ(ask({.method = "POST", .target = "/header?x-test", .headers = {{"X-Test", "yes"}}}).body, "yes");
}

TEST_P(OutboundModes, LargeBodiesBothWays) {
  serve(GetParam());
  open(options_to(GetParam()));
  std::string body(2'500'000, 'x');
  for (std::size_t i = 0; i < body.size(); i += 1000) body[i] = static_cast<char>('a' + i / 1000 % 26);
  EXPECT_TRUE(ask({.method = "POST", .target = "/echo", .body = body}).body == body);
  EXPECT_EQ(get("/big?100").body.size(), 10'000'000u);
  std::string streamed;
  for (int i = 0; i < 1000; ++i) streamed += Pieces::piece(i, 1000);
  EXPECT_TRUE(get("/stream?1000").body == streamed) << "in chunks";
}

Task<void> ask_together(Transport* transport, int count, int* right) {
  std::vector<Task<Answered>> tasks;
  for (int i = 0; i < count; ++i) {
    tasks.push_back(fetch(transport, {.method = "POST", .target = i % 2 ? "/slow" : "/echo", .body = std::to_string(i)}));
  }
  const auto answers = co_await all(std::move(tasks));
  for (int i = 0; i < count; ++i) *right += answers[i].value && answers[i].value->status == 200;
}

TEST_P(OutboundModes, ManyAtOnceOverAFewConnections) {
  serve(GetParam());
  OutboundOptions options = options_to(GetParam());
  options.connections_max = 3;
  open(options);
  int right = 0;
  run_on(client_thread, ask_together(transport.get(), 60, &right));
  EXPECT_EQ(right, 60);
}

// Our own Asio and the one inside libcpprest, at work in one process.
TEST_P(OutboundModes, BesideOurOwnClient) {
  start(GetParam());
  std::unique_ptr<Transport> other;
  call_on(client_thread, [&] { other = outbound_transport(io, client_thread, options_to(GetParam())); });
  for (int round = 0; round < 5; ++round) {
    int right = 0;
    run_on(client_thread, ask_together(transport.get(), 20, &right));
    run_on(client_thread, ask_together(other.get(), 20, &right));
    EXPECT_EQ(right, 40);
  }
  call_on(client_thread, [&] { other.reset(); });
}

TEST_F(Outbound, ThePrefixGoesFirst) {
  serve(Mode::Plain);
  open(options_to(Mode::Plain, "/target/"));
  EXPECT_EQ(get("?x").body, "/target?x");
}

TEST_F(Outbound, NamesAreLookedUp) {
  serve(Mode::Plain);
  open("http://localhost:" + std::to_string(port));
  EXPECT_EQ(get("/target").body, "/target");
  EXPECT_EQ(get("/header?host").body, "localhost:" + std::to_string(port));
  open("http://no-such-host.invalid:80");
  EXPECT_THAT(error_of(), StartsWith("lookup no-such-host.invalid: "));
}

TEST_F(Outbound, AddressesThatAreNone) {
  for (const char* url :
       {"", "ftp://x", "http://", "http://:80", "http://x:0", "http://x:99999", "http://x:y", "http://[::1]:80", "http://a@b"}) {
    EXPECT_THROW(outbound_transport(io, client_thread, {.url = url}), std::invalid_argument) << url;
  }
}

// -- TLS

TEST_F(Outbound, TheServersCertificateIsChecked) {
  serve(Mode::H1);
  OutboundOptions options = options_to(Mode::H1);
  options.tls.ca_pem = Certificates::get().other_ca.cert_pem;
  open(options);
  EXPECT_THAT(error_of(), StartsWith("the server's certificate does not verify: "));
  options.tls.ca_pem.clear();  // the machine's
  open(options);
  EXPECT_THAT(error_of(), StartsWith("the server's certificate does not verify: "));
  options.tls.skip_verify = true;
  open(options);
  EXPECT_EQ(get("/target").status, 200);
}

TEST_F(Outbound, TheServersNameIsChecked) {
  serve(Mode::H1);
  OutboundOptions options = options_to(Mode::H1);
  options.tls.server_name = "elsewhere";
  open(options);
  EXPECT_THAT(error_of(), HasSubstr("ostname mismatch"));
  options.tls.server_name = "10.0.0.1";
  open(options);
  EXPECT_THAT(error_of(), HasSubstr("IP address mismatch"));
  options.tls.server_name = "localhost";
  open(options);
  EXPECT_EQ(get("/header?host").body, "127.0.0.1:" + std::to_string(port));
}

TEST_F(Outbound, AClientCertificateIsShown) {
  serve(Mode::H1);
  OutboundOptions options = options_to(Mode::H1);
  open(options);
  EXPECT_EQ(get("/peer").body, "nobody");
  options.tls.cert_pem = Certificates::get().client.cert_pem;
  options.tls.key_pem = Certificates::get().client.key_pem;
  open(options);
  EXPECT_EQ(get("/peer").body, "alice dev ops");
  options.tls.key_pem = Certificates::get().foreign_client.key_pem;
  EXPECT_THROW(outbound_transport(io, client_thread, options), std::runtime_error);
}

TEST_F(Outbound, NoTlsWhereItIsExpected) {
  serve(Mode::Plain);
  open(options_to(Mode::H1));
  EXPECT_NE(error_of(), "");
}

// -- Slow and dead

TEST_F(Outbound, NobodyThere) {
  std::string url;
  {
    const RawServer gone([](const RawServer::Send&) { return false; });
    url = gone.url();
  }
  open(url);
  EXPECT_THAT(error_of(), StartsWith("Failed to connect"));
}

TEST_F(Outbound, TooSlow) {
  serve(Mode::Plain);
  OutboundOptions options = options_to(Mode::Plain);
  options.timeout = 100ms;
  open(options);
  EXPECT_THAT(error_of({.method = "GET", .target = "/hang"}), AllOf(StartsWith("no answer from 127.0.0.1:"), HasSubstr("100ms")));
  until([&] { return handler.ledger.handlers == 0; });
  EXPECT_EQ(get("/target").status, 200);
}

TEST_F(Outbound, DrippingIsSlowToo) {
  RawServer drips([](const RawServer::Send& send) {
    if (!send("HTTP/1.1 200 OK\r\n")) return false;
    while (send("X-A: b\r\n")) std::this_thread::sleep_for(5ms);
    return false;
  });
  OutboundOptions options;
  options.url = drips.url();
  options.timeout = 200ms;
  open(options);
  EXPECT_THAT(error_of(), StartsWith("no answer from"));
}

Task<void> hold(Transport* transport) { co_await transport->send({.method = "GET", .target = "/hang"}, false); }

TEST_F(Outbound, DroppingTheTaskEndsTheRequest) {
  for (const Mode mode : {Mode::Plain, Mode::H1}) {
    serve(mode);
    open(options_to(mode));
    auto scope = std::make_unique<Scope>(client_thread);
    call_on(client_thread, [&] { scope->spawn(hold(transport.get())); });
    until([&] { return handler.ledger.handlers == 1; });
    call_on(client_thread, [&] { scope.reset(); });
    until([&] { return handler.ledger.handlers == 0; });
    EXPECT_EQ(get("/target").status, 200);
  }
}

TEST_F(Outbound, TheTransportAndItsThreadMayEndFirst) {
  RawServer silent([](const RawServer::Send&) { return true; });
  for (int i = 0; i < 20; ++i) {
    auto thread = std::make_unique<ThreadExecutor>("short-lived", clock);
    std::unique_ptr<Transport> mine;
    auto scope = std::make_unique<Scope>(*thread);
    const int before = silent.requests;
    call_on(*thread, [&] {
      mine = outbound_transport(io, *thread, {.url = silent.url()});
      scope->spawn(hold(mine.get()));
    });
    // Sometimes the request is at the server, sometimes it has hardly begun.
    while (i % 2 == 0 && silent.requests == before) std::this_thread::yield();
    call_on(*thread, [&] {
      scope.reset();
      mine.reset();
    });
  }
}

TEST_F(Outbound, AConnectionThatWasClosedMeanwhileIsMadeAnew) {
  RawServer impatient([](const RawServer::Send& send) {
    send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    return false;  // without a word that it closes
  });
  open(impatient.url());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(get("/").body, "ok");
}

// -- Lying and huge

std::string ok(const std::string& headers) { return "HTTP/1.1 200 OK\r\n" + headers + "\r\n"; }

struct Lie {
  const char* name;
  RawServer::Answer answer;
  const char* error;  // what the error says
};

TEST_F(Outbound, Lies) {
  const auto all_of = [](std::string text) -> RawServer::Answer {
    return [text](const RawServer::Send& send) { return send(text), false; };
  };
  const auto endless = [](std::string text, std::string piece) -> RawServer::Answer {
    return [text, piece](const RawServer::Send& send) {
      bool takes = send(text);
      while (takes) takes = send(piece);
      return false;
    };
  };
  const std::string much(64 << 10, 'x');
  const Lie kLies[] = {
      {"nothing", all_of(""), ""},
      {"no HTTP", all_of("220 mail ready\r\n\r\n"), ""},
      {"cut off in its headers", all_of("HTTP/1.1 200 OK\r\nContent-"), ""},
      {"cut off in its body", all_of(ok("Content-Length: 100\r\n") + "ten bytes."), "Failed to read response body"},
      {"cut off in a chunk", all_of(ok("Transfer-Encoding: chunked\r\n") + "64\r\nten bytes."), ""},
      {"cut off between chunks", all_of(ok("Transfer-Encoding: chunked\r\n") + "3\r\nabc\r\n"), ""},
      {"a chunk of no size", all_of(ok("Transfer-Encoding: chunked\r\n") + "zz\r\n"), ""},
      {"a chunk of negative size", all_of(ok("Transfer-Encoding: chunked\r\n") + "-2\r\n\r\n\r\n"), "larger than"},
      {"a chunk of very negative size", endless(ok("Transfer-Encoding: chunked\r\n") + "-80\r\n", much), "larger than"},
      {"a body that is too long", all_of(ok("Content-Length: 100001\r\n") + std::string(100001, 'x')),
       "larger than 100000 bytes"},
      {"a body without end", endless(ok(""), much), "larger than"},
      {"a body of eight exabytes", endless(ok("Content-Length: 9223372036854775807\r\n"), much), "larger than"},
      {"chunks without end", endless(ok("Transfer-Encoding: chunked\r\n"), "10000\r\n" + much + "\r\n"), "larger than"},
      {"one chunk of two gigabytes", endless(ok("Transfer-Encoding: chunked\r\n") + "7fffffff\r\n", much), "larger than"},
      {"a header without end", endless("HTTP/1.1 200 OK\r\nX: ", much), "larger than"},
      {"headers without end",
       endless("HTTP/1.1 200 OK\r\n",
               "X: y\r\n"
               "X: y\r\n"
               "X: y\r\n"
               "X: y\r\n"),
       "larger than"},
      {"a chunk's line without end", endless(ok("Transfer-Encoding: chunked\r\n") + "1;x=", much), "larger than"},
  };
  serve(Mode::Plain);
  std::unique_ptr<Transport> honest;
  call_on(client_thread, [&] { honest = outbound_transport(io, client_thread, options_to(Mode::Plain)); });
  for (const Lie& lie : kLies) {
    SCOPED_TRACE(lie.name);
    RawServer liar(lie.answer);
    open(liar.url(), 100'000);
    const std::string error = error_of();
    EXPECT_NE(error, "");
    EXPECT_THAT(error, HasSubstr(lie.error));
    RecordProperty(std::string("sent, ") + lie.name, std::to_string(liar.sent));
    call_on(client_thread, [&] { transport.reset(); });
    // It costs nobody else anything.
    EXPECT_EQ(run_on(client_thread, fetch(honest.get(), {.method = "POST", .target = "/echo", .body = "x"})).body, "x");
  }
  call_on(client_thread, [&] { honest.reset(); });
}

TEST_F(Outbound, ABodyOfTheLargestSizeIsTaken) {
  serve(Mode::Plain);
  OutboundOptions options = options_to(Mode::Plain);
  options.response_bytes_max = 100'000;
  options.response_per_request = 2;
  open(options);
  EXPECT_EQ(get("/big?1").body.size(), 100'000u);
  EXPECT_THAT(error_of({.method = "GET", .target = "/big?2"}), HasSubstr("larger than 100000 bytes"));
  EXPECT_EQ(ask({.method = "POST", .target = "/echo", .body = std::string(150'000, 'x')}).body.size(), 150'000u);
}

TEST_F(Outbound, RedirectsAreNotFollowed) {
  for (const char* status :
       {"301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"}) {
    RawServer elsewhere([&](const RawServer::Send& send) {
      return send(std::string("HTTP/1.1 ") + status + "\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
    });
    open(elsewhere.url());
    EXPECT_EQ(get("/").status, std::stoi(status));
    EXPECT_EQ(ask({.method = "POST", .target = "/", .body = "x"}).status, std::stoi(status));
    EXPECT_EQ(elsewhere.requests, 2);
    call_on(client_thread, [&] { transport.reset(); });
  }
}

// -- What it costs

std::size_t threads() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& task : std::filesystem::directory_iterator("/proc/self/task")) ++count;
  return count;
}

TEST_F(Outbound, ThreadsAreFew) {
  serve(Mode::Plain);
  const std::size_t before = threads();
  for (int i = 0; i < 10; ++i) {
    open(options_to(Mode::Plain));
    int right = 0;
    run_on(client_thread, ask_together(transport.get(), 10, &right));
    EXPECT_EQ(right, 10);
  }
  // Its one, and one that its Asio looks names up on.
  EXPECT_LE(threads(), before + 2);
}

TEST_F(Outbound, ProxiesOfTheEnvironmentAreNotAsked) {
  RawServer proxy([](const RawServer::Send&) { return false; });
  for (const char* name : {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy"})
    ::setenv(name, proxy.url().c_str(), 1);
  serve(Mode::Plain);
  open(options_to(Mode::Plain));
  EXPECT_EQ(get("/target").status, 200);
  EXPECT_EQ(proxy.connections, 0);
  for (const char* name : {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy"}) ::unsetenv(name);
}

}  // namespace
}  // namespace ph::net
