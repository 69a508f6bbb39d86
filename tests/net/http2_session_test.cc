// HTTP/2 without sockets: two sessions joined by hand, and one fed with bytes a peer should not send.
#include "net/http2_session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "tests/net/frames.h"

namespace ph::net {
namespace {

using namespace testing;

struct Recorder final : Http2Session::Owner {
  struct Message {
    Http2Head head;
    std::string body;
    bool ended = false;
    std::optional<std::uint32_t> closed;
  };
  std::map<StreamId, Message> messages;
  std::size_t sent = 0;
  bool goaway = false;
  int heads = 0;

  void on_head(StreamId stream, Http2Head head, bool end) override {
    ++heads;
    messages[stream].head = std::move(head);
    messages[stream].ended = end;
  }
  void on_data(StreamId stream, std::string_view bytes) override { messages[stream].body += bytes; }
  void on_end(StreamId stream) override { messages[stream].ended = true; }
  void on_sent(StreamId, std::size_t size) override { sent += size; }
  void on_stream_closed(StreamId stream, std::uint32_t error) override { messages[stream].closed = error; }
  void on_goaway() override { goaway = true; }
};

std::string produce(Http2Session& session, std::size_t size_max = 1 << 24) {
  std::string out;
  session.produce(out, size_max);
  return out;
}

struct Pair : ::testing::Test {
  Recorder at_client, at_server;
  Http2Limits limits{.stream_window = 65'535};
  Http2Session client{Http2Session::Role::Client, limits, at_client};
  Http2Session server{Http2Session::Role::Server, limits, at_server};

  // Carries bytes to and fro, `step` at a time, until neither side has any.
  void settle(std::size_t step = 1 << 20) {
    for (;;) {
      const std::string up = produce(client), down = produce(server);
      if (up.empty() && down.empty()) return;
      for (std::size_t i = 0; i < up.size(); i += step)
        ASSERT_TRUE(server.receive(std::string_view(up).substr(i, step))) << server.error();
      for (std::size_t i = 0; i < down.size(); i += step)
        ASSERT_TRUE(client.receive(std::string_view(down).substr(i, step))) << client.error();
    }
  }
};

TEST_F(Pair, ARequestAndItsAnswerByteByByte) {
  const StreamId stream = client.request(
      {.method = "POST", .target = "/a?b", .authority = "host", .headers = {{"X-Y", "z"}, {"Connection", "close"}}}, false);
  client.send_body(stream, share("question"));
  client.end_body(stream);
  settle(1);
  const auto& request = at_server.messages.at(stream);
  EXPECT_EQ(request.head.method, "POST");
  EXPECT_EQ(request.head.target, "/a?b");
  EXPECT_EQ(request.head.authority, "host");
  EXPECT_EQ(request.head.headers.get("x-y"), "z");
  EXPECT_FALSE(request.head.headers.has("connection"));
  EXPECT_EQ(request.body, "question");
  EXPECT_TRUE(request.ended);

  server.respond(stream, 201, {{"Content-Type", "text/plain"}}, false);
  server.send_body(stream, share("ans"));
  settle(1);
  EXPECT_EQ(at_client.messages.at(stream).body, "ans");
  EXPECT_FALSE(at_client.messages.at(stream).ended);
  server.send_body(stream, share("wer"));
  server.end_body(stream);
  settle(1);
  const auto& answer = at_client.messages.at(stream);
  EXPECT_EQ(answer.head.status, 201);
  EXPECT_EQ(answer.head.headers.get("content-type"), "text/plain");
  EXPECT_EQ(answer.body, "answer");
  EXPECT_TRUE(answer.ended);
  EXPECT_EQ(answer.closed, kHttp2NoError);
  EXPECT_EQ(at_server.sent, 6u);
  EXPECT_EQ(client.streams() + server.streams(), 0u);
}

TEST_F(Pair, NothingIsSentBeyondTheWindowOfAReader) {
  const StreamId stream = client.request({.method = "GET", .target = "/", .authority = "host"}, true);
  settle();
  server.respond(stream, 200, {}, false);
  for (int i = 0; i < 100; ++i) server.send_body(stream, share(std::string(10'000, 'x')));
  settle();
  EXPECT_EQ(at_client.messages.at(stream).body.size(), 65'535u);
  client.consumed(stream, 50'000);
  settle();
  EXPECT_EQ(at_client.messages.at(stream).body.size(), 115'535u);
  EXPECT_EQ(at_server.sent, 115'535u);
}

TEST_F(Pair, OutputIsMadeInPortions) {
  const StreamId stream = client.request({.method = "GET", .target = "/", .authority = "host"}, true);
  settle();
  server.respond(stream, 200, {}, false);
  server.send_body(stream, share(std::string(60'000, 'x')));
  server.end_body(stream);
  EXPECT_LE(produce(server, 1000).size(), 1000u + 16'384 + 9);
  EXPECT_LT(at_server.sent, 33'000u);
}

TEST_F(Pair, ResetsTravelBothWays) {
  const StreamId first = client.request({.method = "GET", .target = "/", .authority = "host"}, true);
  const StreamId second = client.request({.method = "GET", .target = "/", .authority = "host"}, true);
  settle();
  client.reset(first, kHttp2Cancel);
  server.reset(second, kHttp2RefusedStream);
  settle();
  EXPECT_EQ(at_server.messages.at(first).closed, kHttp2Cancel);
  EXPECT_EQ(at_client.messages.at(second).closed, kHttp2RefusedStream);
  server.respond(first, 200, {}, true);  // too late, and harmless
  server.send_body(first, share("x"));
  settle();
}

TEST_F(Pair, ABrokenBodyIsSentUpToTheBreak) {
  const StreamId stream = client.request({.method = "GET", .target = "/", .authority = "host"}, true);
  settle();
  server.respond(stream, 200, {}, false);
  server.send_body(stream, share("some"));
  server.break_body(stream);
  settle();
  EXPECT_EQ(at_client.messages.at(stream).body, "some");
  EXPECT_FALSE(at_client.messages.at(stream).ended);
  EXPECT_EQ(at_client.messages.at(stream).closed, kHttp2InternalError);
}

TEST_F(Pair, GoawayLetsWhatIsUnderWayEnd) {
  const StreamId stream = client.request({.method = "GET", .target = "/", .authority = "host"}, true);
  settle();
  server.goaway();
  settle();
  EXPECT_TRUE(at_client.goaway);
  EXPECT_FALSE(server.finished());
  EXPECT_EQ(client.request({.method = "GET", .target = "/", .authority = "host"}, true) == 0 ||
                (settle(), at_server.messages.size() == 1),
            true);
  server.respond(stream, 200, {}, true);
  settle();
  EXPECT_TRUE(at_client.messages.at(stream).ended);
  EXPECT_TRUE(server.finished());
}

TEST_F(Pair, AnAnswerMayEndBeforeItsRequest) {
  const StreamId stream = client.request({.method = "POST", .target = "/", .authority = "host"}, false);
  client.send_body(stream, share(std::string(1'000'000, 'x')));
  settle();
  server.respond(stream, 413, {}, true);
  server.reset_when_ended(stream);
  settle();
  EXPECT_EQ(at_client.messages.at(stream).head.status, 413);
  EXPECT_TRUE(at_client.messages.at(stream).ended);
  EXPECT_EQ(at_client.messages.at(stream).closed, kHttp2NoError);
}

// --- A server and bytes of a bad peer ---

struct BadPeer : ::testing::Test {
  Recorder recorder;
  Http2Limits limits;
  Http2Session server{Http2Session::Role::Server, limits, recorder};

  // True: the session goes on. What it said is in `said`.
  bool feed(std::string_view bytes) {
    const bool good = server.receive(bytes);
    const auto more = outline(produce(server));
    said.insert(said.end(), more.begin(), more.end());
    return good && !server.finished();
  }
  std::vector<std::string> said;
};

TEST_F(BadPeer, AnOrdinaryRequestIsRead) {
  ASSERT_TRUE(feed(opening() + get_request(1)));
  EXPECT_EQ(recorder.messages.at(1).head.target, "/");
  EXPECT_TRUE(recorder.messages.at(1).ended);
}

TEST_F(BadPeer, BytesThatAreNoHttp2) {
  EXPECT_FALSE(feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_EQ(recorder.heads, 0);
}

TEST_F(BadPeer, EveryCutLeavesAnUnharmedSession) {
  const std::string all = opening() + get_request(1) + frame(kHeaders, 0x4, 3, get_fields()) + frame(kData, 0x1, 3, "body");
  for (std::size_t cut = 0; cut < all.size(); ++cut) {
    Recorder fresh;
    Http2Session session(Http2Session::Role::Server, limits, fresh);
    ASSERT_TRUE(session.receive(std::string_view(all).substr(0, cut)));
    produce(session);
    ASSERT_TRUE(session.receive(std::string_view(all).substr(cut)));
    EXPECT_EQ(fresh.messages.at(3).body, "body");
  }
}

TEST_F(BadPeer, EveryFlippedByteIsSurvived) {
  const std::string all = opening() + get_request(1) + frame(kHeaders, 0x4, 3, get_fields()) + frame(kData, 0x1, 3, "body");
  for (std::size_t at = 0; at < all.size(); ++at) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::string bad = all;
      bad[at] = static_cast<char>(bad[at] ^ flip);
      Recorder fresh;
      Http2Session session(Http2Session::Role::Server, limits, fresh);
      session.receive(bad);
      produce(session);
    }
  }
}

TEST_F(BadPeer, AFrameLargerThanAllowed) {
  EXPECT_FALSE(feed(opening() + frame(kData, 0, 1, std::string(20'000, 'x'))));
  EXPECT_TRUE(contains(said, "GOAWAY"));
}

TEST_F(BadPeer, TooManyHeaderBytesAreCutOff) {
  std::string fields = get_fields();
  for (int i = 0; i < 100; ++i) fields += field("x-" + std::to_string(i), std::string(100, 'v'));
  limits.header_bytes_max = 4096;
  Http2Session session(Http2Session::Role::Server, limits, recorder);
  ASSERT_TRUE(session.receive(opening() + frame(kHeaders, 0x5, 1, fields)));
  EXPECT_TRUE(recorder.messages.at(1).head.too_large);
  EXPECT_LT(recorder.messages.at(1).head.headers.size(), 40u);
}

TEST_F(BadPeer, AFloodOfContinuationsEndsTheConnection) {
  ASSERT_TRUE(feed(opening()));
  std::string flood = frame(kHeaders, 0x1, 1, get_fields());
  for (int i = 0; i < 100; ++i) flood += frame(kContinuation, 0, 1, field("x", "y"));
  EXPECT_FALSE(feed(flood));
  EXPECT_EQ(recorder.heads, 0);
}

TEST_F(BadPeer, AHeadOfSeveralFramesMayArriveByteByByte) {
  std::string all = opening() + frame(kHeaders, kEndStream, 1, get_fields());
  for (int i = 0; i < 8; ++i) all += frame(kContinuation, i == 7 ? kEndHeaders : 0, 1, field("x", "y"));
  for (const char c : all) ASSERT_TRUE(server.receive(std::string_view(&c, 1))) << server.error();
  EXPECT_EQ(recorder.messages.at(1).head.headers.size(), 8u);
}

TEST_F(BadPeer, AFloodOfPingsFromOneWhoReadsNothing) {
  ASSERT_TRUE(feed(opening()));
  bool good = true;
  const std::string ping = frame(kPing, 0, 0, "12345678");
  int count = 0;
  for (; good && count < 100'000; ++count) good = server.receive(ping);
  EXPECT_FALSE(good);
  EXPECT_LT(count, 2000);
}

TEST_F(BadPeer, RapidResetsEndTheConnection) {
  ASSERT_TRUE(feed(opening()));
  bool good = true;
  StreamId stream = 1;
  for (; good && stream < 20'000; stream += 2) good = feed(get_request(stream) + frame(kReset, 0, stream, number(8, 4)));
  EXPECT_FALSE(good);
  EXPECT_TRUE(contains(said, "GOAWAY"));
  EXPECT_EQ(server.streams(), 0u);
}

TEST_F(BadPeer, MoreStreamsThanAllowedAreRefused) {
  limits.concurrent_streams_max = 10;
  std::string many;
  for (StreamId stream = 1; stream < 41; stream += 2) many += get_request(stream);
  for (const bool knows_the_limit : {false, true}) {
    SCOPED_TRACE(knows_the_limit);
    recorder.heads = 0;
    Http2Session session(Http2Session::Role::Server, limits, recorder);
    ASSERT_TRUE(session.receive(opening()));
    produce(session);
    if (knows_the_limit) ASSERT_TRUE(session.receive(frame(kSettings, 0x1, 0, "")));
    ASSERT_TRUE(session.receive(many));
    EXPECT_EQ(recorder.heads, 10);
    EXPECT_TRUE(contains(outline(produce(session)), knows_the_limit ? "GOAWAY 1" : "RST_STREAM 7"));
  }
}

TEST_F(BadPeer, MoreThanTheWindowEndsTheStream) {
  limits.stream_window = 65'535;
  limits.connection_window = 65'535;
  Http2Session session(Http2Session::Role::Server, limits, recorder);
  ASSERT_TRUE(session.receive(opening() + frame(kHeaders, 0x4, 1, get_fields())));
  produce(session);
  bool good = true;
  for (int i = 0; i < 10; ++i) {
    good = session.receive(frame(kData, 0, 1, std::string(16'000, 'x')));
    if (contains(outline(produce(session)), "RST_STREAM 3")) good = false;
    if (!good) break;
  }
  EXPECT_LE(recorder.messages.at(1).body.size(), 65'535u + 16'000u);
  EXPECT_FALSE(good);
}

}  // namespace
}  // namespace ph::net
