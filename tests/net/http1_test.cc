// HTTP/1.1 without sockets: a server fed with bytes.
#include <gtest/gtest.h>

#include "net/client_protocol.h"
#include "net/server_protocol.h"

namespace ph::net {
namespace {

struct Recorder final : ServerProtocol::Owner {
  std::vector<std::pair<StreamId, HttpRequest>> requests;
  std::vector<std::pair<StreamId, std::size_t>> heads;  // with the most that their bodies may be
  std::size_t sent = 0;
  void on_head(StreamId stream, HttpRequest, std::size_t size_max) override { heads.emplace_back(stream, size_max); }
  void on_request(StreamId stream, HttpRequest request) override { requests.emplace_back(stream, std::move(request)); }
  void on_gone(StreamId) override {}
  void on_sent(StreamId, std::size_t size) override { sent += size; }
};

struct Http1Server : ::testing::Test {
  Recorder recorder;
  std::unique_ptr<ServerProtocol> server = http1_server({.body_bytes_max = 100, .header_bytes_max = 1000}, recorder);

  std::string produce() {
    std::string out;
    server->produce(out, 1 << 20);
    return out;
  }
  void answer(std::string body) {
    server->respond(recorder.requests.back().first, 200, {{"content-length", std::to_string(body.size())}}, {share(body)});
  }
};

TEST_F(Http1Server, KeepsTheConnectionAndTakesOneRequestAtATime) {
  server->receive("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_EQ(recorder.requests.size(), 1u);
  answer("one");
  EXPECT_EQ(produce(), "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none");
  ASSERT_EQ(recorder.requests.size(), 2u);
  EXPECT_EQ(recorder.requests[1].second.target, "/2");
  EXPECT_FALSE(server->finished());
}

struct Request {
  const char* name;
  const char* bytes;
  int status;  // 0: delivered
  const char* body = "";
};

const Request kRequests[] = {
    {"plain get", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"body by length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 0, "abc"},
    {"body by chunks", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", 0,
     "abc"},
    {"an empty body by chunks", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0},
    {"an empty body by chunks, with a trailer",
     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\na: b\r\n\r\n", 0},
    {"blank lines before", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
    {"HTTP/1.0 needs no host", "GET / HTTP/1.0\r\n\r\n", 0},
    {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
    {"no HTTP", "hello\r\n\r\n", 400},
    {"TLS by mistake", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400},
    {"negative length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
    {"two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
    {"length and chunks", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"bad chunk", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
    {"space in a name", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
    {"body too large", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n", 413},
    {"chunk too large", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n", 413},
};

TEST_F(Http1Server, Requests) {
  for (const std::size_t step : {1000, 1}) {
    for (const Request& c : kRequests) {
      SCOPED_TRACE(c.name);
      recorder.requests.clear();
      server = http1_server({.body_bytes_max = 100, .header_bytes_max = 1000}, recorder);
      for (std::string_view left = c.bytes; !left.empty(); left.remove_prefix(std::min(step, left.size()))) {
        server->receive(left.substr(0, step));
      }
      const std::string out = produce();
      if (c.status == 0) {
        ASSERT_EQ(recorder.requests.size(), 1u);
        EXPECT_EQ(recorder.requests[0].second.body, c.body);
        EXPECT_EQ(out, "");
      } else {
        EXPECT_EQ(recorder.requests.size(), 0u);
        EXPECT_EQ(out.substr(0, 12), "HTTP/1.1 " + std::to_string(c.status));
        EXPECT_NE(out.find("connection: close"), out.npos);
        EXPECT_TRUE(server->finished());
      }
    }
  }
}

TEST_F(Http1Server, TrailersAreNoHeadersHoweverTheyArrive) {
  const std::string_view all =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nAuthorization: b\r\n\r\n";
  for (const std::size_t step : {std::size_t{1000}, std::size_t{1}}) {
    recorder.requests.clear();
    server = http1_server({.body_bytes_max = 100, .header_bytes_max = 1000}, recorder);
    for (std::string_view left = all; !left.empty(); left.remove_prefix(std::min(step, left.size())))
      server->receive(left.substr(0, step));
    ASSERT_EQ(recorder.requests.size(), 1u);
    EXPECT_FALSE(recorder.requests[0].second.headers.has("authorization"));
  }
}

TEST_F(Http1Server, HeadersThatNeverEnd) {
  server->receive("GET / HTTP/1.1\r\nHost: a\r\n");
  std::string out;
  for (int i = 0; i < 100 && out.empty(); ++i) {
    server->receive("x-y: zzzzzzzzzzzzzzzzzz\r\n");
    out = produce();
  }
  EXPECT_EQ(out.substr(0, 12), "HTTP/1.1 431");
}

TEST_F(Http1Server, OneHeaderThatNeverEnds) {
  server->receive("GET / HTTP/1.1\r\nHost: ");
  std::string out;
  for (int i = 0; i < 100 && out.empty(); ++i) {
    server->receive(std::string(100, 'a'));
    out = produce();
  }
  EXPECT_EQ(out.substr(0, 12), "HTTP/1.1 431");
}

TEST_F(Http1Server, ContinuesWhenAsked) {
  server->receive("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_FALSE(server->tell_heads(false)) << "it waits for a word, however small its body is";
  ASSERT_EQ(recorder.heads, (std::vector<std::pair<StreamId, std::size_t>>{{1, 3}}));
  EXPECT_EQ(produce(), "") << "nobody has said that the body is wanted";
  server->read_body(1, nullptr);
  EXPECT_EQ(produce(), "HTTP/1.1 100 Continue\r\n\r\n");
  server->receive("abc");
  ASSERT_EQ(recorder.requests.size(), 1u);
  EXPECT_EQ(produce(), "");
}

TEST_F(Http1Server, TellsOfAHeadOnceAndOnlyIfItsBodyIsSlower) {
  const auto tell = [&](std::string_view bytes) {
    server->receive(bytes);
    server->tell_heads(true);
    return recorder.heads.size();
  };
  EXPECT_EQ(tell("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"), 0u);
  answer("x");
  produce();
  EXPECT_EQ(tell("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Enco"), 0u);
  EXPECT_EQ(tell("ding: chunked\r\n\r\n1\r\na"), 1u);
  EXPECT_EQ(recorder.heads[0].second, 100u) << "of unknown length";
  EXPECT_EQ(tell("\r\n1\r\nb\r\n"), 1u);
  EXPECT_EQ(tell("0\r\n\r\n"), 1u);
  ASSERT_EQ(recorder.requests.size(), 2u) << "so little is taken without a word";
  EXPECT_EQ(recorder.requests[1].second.body, "ab");
}

TEST_F(Http1Server, ASmallBodyHasSomeTimeToCome) {
  server->receive("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na");
  EXPECT_TRUE(server->tell_heads(false));
  EXPECT_TRUE(recorder.heads.empty());
  EXPECT_FALSE(server->tell_heads(true));
  EXPECT_EQ(recorder.heads.size(), 1u);
}

TEST_F(Http1Server, TakesNoMoreOfABodyThanNobodyHasAskedFor) {
  server = http1_server({.body_bytes_max = 1 << 20}, recorder);
  server->receive("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n");
  server->tell_heads(true);
  const std::string chunk(10'000, 'x');
  int taken = 0;
  for (; taken < 30 && server->wants_input(); ++taken) server->receive(chunk);
  EXPECT_LT(taken, 20);
  server->read_body(1, std::make_shared<int>(7));
  EXPECT_TRUE(server->wants_input());
  for (; taken < 30; ++taken) server->receive(chunk);
  ASSERT_EQ(recorder.requests.size(), 1u);
  EXPECT_EQ(recorder.requests[0].second.body, std::string(300'000, 'x'));
  EXPECT_NE(recorder.requests[0].second.room, nullptr);
}

TEST_F(Http1Server, AnEarlyAnswerEndsTheConnection) {
  server->receive("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nabc");
  server->tell_heads(true);
  server->respond(1, 403, {{"content-length", "2"}}, {share("no")});
  EXPECT_EQ(produce(), "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno");
  EXPECT_TRUE(server->finished());
  server->receive("def");
  server->read_body(1, nullptr);  // too late
  EXPECT_TRUE(recorder.requests.empty());
}

TEST_F(Http1Server, StreamsInChunks) {
  server->receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  server->begin(1, 200, {});
  server->piece(1, share("hello"));
  EXPECT_EQ(produce(), "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n");
  EXPECT_EQ(recorder.sent, 5u);
  server->end(1);
  EXPECT_EQ(produce(), "0\r\n\r\n");
  EXPECT_FALSE(server->finished());
  EXPECT_TRUE(server->idle());
}

TEST_F(Http1Server, StreamsToOldClientsUntilTheEndOfTheConnection) {
  server->receive("GET / HTTP/1.0\r\n\r\n");
  server->begin(1, 200, {});
  server->piece(1, share("hello"));
  server->end(1);
  EXPECT_EQ(produce(), "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello");
  EXPECT_TRUE(server->finished());
}

TEST_F(Http1Server, DrainsAfterTheAnswer) {
  server->receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  server->drain();
  EXPECT_FALSE(server->finished());
  answer("x");
  EXPECT_NE(produce().find("connection: close"), std::string::npos);
  EXPECT_TRUE(server->finished());
}

TEST_F(Http1Server, DrainsAfterAStreamThatHasBegun) {
  server->receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  server->begin(1, 200, {});
  produce();
  server->drain();
  EXPECT_FALSE(server->finished());
  server->end(1);
  EXPECT_EQ(produce(), "0\r\n\r\n");
  EXPECT_TRUE(server->finished());
}

TEST_F(Http1Server, TakesNoMorePipelinedInputThanItCanHold) {
  server->receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(server->wants_input());
  server->receive(std::string(100'000, 'x'));
  EXPECT_FALSE(server->wants_input());
}

struct Client final : ClientProtocol::Owner {
  int status = 0;
  std::string body;
  bool ended = false, failed = false, again = false;
  void on_head(StreamId, int s, Headers) override { status = s; }
  void on_data(StreamId, std::string_view bytes) override { body += bytes; }
  void on_end(StreamId) override { ended = true; }
  void on_failed(StreamId, bool a, std::string) override {
    failed = true;
    again = a;
  }
};

struct Response {
  const char* name;
  const char* bytes;
  int status;
  const char* body;
  bool ended;  // before the connection is closed
  bool ended_at_eof;
};

const Response kResponses[] = {
    {"by length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, "abc", true, true},
    {"by chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200, "abc", true, true},
    {"by the end", "HTTP/1.1 200 OK\r\n\r\nabc", 200, "abc", false, true},
    {"after an interim one", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 204, "", true, true},
    {"cut in the length", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", 200, "abc", false, false},
    {"cut in the chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabc", 200, "abc", false, false},
    {"cut in the head", "HTTP/1.1 200 OK\r\nContent-Le", 0, "", false, false},
    {"no HTTP", "hello there\r\n\r\n", 0, "", false, false},
};

TEST(Http1Client, Responses) {
  for (const std::size_t step : {1000, 1}) {
    for (const Response& c : kResponses) {
      SCOPED_TRACE(c.name);
      Client owner;
      const auto client = http1_client(owner);
      client->send({.method = "GET", .target = "/", .headers = {{"host", "a"}}});
      for (std::string_view left = c.bytes; !left.empty(); left.remove_prefix(std::min(step, left.size()))) {
        client->receive(left.substr(0, step));
      }
      EXPECT_EQ(owner.status, c.status);
      EXPECT_EQ(owner.body, c.body);
      EXPECT_EQ(owner.ended, c.ended);
      client->eof();
      EXPECT_EQ(owner.ended, c.ended_at_eof);
      EXPECT_EQ(owner.failed, !c.ended_at_eof);
      EXPECT_FALSE(owner.again);
    }
  }
}

}  // namespace
}  // namespace ph::net
